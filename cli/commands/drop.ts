import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { addCommand } from "../command.ts";
import type { CommandContext, Counter } from "../context.ts";
import { type FolderError, type FolderPost, readDropFolder } from "../drop-folder.ts";
import { EXIT, explain, maybeDone, usageError } from "../failures.ts";
import type { TaskShown } from "../show-task.ts";
import { type MediaFile, openMedia, uploadMedia } from "../upload.ts";

const MAX_ERRORS = 20;

interface DropOptions {
  readonly project?: string;
  readonly account?: string;
  readonly partial?: true;
  readonly again?: true;
}

type Result = { readonly file: string } & (
  | { readonly outcome: "accepted"; readonly task: TaskShown }
  /** `unknown`: its answer was lost, and the same drop again finds out. */
  | {
      readonly outcome: "refused" | "unknown";
      readonly code: string;
      readonly detail: string;
      readonly remedy: string;
    }
);

const tellErrors = (errors: readonly FolderError[]): readonly string[] => [
  ...errors.slice(0, MAX_ERRORS).map(({ file, message }) => `${file}: ${message}`),
  ...(errors.length > MAX_ERRORS ? [`… and ${errors.length - MAX_ERRORS} more`] : []),
];

async function hashFile({ path }: MediaFile): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** The same files give the same key: a drop that is repeated posts nothing twice. */
const keyFor = (salt: string, ...parts: readonly string[]): string =>
  createHash("sha256")
    .update(JSON.stringify([salt, ...parts]))
    .digest("hex")
    .slice(0, 32);

/** Uploads the media of a post, then makes it. */
async function dropPost(
  entry: FolderPost,
  folder: string,
  salt: string,
  counter: Counter,
): Promise<TaskShown> {
  const { file, post, media, altText, sha256 } = entry;
  const files = await Promise.all(media.map((name) => openMedia(name, folder)));
  const ids: { id: string; altText?: string }[] = [];
  const hashes: string[] = [];
  const { project } = post;
  for (const [index, medium] of files.entries()) {
    const hash = await hashFile(medium);
    hashes.push(hash);
    const uploaded = await uploadMedia(medium, counter, {
      idempotencyKey: keyFor(salt, project ?? "", medium.name, hash),
      ...(project !== undefined && { project }),
    });
    const described = altText[index];
    ids.push({ id: uploaded.id, ...(described !== undefined && described !== "" && { altText: described }) });
  }
  return counter.client.call("createTask", {
    body: { ...post, ...(ids.length > 0 && { media: ids }) },
    idempotencyKey: keyFor(salt, project ?? "", file, sha256, ...hashes),
  });
}

export function addDropCommand(program: Command, { act }: CommandContext): void {
  addCommand(program, {
    usage: "drop <folder>",
    says: "Makes a post of every text file in a folder, with the media of the same name.",
    more: `As in the drop folder of the service: note.txt is a text; note.md has fields between lines ---, then the text;
note.json has the same fields. note.jpg, note.1.jpg, … belong to it, unless \`media\` lists others. A picture alone is a
post too. The files are read here and sent through the API: local times are of your zone, not of the project's, and
there are no outcome files: \`punctual tasks list\` shows what becomes of them. The same files are posted once, however
often the command runs within a day. A rule of a recurrence is refused: it needs the drop folder, or the API.`,
    examples: [
      ["punctual drop posts/"],
      ["punctual drop posts/ --project shop --partial", "leave wrong files out"],
      ["punctual drop posts/ --again", "the same files once more"],
    ],
  })
    .option("--project <name>", "the project of the posts (default: default)")
    .option("--account <name>", "the account of posts that name none")
    .option("--partial", "leave wrong files out and send the others")
    .option("--again", "also what was dropped before")
    .action(
      act<DropOptions, [string]>(async (counter, { project, account, partial, again }, named) => {
        const { directory, newKey } = counter.surroundings;
        const folder = resolve(directory, named);
        const defaults = {
          ...(project !== undefined && { project }),
          ...(account !== undefined && { account }),
        };
        const { posts, errors, ignored } = await readDropFolder(folder, defaults, counter);
        if (errors.length > 0 && !partial)
          throw usageError(
            `Nothing was sent, since files are wrong.\n${tellErrors(errors).join("\n")}`,
            "Correct the files and repeat the command, or leave them out with --partial.",
            "bad-files",
          );
        if (posts.length === 0)
          throw usageError(
            `There is no post in ${named}.`,
            "Put text files or pictures into it.",
            "empty-folder",
          );
        for (const line of tellErrors(errors)) counter.note(`Left out: ${line}`);
        for (const name of ignored) counter.note(`Not used: ${name}`);
        const salt = again ? newKey() : "drop";
        const results: Result[] = [];
        let code: number = errors.length > 0 ? EXIT.failed : EXIT.ok;
        for (const entry of posts) {
          try {
            const task = await dropPost(entry, folder, salt, counter);
            results.push({ file: entry.file, outcome: "accepted", task });
          } catch (error) {
            const explained = explain(error);
            if (!explained) throw error;
            code ||= explained.exitCode;
            const { message: detail, remedy } = explained;
            const outcome = maybeDone(error) ? "unknown" : "refused";
            results.push({ file: entry.file, outcome, code: explained.code, detail, remedy });
            // Every other one would be refused as well.
            if (explained.exitCode === EXIT.unauthorised) throw error;
          }
        }
        return {
          json: { results, leftOut: errors },
          ids: idsOf(results),
          text: describe(results, counter),
          code,
        };
      }),
    );
}

const idsOf = (results: readonly Result[]): readonly string[] =>
  results.flatMap((result) => (result.outcome === "accepted" ? [result.task.id] : []));

const describe = (results: readonly Result[], { table, time, zone }: Counter): readonly string[] => [
  ...table(
    [
      { title: "File", isElastic: true },
      { title: "Outcome" },
      { title: "Id or reason" },
      { title: `Slot (${zone})` },
      { title: "Detail", isElastic: true },
    ],
    results.map((result) =>
      result.outcome === "accepted"
        ? [
            result.file,
            "accepted",
            result.task.id,
            time(result.task.slotAt),
            result.task.parts[0]?.text ?? "",
          ]
        : [result.file, result.outcome, result.code, "", `${result.detail} ${result.remedy}`],
    ),
  ),
  "",
  `${idsOf(results).length} of ${results.length} accepted.`,
];
