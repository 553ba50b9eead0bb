/** What a request carries, read strictly: every mistake is named, nothing is guessed. */
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type * as z from "zod";
import { type InputError, jsonPointer, type ProblemCode } from "#shared/contract/problem.ts";
import { nearest, quote } from "#shared/domain/words.ts";
import { err, ok, type Result } from "#shared/result.ts";

/** 25 parts of 25,000 characters do not fit, and no thread has them; a batch of 50 plain posts does. */
const MAX_BODY_BYTES = 256 * 1024;
/** Errors of one request that are told. */
const MAX_ERRORS = 20;
/** Levels of a body: the deepest field is on the third. */
const MAX_DEPTH = 16;

export interface InputProblem {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly errors?: readonly InputError[];
}

type BodyEvent = Pick<APIGatewayProxyEventV2, "body" | "isBase64Encoded" | "headers">;

/**
 * Reads a JSON body.
 *
 * Refused: more than 256 KiB; another content type than `application/json` in UTF-8; bytes that are no UTF-8; broken
 * JSON; half a character (an unpaired surrogate) anywhere.
 *
 * @returns `undefined` for no body at all
 */
export function readJsonBody({ body, isBase64Encoded, headers }: BodyEvent): Result<unknown, InputProblem> {
  if (!body) return ok(undefined);
  const bytes = isBase64Encoded ? Buffer.from(body, "base64") : undefined;
  const sizeBytes = bytes?.length ?? Buffer.byteLength(body);
  if (sizeBytes > MAX_BODY_BYTES)
    return err({
      code: "body-too-large",
      detail: `The body has ${sizeBytes} bytes; at most ${MAX_BODY_BYTES} are taken.`,
    });
  const contentType = headers["content-type"];
  if (!isJson(contentType))
    return err({
      code: "unsupported-media-type",
      detail: `Send application/json in UTF-8${contentType === undefined ? "; there is no content-type" : ""}.`,
    });

  // Bytes that are no UTF-8 become this character, here or in API Gateway already; no text that people wrote has it.
  const text = bytes ? bytes.toString() : body;
  if (text.includes("\ufffd"))
    return err({
      code: "malformed-body",
      detail: "The body is not UTF-8, or has the replacement character U+FFFD.",
    });
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    // The parser's own words quote the body.
    return err({ code: "malformed-body", detail: "The body is no JSON: a JSON checker shows the place." });
  }
  const broken = findBroken(value, []);
  return broken ? err({ code: "malformed-body", detail: broken.detail, errors: [broken] }) : ok(value);
}

function isJson(contentType: string | undefined): boolean {
  const [type = "", ...parameters] = (contentType ?? "").split(";").map((part) => part.trim().toLowerCase());
  const [, charset = "utf-8"] =
    parameters.map((parameter) => /^charset="?([^"]*)"?$/.exec(parameter)).find(Boolean) ?? [];
  return type === "application/json" && /^utf-?8$/.test(charset);
}

/** The first string or name with an unpaired surrogate, or a value that is nested too deep to be walked safely. */
function findBroken(value: unknown, path: readonly PropertyKey[]): InputError | undefined {
  if (typeof value === "string")
    return value.isWellFormed()
      ? undefined
      : { pointer: jsonPointer(path), detail: "It has half of a character (an unpaired surrogate)." };
  if (typeof value !== "object" || value === null) return undefined;
  if (path.length >= MAX_DEPTH)
    return { pointer: jsonPointer(path), detail: `It is nested deeper than ${MAX_DEPTH} levels.` };
  for (const [key, inner] of Object.entries(value)) {
    if (!key.isWellFormed())
      return {
        pointer: jsonPointer(path),
        detail: "A name in it has half of a character (an unpaired surrogate).",
      };
    const broken = findBroken(inner, Array.isArray(value) ? [...path, Number(key)] : [...path, key]);
    if (broken) return broken;
  }
  return undefined;
}

/** Checks one place of a request against its schema. */
export function checkInput<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  place: "body" | "query",
): Result<z.output<Schema>, InputProblem> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const errors = parsed.error.issues
    .flatMap((issue) => toErrors(issue, place, namesOf(schema)))
    .slice(0, MAX_ERRORS);
  return err({
    code: "invalid-input",
    detail: errors
      .map(({ pointer, parameter, detail }) => `${parameter ?? (pointer || "body")}: ${detail}`)
      .join("; "),
    errors,
  });
}

function toErrors(
  issue: z.core.$ZodIssue,
  place: "body" | "query",
  names: readonly string[],
): readonly InputError[] {
  const at = (path: readonly PropertyKey[]) =>
    place === "query"
      ? { parameter: shorten(String(path[0] ?? "")) }
      : { pointer: jsonPointer(path.map(shortenKey)) };
  if (issue.code !== "unrecognized_keys") return [{ ...at(issue.path), detail: wordsOf(issue) }];
  return issue.keys.map((key) => {
    const meant = issue.path.length === 0 ? nearest(key, names) : undefined;
    return {
      ...at([...issue.path, key]),
      detail: `There is no ${place === "query" ? "parameter" : "field"} ${quote(key)}.${meant ? ` Did you mean ${quote(meant)}?` : ""}`,
    };
  });
}

const wordsOf = (issue: z.core.$ZodIssue): string =>
  issue.code === "invalid_type" && issue.input === undefined && issue.message.includes("undefined")
    ? "It is missing."
    : issue.message;

/** A caller's own names may be of any length; an answer is not. */
const shorten = (name: string): string =>
  name.length > 100 ? `${name.slice(0, 100).toWellFormed()}…` : name;
const shortenKey = (key: PropertyKey): PropertyKey => (typeof key === "string" ? shorten(key) : key);

const namesOf = (schema: z.ZodType): readonly string[] =>
  "shape" in schema && typeof schema.shape === "object" && schema.shape !== null
    ? Object.keys(schema.shape)
    : [];
