import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it } from "vitest";
import type * as z from "zod";
import { createOpenApiDocument } from "#infra/openapi/document.ts";
import { createApiPage } from "#infra/openapi/page.ts";
import { EXAMPLES } from "#shared/contract/examples.ts";
import { PROBLEMS } from "#shared/contract/problem.ts";
import type { RouteShape } from "#shared/contract/routes/route-shape.ts";
import { ROUTES, type RouteName } from "#shared/contract/routes.ts";

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const { version } = JSON.parse(read("package.json")) as { version: string };
const document = JSON.parse(JSON.stringify(await createOpenApiDocument(version)));
const routes = Object.entries(ROUTES) as [RouteName, RouteShape][];

describe("docs/openapi.json", () => {
  it("is what the table of routes says: `npm run openapi` writes it", () => {
    expect(JSON.parse(read("docs/openapi.json"))).toEqual(document);
  });

  it("is valid OpenAPI 3.1", async () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true });
  });

  it.each(routes)("has %s with its scope, its answers and its errors", (name, route) => {
    const operation = document.paths[route.path.slice("/api/v1".length)][route.method.toLowerCase()];
    expect(operation.operationId).toBe(name);
    expect(operation.security).toEqual(route.scope === "public" ? [] : [{ key: [route.scope] }]);
    for (const status of Object.keys(route.answers)) expect(operation.responses).toHaveProperty(status);
    for (const code of route.problems) {
      const { status } = PROBLEMS[code];
      if (status in route.answers) continue;
      const content = operation.responses[status].content["application/problem+json"];
      expect(content.examples).toHaveProperty(code);
    }
  });

  it("names nothing that it does not hold", () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)];
    expect(refs.length).toBeGreaterThan(0);
    for (const [, kind = "", name = ""] of refs) expect(document.components[kind]).toHaveProperty([name]);
  });
});

describe("examples", () => {
  const parse = (schema: z.ZodType | undefined, value: unknown) =>
    schema?.safeParse(value).error?.issues ?? [];

  it.each(routes)("of %s are what its schemas take", (name, route) => {
    const example = EXAMPLES[name];
    expect(parse(route.params, example.params ?? {})).toEqual([]);
    expect(parse(route.query, example.query ?? {})).toEqual([]);
    expect(parse(route.body, example.body)).toEqual([]);
    const [answer] = Object.values(route.answers);
    // What is no JSON has none.
    if ("answer" in example) expect(parse(answer, example.answer)).toEqual([]);
    else expect(route.contentType).toBeDefined();
  });
});

describe("the page for people", () => {
  const page = createApiPage(document);

  it("has every route, and nothing that a browser would have to fetch or run", () => {
    for (const [name] of routes) expect(page).toContain(`<details id="${name}">`);
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(/i);
  });

  it("shows what is written into it as text", () => {
    const evil = structuredClone(document);
    evil.paths["/batches/{id}"].get.summary = "<script>alert(1)</script> & `<b>`";
    expect(createApiPage(evil)).toContain(
      "&lt;script&gt;alert(1)&lt;/script&gt; &amp; <code>&lt;b&gt;</code>",
    );
  });
});
