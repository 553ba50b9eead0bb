import type { RouteHandlers } from "#functions/middleware/router.ts";

export interface OpenApiRouteDeps {
  /** Text of a file that was built beside the function. */
  readonly readBeside: (name: "openapi.json" | "docs.html") => Promise<string>;
}

/** It changes with a deployment only. */
const CACHE = "public, max-age=300";

/** The API about itself. */
export const createOpenApiRoutes = ({
  readBeside,
}: OpenApiRouteDeps): Pick<RouteHandlers, "readOpenApi" | "readDocs"> => ({
  async readOpenApi() {
    const headers = { "content-type": "application/openapi+json; charset=utf-8", "cache-control": CACHE };
    return { status: 200, body: await readBeside("openapi.json"), headers };
  },

  async readDocs() {
    const headers = {
      "content-type": "text/html; charset=utf-8",
      "cache-control": CACHE,
      // The page has a style sheet of its own and runs nothing.
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    };
    return { status: 200, body: await readBeside("docs.html"), headers };
  },
});
