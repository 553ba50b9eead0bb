import { extname } from "node:path";
import type { Command } from "commander";
import { safeToRepeat } from "../call-once.ts";
import type { CallAnswer } from "../client.ts";
import { addCommand, wholeNumber } from "../command.ts";
import type { CommandContext, Counter } from "../context.ts";
import { EXIT, explain, maybeDone, usageError } from "../failures.ts";
import { readText } from "../files.ts";
import { chunkPosts, type Line, type LineError, type PostBody, type ReadPosts, readPosts } from "../posts.ts";

/** What the API takes at once unless a deployment is set otherwise. */
const CHUNK = 50;
/** Of a body of the API, less room for what is around the posts. */
const MAX_BODY_BYTES = 250 * 1024;
/** Errors that are told: who has more has one mistake many times. */
const MAX_ERRORS = 20;

const FORMATS: Readonly<Record<string, "csv" | "jsonl">> = {
  ".csv": "csv",
  ".jsonl": "jsonl",
  ".ndjson": "jsonl",
};

/** Posts of a file, or of the input. */
export async function readPostFile(file: string, counter: Counter): Promise<ReadPosts> {
  const text = await readText(file, counter.surroundings);
  return readPosts(text, FORMATS[extname(file).toLowerCase()], counter);
}

export const tellErrors = (errors: readonly LineError[]): readonly string[] => [
  ...errors.slice(0, MAX_ERRORS).map(({ line, message }) => `line ${line}: ${message}`),
  ...(errors.length > MAX_ERRORS ? [`… and ${errors.length - MAX_ERRORS} more`] : []),
];

type Answered = CallAnswer<"createTasks">["results"][number];

/** What became of a line. */
type LineResult = { readonly line: number } & (
  | { readonly outcome: "accepted"; readonly task: Extract<Answered, { task: unknown }>["task"] }
  /** `unknown`: it was sent, and its answer did not come. */
  | { readonly outcome: "refused" | "not-sent" | "unknown"; readonly code: string; readonly detail: string }
);

const toResult = (line: number, answered: Answered): LineResult =>
  "task" in answered
    ? { line, outcome: "accepted", task: answered.task }
    : { line, outcome: "refused", code: answered.code, detail: answered.detail };

interface SendOptions {
  readonly most: number;
  readonly idempotencyKey: string;
}

/** Sends the posts request by request. A failure ends it; what was accepted before stays accepted, and is told. */
async function sendPosts(
  posts: readonly Line[],
  { most, idempotencyKey }: SendOptions,
  counter: Counter,
): Promise<{ readonly results: readonly LineResult[]; readonly failure?: unknown }> {
  const results: LineResult[] = [];
  const chunks: readonly (readonly Line<PostBody>[])[] = chunkPosts(posts, most, MAX_BODY_BYTES);
  const bar = counter.bar("Sending", posts.length);
  let failure: unknown;
  try {
    for (const [index, chunk] of chunks.entries()) {
      const lines = chunk.map(({ line }) => line);
      if (failure !== undefined) {
        const detail = "An earlier request failed.";
        results.push(
          ...lines.map((line) => ({ line, outcome: "not-sent", code: "not-sent", detail }) as const),
        );
        continue;
      }
      try {
        const answer = await counter.client.call("createTasks", {
          body: { tasks: chunk.map(({ post }) => post) },
          idempotencyKey: `${idempotencyKey}-${index + 1}`,
        });
        for (const [place, line] of lines.entries()) {
          const answered = answer.results[place];
          if (answered) results.push(toResult(line, answered));
        }
      } catch (error) {
        const explained = explain(error);
        if (!explained) throw error;
        failure = error;
        const { code, message: detail } = explained;
        const outcome = maybeDone(error) ? "unknown" : "not-sent";
        results.push(...lines.map((line) => ({ line, outcome, code, detail }) as const));
      }
      bar.update(results.length);
    }
  } finally {
    bar.stop();
  }
  return { results, ...(failure !== undefined && { failure }) };
}

interface BatchOptions {
  readonly partial?: true;
  readonly chunk: number;
  readonly idempotencyKey?: string;
}

export function addBatchCommands(program: Command, { act }: CommandContext): void {
  addCommand(program, {
    usage: "batch <file>",
    says: "Accepts many posts from a CSV or JSONL file, or from the input (-).",
    more: `The first line of a CSV file names the columns as the API names its fields: text, publishAt, account, priority, …
An empty cell is a field that is not there. A line of JSONL is a post as the API takes it.
Nothing is sent while any line is wrong. The service answers every post by itself: what it refuses is told by line.`,
    examples: [
      ["punctual batch posts.csv"],
      ["punctual batch posts.jsonl --partial", "leave wrong lines out"],
      ["punctual batch - --json < posts.csv", "from the input"],
      ["punctual batch posts.csv --idempotency-key monday", "may be repeated: nothing is posted twice"],
    ],
  })
    .option("--partial", "leave wrong lines out and send the others")
    .option("--chunk <n>", "posts of a request, planned together", wholeNumber(1, 200), CHUNK)
    .option("--idempotency-key <key>", "the same key sends the same posts once")
    .action(
      act<BatchOptions, [string]>(async (counter, { partial = false, chunk, idempotencyKey }, file) => {
        const { posts, errors } = await readPostFile(file, counter);
        if (errors.length > 0 && !partial)
          throw usageError(
            `${errors.length === 1 ? "A line is" : `${errors.length} lines are`} wrong, so nothing was sent.\n${tellErrors(errors).join("\n")}`,
            "Correct the lines and repeat the command, or leave them out with --partial.",
            "bad-lines",
          );
        if (posts.length === 0)
          throw usageError(
            "There is no post in it.",
            "The first line names the columns; each other line is a post.",
          );
        const key = idempotencyKey ?? counter.surroundings.newKey();
        const { results, failure } = await sendPosts(posts, { most: chunk, idempotencyKey: key }, counter);
        if (maybeDone(failure)) counter.surroundings.err(safeToRepeat(key));
        const accepted = results.flatMap((result) => (result.outcome === "accepted" ? [result.task] : []));
        const refused = results.length - accepted.length;
        for (const line of tellErrors(errors)) counter.note(`Left out: ${line}`);
        const explained = failure === undefined ? undefined : explain(failure);
        return {
          json: { accepted: accepted.length, refused, leftOut: errors, results },
          ids: accepted.map(({ id }) => id),
          text: [
            ...counter.table(
              [
                { title: "Line", align: "right" },
                { title: "Outcome" },
                { title: "Id or reason" },
                { title: `Slot (${counter.zone})` },
                { title: "Detail", isElastic: true },
              ],
              results.map((result) =>
                result.outcome === "accepted"
                  ? [
                      `${result.line}`,
                      "accepted",
                      result.task.id,
                      counter.time(result.task.slotAt),
                      result.task.parts[0]?.text ?? "",
                    ]
                  : [`${result.line}`, result.outcome, result.code, "", result.detail],
              ),
            ),
            "",
            `${accepted.length} accepted, ${refused} not${errors.length > 0 ? `, ${errors.length} left out` : ""}.`,
            ...(explained ? [`Remedy: ${explained.remedy}`] : []),
          ],
          code: explained ? explained.exitCode : refused + errors.length > 0 ? EXIT.failed : EXIT.ok,
        };
      }),
    );
}
