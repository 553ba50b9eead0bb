/** Versions as entity tags. @see https://www.rfc-editor.org/rfc/rfc9110#section-13.1 */
import { createHash } from "node:crypto";
import { err, ok, type Result } from "#shared/result.ts";
import type { HttpAnswer } from "./http.ts";
import type { InputProblem } from "./http-input.ts";

/** One entity tag, strong or weak. */
const TAG = String.raw`(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"`;
const TAG_LIST = new RegExp(`^[ \\t]*${TAG}[ \\t]*(?:,[ \\t]*${TAG}[ \\t]*)*$`);
const tagsIn = (list: string): readonly string[] => list.match(new RegExp(TAG, "g")) ?? [];

/** Ours are strong: the version, and what else the answer shows. To change something, the version alone is enough. */
const OURS = /^"(\d{1,15})(?:\.[\w-]+)?"$/;
const DIGEST_CHARS = 12;

/**
 * The tag of what an answer shows; undefined: it has no version.
 *
 * Answers also show what is not of the version, such as the next occurrences, or names of other things: so that nobody is
 * told that nothing has changed, the whole answer is in the tag.
 */
export function tagOf({ status, body }: HttpAnswer): string | undefined {
  if (status >= 300 || typeof body !== "object" || body === null || !("version" in body)) return undefined;
  if (typeof body.version !== "number") return undefined;
  const digest = createHash("sha256").update(JSON.stringify(body)).digest("base64url");
  return `"${body.version}.${digest.slice(0, DIGEST_CHARS)}"`;
}

type Headers = Readonly<Record<string, string | undefined>>;

/**
 * The version that `If-Match` asks for.
 *
 * Refused: what is no tag; two versions, of which only one can be meant; and tags that no version of ours has.
 *
 * @returns undefined: any version
 */
export function readIfMatch(headers: Headers): Result<number | undefined, InputProblem> {
  const header = "if-match";
  const given = headers[header]?.trim();
  if (given === undefined || given === "*") return ok(undefined);
  const refuse = (detail: string) =>
    err({ code: "invalid-input", detail: `${header}: ${detail}`, errors: [{ header, detail }] } as const);
  if (!TAG_LIST.test(given)) return refuse('Send an ETag as it came, or a version, in quotes: "3". Or *.');
  const versions = new Set(
    tagsIn(given)
      .flatMap((tag) => OURS.exec(tag)?.[1] ?? [])
      .map(Number),
  );
  const [version, second] = versions;
  if (second !== undefined) return refuse("Send one ETag: only one version can be the one that was read.");
  return version === undefined
    ? err({ code: "precondition-failed", detail: "No version here ever had this ETag." })
    : ok(version);
}

/** Whether whoever asks has the tagged version already. Weak tags count, as in every comparison of `If-None-Match`. */
export function hasVersion(headers: Headers, tag: string): boolean {
  const given = headers["if-none-match"]?.trim();
  if (given === undefined) return false;
  return (
    given === "*" || (TAG_LIST.test(given) && tagsIn(given).some((one) => one.replace("W/", "") === tag))
  );
}
