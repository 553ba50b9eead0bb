import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { jsonPointer, PROBLEMS, problemSchema } from "#shared/contract/problem.ts";
import { problemsOf, type RouteShape } from "#shared/contract/routes/route-shape.ts";
import { ROUTES } from "#shared/contract/routes.ts";

const routes = Object.entries(ROUTES);

describe("the table of routes", () => {
  it("has every method of an address once", () => {
    const addresses = routes.map(([, { method, path }]) => `${method} ${path.replaceAll(/\{\w+\}/g, "{}")}`);
    expect(new Set(addresses).size).toBe(addresses.length);
  });

  /**
   * Drafts do not fit into an address; test/unit/usecases/simulate-calendar.test.ts shows that nothing is written.
   * Moving what was previewed takes the scope manage: test/unit/functions/serve-api-replan.test.ts.
   */
  const READS_BY_POST = ["simulate", "replan"];

  /** Whoever may come in may end that, and nothing of anybody else. */
  const OWN_SESSIONS = ["signOut", "revokeSession"];

  it.each(routes)("%s changes nothing with the scope read alone", (name, { method, scope }) => {
    if (scope === "read")
      expect(method === "GET" || READS_BY_POST.includes(name) || OWN_SESSIONS.includes(name)).toBe(true);
    // What is only looked at never takes the right to change it.
    if (method === "GET") expect(["read", "manage", "admin", "public"]).toContain(scope);
  });

  it.each(routes)("%s names the parameters of its path", (_, { path, params }) => {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(Object.keys(params.shape)).toEqual(named);
  });

  it("uses every code, and no status that is another kind of answer", () => {
    const used = new Set<string>([
      "route-not-found",
      "method-not-allowed",
      ...routes.flatMap(([, route]: [string, RouteShape]) => problemsOf(route)),
    ]);
    expect([...used].toSorted()).toEqual(Object.keys(PROBLEMS).toSorted());
    for (const { status } of Object.values(PROBLEMS)) expect(status).toBeGreaterThanOrEqual(400);
  });
});

describe("docs/api.md", () => {
  const page = readFileSync(new URL("../../../docs/api.md", import.meta.url), "utf8");

  it.each(routes)("has %s, its scope and its answers", (_, { method, path, scope, answers }) => {
    const row = page.split("\n").find((line) => line.startsWith(`| \`${method} ${path}\``));
    expect(row).toContain(`\`${scope}\``);
    for (const status of Object.keys(answers)) expect(row).toContain(status);
  });

  it.each(Object.entries(PROBLEMS))("has the code %s beside its status", (code, { status }) => {
    const rows = page.split("\n").filter((line) => line.startsWith("| ") && line.includes(`\`${code}\``));
    expect(rows).toEqual([expect.stringContaining(String(status))]);
  });

  it("has every field of a post", () => {
    for (const field of Object.keys(ROUTES.createTask.body.shape)) expect(page).toContain(`\`${field}\``);
  });
});

describe("problems", () => {
  it("carry nothing that the contract does not name", () => {
    const problem = {
      type: "urn:punctual:problem:internal",
      title: "t",
      status: 500,
      code: "internal",
      detail: "d",
      retryable: false,
      requestId: "r",
    };
    expect(problemSchema.safeParse(problem).success).toBe(true);
    expect(problemSchema.safeParse({ ...problem, stack: "…" }).success).toBe(false);
  });

  it("point as RFC 6901 says", () => {
    expect(jsonPointer([])).toBe("");
    expect(jsonPointer(["thread", 2])).toBe("/thread/2");
    expect(jsonPointer(["a/b", "~", ""])).toBe("/a~1b/~0/");
  });
});
