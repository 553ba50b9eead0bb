import * as z from "zod";
import { err, ok, type Result } from "#shared/result.ts";
import type { PostText } from "./compose-post.ts";
import {
  enhanceField,
  generateField,
  hashtagsField,
  onEnhanceFailureField,
  WRITING_EXPECTS,
} from "./content/writing-fields.ts";
import { DROP_PREFIX, NO_PROJECT, parseDropKey, type SidecarFormat } from "./drop-key.ts";
import { readFrontMatter } from "./front-matter.ts";
import { STRATEGIES, type Strategy } from "./planning/strategy.ts";
import {
  batchField,
  languageField,
  latePolicyField,
  nameField,
  priorityField,
  publishAtField,
  reconcileField,
  threadField,
} from "./post-fields.ts";
import { checkCharacters, tidyText } from "./post-text.ts";
import type { Reason } from "./reason.ts";
import type { SourceDefaults } from "./source.ts";
import { splitField } from "./split-thread.ts";
import { DEFAULT_LANGUAGE, DEFAULT_PRIORITY, type LatePolicy, type ReconcilePolicy } from "./task.ts";
import { nearest, quote, quoteAll } from "./words.ts";

/** The longest post of any account, 25,000 weighted characters, takes 75 kB when JSON escapes every one of them. */
export const MAX_SIDECAR_BYTES = 128 * 1024;

const MAX_RECURRENCE = 20_000;

/** @see https://docs.x.com/x-api/media/metadata/introduction */
const MAX_ALT_TEXT = 1_000;

/** What a person wrote beside the media, checked field by field. Accounts, times and media are not looked up yet. */
export interface Sidecar extends PostText {
  /** As written. */
  readonly publishAt?: string;
  readonly account?: string;
  readonly reconcile?: ReconcilePolicy;
  /** Name of the batch that the post belongs to. */
  readonly batch?: string;
  readonly priority: number;
  readonly language: string;
  /** In the order of the media; an empty text leaves one out. */
  readonly altText: readonly string[];
  /** Absent: whatever has the same base name. Present: exactly these, none included. */
  readonly media?: readonly string[];
  /** Absent: the project's. */
  readonly latePolicy?: LatePolicy;
  /** How the slot is chosen. Absent: `publishAt` says it. */
  readonly strategy?: Strategy;
  /** When it recurs, as written: see `readRecurrence`. It starts at `publishAt`, unless it says so itself. */
  readonly recurrence?: string | undefined;
  /** Texts that take turns with the first. */
  readonly variants?: readonly string[] | undefined;
  /** The same media may be posted again. */
  readonly reuseMedia: boolean;
}

/** Only names that a dropped medium can have: the list must not reach into another folder. */
const fileName = z.string().refine((name) => {
  const parsed = parseDropKey(`${DROP_PREFIX}${NO_PROJECT}/${name}`);
  return parsed.ok && parsed.value.role === "medium";
});

const listOf = <Item extends z.ZodType>(item: Item) =>
  z.union([item.transform((one) => [one]), z.array(item).max(1_000)]);

/** Every field, what may stand in it, and how to say so. */
const FIELDS = {
  publishAt: {
    schema: publishAtField,
    expects: "now, an instant such as 2026-12-01T09:00:00+08:00, or a local time such as 2026-12-01 09:00",
  },
  account: {
    schema: z.union([nameField, z.number().transform(String)]),
    expects: "the name of an account of the project, or any",
  },
  priority: { schema: priorityField, expects: "a whole number from 1 (most urgent) to 10" },
  language: { schema: languageField, expects: "a language tag such as zh, en or pt-BR" },
  altText: {
    schema: listOf(z.string().max(MAX_ALT_TEXT)),
    expects: `a text of at most ${MAX_ALT_TEXT} characters, or a list of them, one per medium`,
  },
  media: {
    schema: listOf(fileName).refine((names) => new Set(names).size === names.length),
    expects: "a list of different file names of the same folder, such as [cover.jpg, clip.mp4]",
  },
  batch: {
    schema: z.union([batchField, z.number().transform(String)]),
    expects: "a name of at most 100 characters",
  },
  thread: { schema: threadField, expects: "a list of texts" },
  text: { schema: z.string(), expects: "a text" },
  latePolicy: {
    schema: latePolicyField,
    expects: "such as { postWithin: 30m, then: missed }: s, m, h, d (at most 30d) or forever; missed or hold",
  },
  reconcile: { schema: reconcileField, expects: "repost or hold" },
  strategy: { schema: z.enum(STRATEGIES), expects: `one of ${STRATEGIES.join(", ")}` },
  reuseMedia: { schema: z.boolean(), expects: "true or false" },
  recurrence: {
    schema: z.string().min(1).max(MAX_RECURRENCE),
    expects: "a rule such as FREQ=WEEKLY;BYDAY=MO, or lines DTSTART, RRULE, EXDATE and RDATE",
  },
  variants: {
    schema: listOf(z.string()),
    expects: "a text, or a list of texts that take turns with the first",
  },
  split: { schema: splitField, expects: "true, false or { numbering: true }" },
  enhance: { schema: enhanceField, expects: WRITING_EXPECTS.enhance },
  generate: { schema: generateField, expects: WRITING_EXPECTS.generate },
  hashtags: { schema: hashtagsField, expects: WRITING_EXPECTS.hashtags },
  onEnhanceFailure: { schema: onEnhanceFailureField, expects: WRITING_EXPECTS.onEnhanceFailure },
} as const;
type Field = keyof typeof FIELDS;

