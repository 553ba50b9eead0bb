import { CST, Lexer, parseDocument } from "yaml";
import { err, ok, type Result } from "#shared/result.ts";
import type { Reason } from "./reason.ts";
import { quote } from "./words.ts";

/** 25 parts of a thread in Chinese take 21 kB. */
const MAX_CHARACTERS = 32_768;
/** `latePolicy: { … }` is one level. */
const MAX_FLOW_DEPTH = 8;

/**
 * YAML that front matter has no use for. Aliases make small files large, tags make other things than text, and a few
 * hundred bytes of nested `? ? ?` keep the parser busy for minutes: so they are refused before anything is parsed.
 */
const REFUSED: Readonly<Record<string, string>> = {
  "explicit-key-ind": "a question mark and a space where a value or a name begins",
  anchor: "an anchor (&)",
  alias: "an alias (*)",
  tag: "a tag (!)",
  "directive-line": "a directive (%)",
};

const malformed = (what: string, line?: number): Reason => ({
  code: "malformed-front-matter",
  message: `The front matter cannot be read: ${what}${line === undefined ? "" : ` (line ${line} of the file)`}.`,
  remedy:
    "Write one “name: value” per line between the two lines ---; put values with special characters in quotes.",
});

/**
 * Reads the fields at the head of a sidecar: plain YAML 1.2, without anchors, tags and complex keys.
 *
 * @param source - what stands between the two lines `---`
 * @returns the fields; values may be anything that JSON can hold. Refused with `malformed-front-matter`
 */
export function readFrontMatter(source: string): Result<Readonly<Record<string, unknown>>, Reason> {
  if (source.length > MAX_CHARACTERS)
    return err(malformed(`it has ${source.length} characters; at most ${MAX_CHARACTERS} are taken`));
  const unsafe = findUnsafe(source);
  if (unsafe) return err(unsafe);

  let fields: unknown;
  try {
    const document = parseDocument(source, { schema: "core", version: "1.2", logLevel: "silent" });
    const [problem] = [...document.errors, ...document.warnings];
    if (problem) {
      const [what = ""] = problem.message.split(/ at line \d+|\n/);
      return err(malformed(what.replace(/[.:]$/, ""), (problem.linePos?.[0].line ?? 0) + 1));
    }
    fields = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    // A bug of the parser that some input found must not stop every other file of the batch.
    return err(malformed(error instanceof Error ? quote(error.message) : "the parser gave up"));
  }
  if (fields === null || fields === undefined) return ok({});
  if (typeof fields !== "object" || Array.isArray(fields))
    return err(malformed("it holds no “name: value” lines"));
  return ok(fields as Record<string, unknown>);
}

function findUnsafe(source: string): Reason | undefined {
  let line = 1;
  let depth = 0;
  for (const token of new Lexer().lex(source)) {
    const type = CST.tokenType(token) ?? "";
    // The line --- is the first of the file.
    if (REFUSED[type]) return malformed(`it has ${REFUSED[type]}`, line + 1);
    if (type === "flow-map-start" || type === "flow-seq-start") depth++;
    if (type === "flow-map-end" || type === "flow-seq-end") depth--;
    if (depth > MAX_FLOW_DEPTH) return malformed("its brackets are nested too deep", line + 1);
    line += token.split("\n").length - 1;
  }
  return undefined;
}
