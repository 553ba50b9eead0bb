/** `npm run openapi`: writes docs/openapi.json from the table of routes. A test fails while it is not up to date. */
import "#infra/require-node.ts";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OPENAPI_FILE, REPOSITORY } from "#infra/bundling.ts";
import { createOpenApiDocument } from "#infra/openapi/document.ts";

const { version } = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8")) as { version: string };
const document = await createOpenApiDocument(version);
writeFileSync(OPENAPI_FILE, `${JSON.stringify(document, undefined, 1)}\n`);
console.log(
  `docs/openapi.json has ${Object.keys(document.paths ?? {}).length} addresses of the API, version ${version}.`,
);
