/** Posts from files: what may stand in them is what the API's contract says, field by field. */
import { type CsvError, parse } from "csv-parse/sync";
import * as z from "zod";
import { createTaskBody } from "#shared/contract/create-task.ts";
import { jsonPointer } from "#shared/contract/problem.ts";
import { CliError, EXIT, usageError } from "./failures.ts";

export type PostBody = z.input<typeof createTaskBody>;

const FIELDS: Readonly<Record<string, z.ZodType>> = createTaskBody.shape;
export const POST_FIELDS: readonly string[] = Object.keys(FIELDS);

/** A post and where it stands, from 1. */
export interface Line<Post = PostBody> {
  readonly line: number;
  readonly post: Post;
}
export interface LineError {
  readonly line: number;
  readonly message: string;
}

export interface ReadPosts {
  readonly posts: readonly Line[];
  readonly errors: readonly LineError[];
}

export interface PostReader {
  /** A time as it was written, for the API. @throws CliError */
  readonly readTime: (text: string) => string;
}

const isRule = (line: string): boolean => line.trimEnd() === "---";

/** Parts of a thread are divided by lines `---`, as in dropped files. */
export function splitParts(text: string): readonly string[] {
  const parts: string[][] = [[]];
  for (const line of text.replaceAll(/\r\n?/g, "\n").split("\n")) {
    if (isRule(line)) parts.push([]);
    else parts.at(-1)?.push(line);
  }
  return parts.map((lines) => lines.join("\n").trim());
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/**
 * What a text of a cell or of the command line means in a field: the text itself where the field takes texts, else what
 * it is as JSON (a number, a list), else what `otherwise` makes of it.
 */
export function readCell(schema: z.ZodType, text: string, otherwise: (text: string) => unknown): unknown {
  const parsed = parseJson(text);
  const candidates = [text, ...(parsed ? [parsed.value] : []), otherwise(text)];
  const fitting = candidates.find((candidate) => schema.safeParse(candidate).success);
  // What fits nowhere is left as it was written, so that the error speaks of it.
  return fitting === undefined ? (parsed?.value ?? text) : fitting;
}

/** @param name - one of `POST_FIELDS` */
export const readPostField = (name: string, text: string): unknown =>
  readCell(FIELDS[name] ?? z.never(), text, splitParts);

/** `a.b: what is wrong` */
const describe = (issue: z.core.$ZodIssue): string => {
  const at = jsonPointer(issue.path).slice(1).replaceAll("/", ".");
  return `${at === "" ? "" : `${at}: `}${issue.message}`;
};

/** Takes whatever stands for a post, and says everything that is wrong with it. */
export function checkPost(
  given: Readonly<Record<string, unknown>>,
  { readTime }: PostReader,
): { readonly post: PostBody } | { readonly problems: readonly string[] } {
  const post = { ...given };
  const problems: string[] = [];
  const { publishAt } = post;
  if (typeof publishAt === "string")
    try {
      post["publishAt"] = readTime(publishAt);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      problems.push(`publishAt: ${error.message} ${error.remedy}`);
    }
  const checked = createTaskBody.safeParse(post);
  if (!checked.success) problems.push(...checked.error.issues.map(describe));
  return problems.length > 0 ? { problems } : { post: post as PostBody };
}

/** A spreadsheet writes what its country uses. */
function delimiterOf(text: string): string {
  const [header = ""] = text.split(/\r\n?|\n/, 1);
  return [",", ";", "\t"].find((delimiter) => header.includes(delimiter)) ?? ",";
}

interface RawRecord {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
  readonly raw: string;
}

/** Empty lines before a record are in its raw text too. */
const newlines = (text: string): number => text.trim().split("\n").length - 1;

/**
 * Posts of a CSV file: its first line names fields of the API; an empty cell is a field that is not there.
 *
 * @throws CliError when the file as a whole cannot be read
 */
export function readCsv(text: string, reader: PostReader): ReadPosts {
  let records: readonly RawRecord[];
  try {
    records = parse(text, {
      bom: true,
      delimiter: delimiterOf(text),
      info: true,
      raw: true,
      relax_column_count: true,
      skip_empty_lines: true,
    }) as unknown as readonly RawRecord[];
  } catch (error) {
    const { lines } = error as Partial<CsvError>;
    throw new CliError(`Line ${lines ?? "?"}: the quotes do not match.`, {
      code: "broken-csv",
      exitCode: EXIT.usage,
      remedy:
        'A cell with a comma, a quote or a line break stands in quotes, and a quote in it is written twice: "".',
    });
  }
  const [head, ...rows] = records;
  const names = (head?.record ?? []).map((name) => name.trim());
  checkHeader(names);
  const posts: Line[] = [];
  const errors: LineError[] = [];
  for (const { record, info, raw } of rows) {
    const line = info.lines - newlines(raw);
    if (record.every((cell) => cell.trim() === "")) continue;
    if (record.length !== names.length) {
      errors.push({
        line,
        message: `It has ${record.length} cells, and the first line names ${names.length}: put quotes around cells with commas.`,
      });
      continue;
    }
    const given = names.flatMap((name, index) => {
      const cell = record[index] ?? "";
      return cell.trim() === "" ? [] : [[name, readPostField(name, cell)] as const];
    });
    add(line, Object.fromEntries(given), reader, posts, errors);
  }
  return { posts, errors };
}

function checkHeader(names: readonly string[]): void {
  const unknown = names.filter((name) => !POST_FIELDS.includes(name));
  if (unknown.length > 0)
    throw usageError(
      `Line 1: no post has ${unknown.map((name) => `“${name}”`).join(", ")}.`,
      `The first line names the columns: some of ${POST_FIELDS.join(", ")}.`,
      "bad-header",
    );
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw usageError(`Line 1: “${twice}” is there twice.`, "Name every column once.", "bad-header");
}

/** Posts of a JSONL file: an object on each line, as the API takes it. */
export function readJsonLines(text: string, reader: PostReader): ReadPosts {
  const posts: Line[] = [];
  const errors: LineError[] = [];
  for (const [index, written] of text
    .replace(/^\ufeff/, "")
    .split(/\r\n?|\n/)
    .entries()) {
    if (written.trim() === "") continue;
    const line = index + 1;
    const value = parseJson(written)?.value;
    if (typeof value !== "object" || value === null || Array.isArray(value))
      errors.push({ line, message: "It is no JSON object." });
    else add(line, value as Readonly<Record<string, unknown>>, reader, posts, errors);
  }
  return { posts, errors };
}

function add(
  line: number,
  given: Readonly<Record<string, unknown>>,
  reader: PostReader,
  posts: Line[],
  errors: LineError[],
): void {
  const checked = checkPost(given, reader);
  if ("post" in checked) posts.push({ line, post: checked.post });
  else errors.push(...checked.problems.map((message) => ({ line, message })));
}

/** @param format - @default what the text looks like */
export function readPosts(text: string, format: "csv" | "jsonl" | undefined, reader: PostReader): ReadPosts {
  const isJson = format === undefined ? /^\ufeff?\s*\{/.test(text) : format === "jsonl";
  return isJson ? readJsonLines(text, reader) : readCsv(text, reader);
}

/**
 * Divides posts into requests: no more of them than the API takes, and no more bytes.
 *
 * @param most - posts of a request
 * @param mostBytes - of its body
 */
export function chunkPosts<Post>(
  posts: readonly Line<Post>[],
  most: number,
  mostBytes: number,
): readonly (readonly Line<Post>[])[] {
  const chunks: Line<Post>[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const entry of posts) {
    const size = Buffer.byteLength(JSON.stringify(entry.post)) + 1;
    if (bytes + size > mostBytes || (chunks.at(-1)?.length ?? most) >= most) {
      chunks.push([]);
      bytes = 0;
    }
    chunks.at(-1)?.push(entry);
    bytes += size;
  }
  return chunks;
}
