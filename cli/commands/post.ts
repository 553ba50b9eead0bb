import type { Command } from "commander";
import { callOnce } from "../call-once.ts";
import { addCommand, collect, wholeNumber } from "../command.ts";
import type { CommandContext, Counter } from "../context.ts";
import { usageError } from "../failures.ts";
import { readText } from "../files.ts";
import { followTasks } from "../follow-tasks.ts";
import { checkPost, POST_FIELDS, type PostBody, readPostField, splitParts } from "../posts.ts";
import { describeTask } from "../show-task.ts";
import { type MediaFile, openMedia, uploadMedia } from "../upload.ts";

interface PostOptions {
  readonly file?: string;
  readonly thread?: true;
  readonly at?: string;
  readonly strategy?: string;
  readonly project?: string;
  readonly account?: string;
  readonly priority?: number;
  readonly language?: string;
  readonly batch?: string;
  readonly media?: readonly string[];
  readonly alt?: readonly string[];
  readonly set?: readonly string[];
  readonly wait?: true;
  readonly idempotencyKey?: string;
}

/** The text: of the command line, of a file, or of the input. */
async function readTexts(
  texts: readonly string[],
  { file, thread }: Pick<PostOptions, "file" | "thread">,
  { surroundings }: Counter,
): Promise<readonly string[]> {
  const { isInput } = surroundings.terminal;
  if (file !== undefined && texts.length > 0)
    throw usageError("There is a text and a file.", "Give the text, or --file, not both.");
  if (texts.length > 1 && !thread)
    throw usageError(
      `There are ${texts.length} texts.`,
      "Put one text in quotes; with --thread each text is a part of a thread.",
    );
  const isPiped = texts.length === 0 && !isInput;
  const source = file ?? (isPiped || (texts.length === 1 && texts[0] === "-") ? "-" : undefined);
  return source === undefined ? texts : [(await readText(source, surroundings)).trim()];
}

/** `name=value`, as the API names its fields. */
function readFields(pairs: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name = "", value = ""] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
      if (!POST_FIELDS.includes(name))
        throw usageError(
          `“${pair}” sets no field of a post.`,
          `Write name=value; the names are ${POST_FIELDS.join(", ")}.`,
        );
      return [name, readPostField(name, value)];
    }),
  );
}

/** Uploads the media of a post, in its order. */
async function uploadAll(
  files: readonly MediaFile[],
  { alt = [], project, idempotencyKey }: PostOptions,
  counter: Counter,
) {
  const uploaded: { id: string; altText?: string }[] = [];
  for (const [index, file] of files.entries()) {
    const title = `Uploading ${file.name}${files.length > 1 ? ` (${index + 1} of ${files.length})` : ""}`;
    const { id } = await uploadMedia(file, counter, {
      title,
      ...(project !== undefined && { project }),
      // A repetition is the same post only with the same media.
      ...(idempotencyKey !== undefined && { idempotencyKey: `${idempotencyKey}-media-${index + 1}` }),
    });
    const altText = alt[index];
    uploaded.push({ id, ...(altText !== undefined && altText !== "" && { altText }) });
  }
  return uploaded;
}

