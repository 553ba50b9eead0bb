import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createTempFolder, projectRoot } from "./temp-folder.ts";

/** Lines that reach for time, chance, ids or the process, and the rule that stops each. */
const hidden = {
  "export const a = Date.now();": "plugin",
  "export const b = Date.now;": "plugin",
  'export const c = Date["now"]();': "plugin",
  "export const { now } = Date;": "plugin",
  "export const d = new Date();": "plugin",
  "export const e = Math.random();": "plugin",
  "export const f = Temporal.Now.instant();": "plugin",
  "export const g = globalThis.setTimeout;": "plugin",
  "export const h = setTimeout(() => {}, 1);": "lint/style/noRestrictedGlobals",
  "export const i = performance.now();": "lint/style/noRestrictedGlobals",
  "export const j = crypto.randomUUID();": "lint/style/noRestrictedGlobals",
  'export const k = fetch("https://api.x.com");': "lint/style/noRestrictedGlobals",
  "export const l = process.env;": "lint/style/noProcessEnv",
  'export { randomUUID } from "node:crypto";': "lint/style/noRestrictedImports",
};

/** What only looks like it: the same names with everything passed in. */
const open = [
  "export const a = new Date(5);",
  'export const b = Date.parse("2026-12-01");',
  "export const c = Math.max(1, 2);",
  "export const d = (at: unknown) => at instanceof Date;",
  'export { createHash } from "node:crypto";',
];

type Finding = { readonly file: string; readonly line: number; readonly rule: string };

function lint(files: Readonly<Record<string, string>>): Finding[] {
  const folder = createTempFolder(files);
  for (const file of ["biome.json", "infra/lint", "package.json"]) {
    cpSync(join(projectRoot, file), join(folder, file), { recursive: true });
  }
  const run = spawnSync(
    join(projectRoot, "node_modules/.bin/biome"),
    ["lint", "--reporter=github", "--max-diagnostics=none", "--diagnostic-level=error"],
    { cwd: folder, encoding: "utf8" },
  );
  expect(run.error).toBeUndefined();
  return [...run.stdout.matchAll(/^::error title=([^,]+),file=([^,]+),line=(\d+)/gm)].map((match) => ({
    rule: match[1] ?? "",
    file: (match[2] ?? "").replace(`${folder}/`, ""),
    line: Number(match[3]),
  }));
}

const body = (lines: readonly string[]): string => `${lines.join("\n")}\n`;

describe("the linter", () => {
  it.each(["shared/domain/rules.ts", "shared/usecases/publish-post.ts"])(
    "stops hidden time, chance and ids in %s",
    (file) => {
      const findings = lint({ [file]: body(Object.keys(hidden)) });
      for (const [index, [line, rule]] of Object.entries(hidden).entries()) {
        expect(findings, line).toContainEqual({ file, line: index + 1, rule });
      }
    },
  );

  it("lets the rules compute with instants, numbers and digests that they were given", () => {
    expect(lint({ "shared/domain/rules.ts": body(open) })).toEqual([]);
  });

  it("lets adapters and tests read the clock", () => {
    const line = body(["export const a = Date.now() + Math.random();"]);
    expect(lint({ "shared/adapters/clock/system-clock.ts": line, "test/unit/a.test.ts": line })).toEqual([]);
  });

  it("lets only the entry of a function read the environment", () => {
    const line = body(["export const a = process.env;"]);
    const findings = lint({
      "functions/publish-post/index.ts": line,
      "functions/publish-post/handler.ts": line,
      "functions/middleware/queue.ts": line,
      "shared/adapters/x/client.ts": line,
      "infra/deploy.ts": line,
    });
    expect(findings.map(({ file, rule }) => `${rule} ${file}`).sort()).toEqual([
      "lint/style/noProcessEnv functions/middleware/queue.ts",
      "lint/style/noProcessEnv functions/publish-post/handler.ts",
      "lint/style/noProcessEnv shared/adapters/x/client.ts",
    ]);
  });

  it("stops a test that is skipped or run alone", () => {
    const file = "test/unit/a.test.ts";
    const findings = lint({ [file]: body(['it.skip("a", () => {});', 'it.only("b", () => {});']) });
    expect(findings).toContainEqual({ file, line: 1, rule: "lint/suspicious/noSkippedTests" });
    expect(findings).toContainEqual({ file, line: 2, rule: "lint/suspicious/noFocusedTests" });
  });
});