const shape = {
  publishAt: FIELDS.publishAt.schema.optional(),
  account: FIELDS.account.schema.optional(),
  priority: FIELDS.priority.schema.optional(),
  language: FIELDS.language.schema.optional(),
  altText: FIELDS.altText.schema.default([]),
  media: FIELDS.media.schema.optional(),
  batch: FIELDS.batch.schema.optional(),
  thread: FIELDS.thread.schema.optional(),
  latePolicy: FIELDS.latePolicy.schema.optional(),
  reconcile: FIELDS.reconcile.schema.optional(),
  strategy: FIELDS.strategy.schema.optional(),
  reuseMedia: FIELDS.reuseMedia.schema.optional(),
  recurrence: FIELDS.recurrence.schema.optional(),
  variants: FIELDS.variants.schema.optional(),
  split: FIELDS.split.schema.optional(),
  enhance: FIELDS.enhance.schema.optional(),
  generate: FIELDS.generate.schema.optional(),
  hashtags: FIELDS.hashtags.schema.optional(),
  onEnhanceFailure: FIELDS.onEnhanceFailure.schema.optional(),
};
const frontMatterSchema = z.strictObject(shape);
const jsonSchema = frontMatterSchema.extend({ text: FIELDS.text.schema.optional() });
type Fields = z.output<typeof jsonSchema>;

/**
 * Reads a sidecar. Any bytes give a sidecar or a reason; nothing is thrown.
 *
 * - `md`: fields between two lines `---`, then the text; further lines `---` divide it into a thread.
 * - `txt`: nothing but the text.
 * - `json`: an object with the same fields, and `text` or `thread`.
 *
 * Refusals (`code`): `sidecar-too-large`, `empty-file`, `invalid-utf8`, `malformed-front-matter`, `malformed-json`,
 * `unknown-field`, `invalid-field`, `invalid-text`, `text-twice`.
 *
 * @param defaults - stand in for fields that it does not have
 */
export function parseSidecar(
  format: SidecarFormat,
  bytes: Uint8Array,
  defaults: SourceDefaults = {},
): Result<Sidecar, Reason> {
  const badSize = checkSidecarSize(bytes.byteLength);
  if (badSize) return err(badSize);
  let text: string;
  try {
    // A byte order mark is taken away by the decoder.
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).replaceAll(/\r\n?/g, "\n");
  } catch {
    return err({
      code: "invalid-utf8",
      message: "The file is not UTF-8 text.",
      remedy: "Save it as UTF-8 (in many editors: Save as, Encoding), and drop it again.",
    });
  }
  switch (format) {
    case "txt":
      return finish({ ...jsonSchema.parse({}), text }, defaults);
    case "md":
      return parseMarkdown(text, defaults);
    case "json":
      return parseJson(text, defaults);
  }
}

/** Known from the listing, so that a large file is refused unread. */
export function checkSidecarSize(sizeBytes: number): Reason | undefined {
  if (sizeBytes === 0)
    return {
      code: "empty-file",
      message: "The file has 0 bytes.",
      remedy: "Write the text into it and drop it again; perhaps the upload was cut off.",
    };
  if (sizeBytes <= MAX_SIDECAR_BYTES) return undefined;
  return {
    code: "sidecar-too-large",
    message: `The file has ${sizeBytes} bytes; a text file of at most ${MAX_SIDECAR_BYTES} is taken.`,
    remedy: "Shorten it: no post is that long.",
  };
}

const isRule = (line: string): boolean => line.trimEnd() === "---";

function parseMarkdown(text: string, defaults: SourceDefaults): Result<Sidecar, Reason> {
  const lines = text.split("\n");
  let body = lines;
  let given: Readonly<Record<string, unknown>> = {};
  if (isRule(lines[0] ?? "")) {
    const end = lines.findIndex((line, index) => index > 0 && isRule(line));
    if (end < 0)
      return err({
        code: "malformed-front-matter",
        message: "The front matter begins with a line --- and has no second one.",
        remedy: "Close the fields with a line ---, and write the text below it.",
      });
    const read = readFrontMatter(lines.slice(1, end).join("\n"));
    if (!read.ok) return read;
    given = read.value;
    body = lines.slice(end + 1);
  }
  const fields = checkFields(frontMatterSchema, given);
  if (!fields.ok) return fields;

  const texts: string[][] = [[]];
  for (const line of body) {
    if (isRule(line)) texts.push([]);
    else texts.at(-1)?.push(line);
  }
  const parts = texts.map((part) => part.join("\n"));
  if (parts.length === 1) {
    const [only = ""] = parts;
    return finish({ ...fields.value, ...(only.trim() !== "" && { text: only }) }, defaults);
  }
  if (fields.value.thread) return err(textTwice("thread in the front matter"));
  return finish({ ...fields.value, thread: parts }, defaults);
}