/** What the command line asks for, checked as far as a client can. */
export async function readPost(
  texts: readonly string[],
  options: PostOptions,
  counter: Counter,
): Promise<PostBody> {
  const { thread, at, strategy, project, account, priority, language, batch, set = [] } = options;
  const given = readFields(set);
  const written = await readTexts(texts, options, counter);
  const parts = thread ? (written.length === 1 ? splitParts(written[0] ?? "") : written) : undefined;
  const hasText = written.some((text) => text !== "");
  if (!hasText && given["generate"] === undefined && options.media === undefined)
    throw usageError("There is no text.", 'Give one: punctual post "The harbour at nine."');
  const { media = [], alt = [] } = options;
  if (alt.length > media.length)
    throw usageError(
      "There are more descriptions than media.",
      "Give one --alt for each --media, in the same order.",
    );
  const files = await Promise.all(media.map((path) => openMedia(path, counter.surroundings.directory)));
  const body = {
    // They are uploaded when everything else is right.
    ...(files.length > 0 && { media: [] }),
    ...(hasText && (parts ? { thread: parts } : { text: written[0] })),
    // Here, so that its own remedy is told.
    ...(at !== undefined && { publishAt: counter.readTime(at) }),
    ...(strategy !== undefined && { strategy }),
    ...(project !== undefined && { project }),
    ...(account !== undefined && { account }),
    ...(priority !== undefined && { priority }),
    ...(language !== undefined && { language }),
    ...(batch !== undefined && { batch }),
    ...given,
  };
  const checked = checkPost(body, counter);
  if ("post" in checked)
    return files.length === 0
      ? checked.post
      : { ...checked.post, media: await uploadAll(files, options, counter) };
  throw usageError(
    checked.problems.join("; "),
    "Correct it and repeat the command; punctual post --help shows every option.",
    "bad-post",
  );
}

/** Of `post` and of `plan`. */
export const addPostOptions = (command: Command): Command =>
  command
    .option("--at <time>", "when (default: now)")
    .option("--strategy <name>", "let the planner choose the slot: optimal, preferred, balanced, next-free")
    .option("--project <name>", "the project (default: default)")
    .option("--account <name>", "an account of the project, or any (default: the project's)")
    .option("--priority <1-10>", "1 is the most urgent (default: 5)", wholeNumber(1, 10))
    .option("--language <tag>", "such as en (default: zh)")
    .option("--set <name=value>", "any other field of the API; may be repeated", collect);

export function addPostCommand(program: Command, { act }: CommandContext): void {
  const post = addCommand(program, {
    usage: "post [text...]",
    says: "Accepts a post, to be published at its time. Without a text it reads the input.",
    more: `Times: now, +90m, "tomorrow 09:00", "2026-02-06 12:00:00" by your zone, or an instant with its offset.
A thread's parts are divided by lines ---, or given as several texts with --thread.`,
    examples: [
      ['punctual post "The harbour at nine."', "as soon as the rules allow"],
      ['punctual post "Good morning" --at "2026-02-06 12:00:00"', "by the zone of your profile"],
      ["punctual post --file note.txt --strategy optimal", "at the best free slot"],
      ['punctual post "Look" --media harbour.jpg --alt "A red kite over the harbour"'],
      ['punctual post --thread "First part" "Second part"'],
      ["echo 'From a pipe' | punctual post - --wait --json"],
      ['punctual post "标题" --set latePolicy=\'{"postWithin":"2h"}\''],
    ],
  });
  addPostOptions(post)
    .option("--file <path>", "the text stands in this file; - is the input")
    .option("--thread", "a thread: one part for each text, or divided by lines ---")
    .option("--media <path>", "a picture or video to upload; may be repeated", collect)
    .option(
      "--alt <text>",
      "what a medium shows, for people who cannot see it; in the order of --media",
      collect,
    )
    .option("--batch <name>", "the batch that it belongs to")
    .option("--wait", "wait until it is published, or cannot be")
    .option("--idempotency-key <key>", "the same key posts once, however often the command runs")
    .action(
      act<PostOptions, [string[]]>(async (counter, options, texts) => {
        const idempotencyKey = options.idempotencyKey ?? counter.surroundings.newKey();
        const body = await readPost(texts, { ...options, idempotencyKey }, counter);
        const created = await callOnce(idempotencyKey, counter, () =>
          counter.client.call("createTask", { body, idempotencyKey }),
        );
        const reasons = created.plan?.reasons.map(({ message }) => `Chosen because: ${message}`) ?? [];
        if (!options.wait)
          return {
            json: created,
            ids: [created.id],
            text: [
              ...describeTask(created, counter),
              "",
              ...reasons,
              `Accepted. Follow it: punctual tasks watch ${created.id}`,
            ],
          };
        const { tasks, code } = await followTasks([created.id], counter);
        const [task = created] = tasks;
        return { json: task, ids: [task.id], text: describeTask(task, counter), code };
      }),
    );
}
