import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PROBLEMS } from "#shared/contract/problem.ts";
import { PARKING_CODES } from "#shared/domain/policy.ts";
import { ATTEMPT_CODES } from "#shared/domain/webhook-delivery.ts";

const ROOT = join(import.meta.dirname, "../../..");
const KEBAB = "[a-z][a-z0-9]*(?:-[a-z0-9]+)*";

/** Codes as the source spells them: `code: "a"`, `code: x ? "a" : "b"`, `code = "a"`, and types of the same shape. */
function codesIn(source: string): string[] {
  const literals = `"${KEBAB}"(?:\\s*[:|]\\s*"${KEBAB}")*`;
  const spelled = new RegExp(`\\bcode(?::| =)\\s*(?:[^;,{}]{0,120}?\\?\\s*)?(${literals})`, "g");
  return [...source.matchAll(spelled)].flatMap(([, text = ""]) =>
    [...text.matchAll(new RegExp(`"(${KEBAB})"`, "g"))].map(([, code = ""]) => code),
  );
}

const sources = ["shared", "functions"].flatMap((area) =>
  readdirSync(join(ROOT, area), { recursive: true, encoding: "utf8" })
    // Examples of the API repeat codes, and words that are none.
    .filter((file) => file.endsWith(".ts") && !file.startsWith("contract/examples/"))
    .map((file) => readFileSync(join(ROOT, area, file), "utf8")),
);
const used = new Set([
  ...sources.flatMap(codesIn),
  ...Object.keys(PROBLEMS),
  ...PARKING_CODES,
  ...ATTEMPT_CODES,
]);
const page = readFileSync(join(ROOT, "docs/errors.md"), "utf8");
const rows = [...page.matchAll(/^\| `([^`]+)` \| (.+) \| (.+) \|$/gm)];
const documented = rows.map(([, code = ""]) => code);

describe("docs/errors.md", () => {
  it("explains every code of the source", () => {
    expect(used.size).toBeGreaterThan(60);
    expect([...used].filter((code) => !documented.includes(code)).toSorted()).toEqual([]);
  });

  it("explains no code that nothing uses", () => {
    expect(documented.filter((code) => !used.has(code))).toEqual([]);
  });

  it("explains each once, with what to do", () => {
    expect(documented.length).toBe(new Set(documented).size);
    for (const [, code, meaning = "", remedy = ""] of rows)
      expect([code, meaning.length > 5, remedy.length > 5]).toEqual([code, true, true]);
  });

  it("would miss no spelling of a code", () => {
    expect(
      codesIn(`
        return { code: "planted-one", message: "x" };
        readonly code = "planted-two";
        code: repeats ? "planted-three" : "planted-four",
        code:
          kind === "one"
            ? "planted-five"
            : "planted-six",
        damaged(name: string, code: "planted-seven" | "planted-eight"): Reason;
      `),
    ).toEqual(
      ["one", "two", "three", "four", "five", "six", "seven", "eight"].map((name) => `planted-${name}`),
    );
    expect(codesIn('if (error.code === "ENOENT") return; const encode = "x"; reason.code')).toEqual([]);
  });
});