function parseJson(text: string, defaults: SourceDefaults): Result<Sidecar, Reason> {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    return err(malformedJson(error instanceof Error ? error.message : "it cannot be parsed"));
  }
  if (typeof given !== "object" || given === null || Array.isArray(given))
    return err(malformedJson("it is no object { … }"));
  const fields = checkFields(jsonSchema, given as Record<string, unknown>);
  return fields.ok ? finish(fields.value, defaults) : fields;
}

const malformedJson = (what: string): Reason => ({
  code: "malformed-json",
  message: `The file is no JSON of the expected kind: ${quote(what)}.`,
  remedy: 'Write an object such as { "text": "Hello", "publishAt": "now" }; a JSON checker shows the place.',
});

const textTwice = (second: string): Reason => ({
  code: "text-twice",
  message: `The text is given twice: as text, and as ${second}.`,
  remedy: "Keep one of them.",
});

function checkFields<Output>(
  schema: z.ZodType<Output> & { readonly shape: object },
  given: Readonly<Record<string, unknown>>,
): Result<Output, Reason> {
  // `account:` with nothing behind it is a field that is not there.
  const parsed = schema.safeParse(
    Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)),
  );
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  const known = Object.keys(schema.shape);
  if (issue?.code === "unrecognized_keys" && issue.path.length === 0) {
    const [key = ""] = issue.keys;
    const meant = nearest(key, known);
    return err({
      code: "unknown-field",
      message: `There is no field ${quote(key)}.${meant ? ` Did you mean ${quote(meant)}?` : ""}`,
      remedy: `The fields are ${known.join(", ")}. Correct the name and drop the file again.`,
    });
  }
  const [field] = issue?.path ?? [];
  const { expects } = FIELDS[field as Field];
  return err({
    code: "invalid-field",
    message: `The field ${quote(String(field))} must be ${expects}.`,
    remedy: "Correct the value and drop the file again.",
  });
}

function finish(fields: Fields, defaults: SourceDefaults): Result<Sidecar, Reason> {
  const {
    text,
    thread,
    publishAt,
    account = defaults.account,
    reconcile = defaults.reconcile,
    priority = defaults.priority ?? DEFAULT_PRIORITY,
    language = defaults.language ?? DEFAULT_LANGUAGE,
    reuseMedia = defaults.reuseMedia ?? false,
    batch,
    media,
    altText,
    latePolicy = defaults.latePolicy,
    strategy = defaultStrategy(fields, defaults),
    ...rest
  } = fields;
  if (text !== undefined && thread) return err(textTwice("thread"));
  const texts = (thread ?? [text ?? ""]).map(tidyText);
  const named: readonly (readonly [where: string, text: string])[] = [
    ...texts.map((part, index) => [thread ? `Part ${index + 1} of the thread` : "The text", part] as const),
    ...altText.map((alternative, index) => [`Alt text ${index + 1}`, alternative] as const),
    ...(rest.variants ?? []).map((variant) => ["A variant", variant] as const),
    ...[account, publishAt].map((value) => ["A field", value ?? ""] as const),
  ];
  for (const [where, value] of named) {
    const invalid = checkCharacters(value, where);
    if (invalid) return err(invalid);
  }
  return ok({
    ...rest,
    texts,
    priority,
    language,
    reuseMedia,
    altText: altText.map(tidyText),
    ...(publishAt !== undefined && { publishAt }),
    ...(account !== undefined && { account }),
    ...(reconcile !== undefined && { reconcile }),
    ...(batch !== undefined && { batch }),
    ...(latePolicy !== undefined && { latePolicy }),
    ...(strategy !== undefined && { strategy }),
    ...(media !== undefined && { media }),
  });
}

/** A file that names its time, or recurs, has decided itself. */
const defaultStrategy = (
  { publishAt, recurrence }: Fields,
  { strategy }: SourceDefaults,
): Strategy | undefined => (publishAt === undefined && recurrence === undefined ? strategy : undefined);

/** Why alternative texts do not fit the media; undefined: they do. */
export function checkAltText(altText: readonly string[], media: readonly string[]): Reason | undefined {
  if (altText.length <= media.length) return undefined;
  return {
    code: "alt-text-unmatched",
    message: `There are ${altText.length} alternative texts, but ${media.length === 0 ? "no media" : `only ${media.length} media: ${quoteAll(media)}`}.`,
    remedy: "Give one alternative text per medium, in the same order, or drop the missing media.",
  };
}
