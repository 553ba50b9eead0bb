/**
 * `npm run demo`: three files are dropped and become three posts, through the synthesized template and the sandbox X.
 *
 * Ends with 1 unless the sandbox itself holds the three posts as they were dropped and one of them came by Scheduler.
 */
import "#infra/require-node.ts";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs, styleText } from "node:util";
import Table from "cli-table3";
import type * as z from "zod";
import { taskPage } from "#shared/contract/list-tasks.ts";
import { taskDetail } from "#shared/contract/task-detail.ts";
import { type OutcomeView, outcomeViewSchema } from "#shared/contract/task-view.ts";
import { isFaultForPeople } from "./faults.ts";
import { type Launched, LaunchFault, launch } from "./launch.ts";
import { makeSamples, type Sample } from "./samples.ts";

const root = join(import.meta.dirname, "../..");
const DEADLINE_MS = 90_000;
const POLL_MS = 200;
const MIB = 1024 * 1024;
const LEAST_MIB = 24;
/** X's own limit for an account without Premium. */
const MOST_MIB = 512;
/** Short leads, so that the whole way through Scheduler takes seconds and not minutes. */
const PARAMETERS = {
  HoldLeadSeconds: "4",
  NearLimitSeconds: "1",
  PrepareLeads: "photo=3,gif=3,video=8,large=8",
  SettleSeconds: "2",
};
const PHOTO_IN_SECONDS = 14;
/** Far enough ahead that a busy machine has accepted it before its wake-up calls are too near for Scheduler. */
const VIDEO_IN_SECONDS = 24;

/** What a sample came to. */
interface Result {
  readonly sample: Dropped;
  readonly outcome: OutcomeView | undefined;
  readonly detail: z.output<typeof taskDetail> | undefined;
}

interface Dropped extends Sample {
  /** Of the medium, as it was written to the folder. */
  readonly sha256?: string;
}

const ENDED = new Set(["published", "failed", "held", "missed", "cancelled", "unknown"]);

const WORDS: Readonly<Record<string, string>> = {
  pending: "accepted and scheduled",
  preparing: "uploading",
  ready: "uploaded, waits for its second",
  posting: "posting",
};

const help = `npm run demo [-- --mib <size>]

Drops three files (a text, a photo, a video) into the folder of a throw-away local cloud, shows how they become posts,
and checks the sandbox X for the very same texts and bytes. Needs no account, and leaves nothing behind.

  --mib <size>   size of the video in MiB, at least 24 (default 24)
  --json         only the result, as one line of JSON
`;

async function drop(folder: string, samples: readonly Sample[]): Promise<readonly Dropped[]> {
  const dropped: Dropped[] = [];
  for (const sample of samples) {
    const sha256 = sample.medium && (await sample.medium.write(join(folder, sample.medium.file)));
    await writeFile(join(folder, sample.file), sample.sidecar, { flag: "wx" });
    dropped.push({ ...sample, ...(sha256 !== undefined && { sha256 }) });
  }
  return dropped;
}

async function readOutcome(folder: string, { file }: Sample): Promise<OutcomeView | undefined> {
  const path = join(folder, "default", file.replace(/\.md$/, ".json"));
  try {
    return outcomeViewSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

async function ask<Schema extends z.ZodType>(
  { apiUrl, apiKey }: Launched,
  path: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  const answer = await fetch(`${apiUrl}/api/v1/scheduling/tasks${path}`, {
    headers: { authorization: `Bearer ${apiKey}` },
  });
  if (!answer.ok) throw new Error(`the API answered ${answer.status} for ${path}`);
  return schema.parse(await answer.json());
}

function describeChange({ outcome, detail }: Result): string | undefined {
  const seen = detail ?? outcome;
  if (!seen) return undefined;
  const { status, reason } = seen;
  const due = detail && !ENDED.has(status) ? `, due ${detail.slotAt.slice(11, 19)} UTC` : "";
  return `${WORDS[status] ?? status}${due}${reason ? `: ${reason.message}` : ""}`;
}

/** Follows every sample until it ended, or until the deadline; says what changes. */
async function follow(
  punctual: Launched,
  samples: readonly Dropped[],
  say: (line: string) => void,
): Promise<readonly Result[]> {
  const deadline = Date.now() + DEADLINE_MS;
  const said = new Map<string, string>();
  for (;;) {
    const { items } = await ask(punctual, "", taskPage);
    const results = await Promise.all(
      samples.map(async (sample): Promise<Result> => {
        const found = items.find(({ parts }) => parts[0]?.text === sample.text);
        const detail = found && (await ask(punctual, `/${found.id}`, taskDetail));
        return { sample, detail, outcome: await readOutcome(punctual.outcomeFolder, sample) };
      }),
    );
    for (const result of results) {
      const change = describeChange(result);
      const { file } = result.sample;
      if (change === undefined || said.get(file) === change) continue;
      said.set(file, change);
      say(`${new Date().toISOString().slice(11, 19)}  ${file.padEnd(12)} ${change}`);
    }
    const isOver = results.every(({ outcome }) => outcome && ENDED.has(outcome.status));
    if (isOver || Date.now() > deadline) return results;
    await setTimeout(POLL_MS);
  }
}

/** Asks the sandbox's own store. @returns what is not as it was dropped */
function findFaults(punctual: Launched, results: readonly Result[]): readonly string[] {
  const faults: string[] = [];
  const posts = punctual.sandbox?.posts() ?? [];
  if (posts.length !== results.length)
    faults.push(`the sandbox holds ${posts.length} posts, not ${results.length}`);
  for (const { sample, outcome, detail } of results) {
    const postId = detail?.parts[0]?.postId;
    const post = posts.find(({ id }) => id === postId);
    if (outcome?.status !== "published" || !post) {
      faults.push(`${sample.file} was not published (${outcome?.status ?? "no outcome"})`);
      continue;
    }
    if (post.text !== sample.text) faults.push(`${sample.file} was posted with another text`);
    const wanted = sample.sha256 === undefined ? [] : [sample.sha256];
    if (post.media.map(({ sha256 }) => sha256).join() !== wanted.join())
      faults.push(`${sample.file} was posted with other media`);
    if (post.media[0]?.altText !== sample.medium?.altText)
      faults.push(`${sample.file} was posted with another alt text`);
  }
  if (!results.some(({ detail }) => detail?.log.some(({ via }) => via === "scheduler")))
    faults.push("no log says that a post came by Scheduler");
  return faults;
}

const summaryOf = ({ sample, detail }: Result) => ({
  file: sample.file,
  task: detail?.id,
  slotAt: detail?.slotAt,
  sentAt: detail?.sentAt,
  latenessMs: detail?.latenessMs,
  via: detail?.log.findLast(({ step }) => step === "publish")?.via,
  postId: detail?.parts[0]?.postId,
  link: detail?.parts[0]?.link,
});

function toTable(results: readonly Result[]): string {
  const table = new Table({
    // Plain, whatever the terminal: pasted into a message it stays readable.
    style: { head: [], border: [] },
    head: ["file", "task", "slot (UTC)", "sent at", "late (ms)", "via", "post", "link"],
  });
  for (const { file, task, slotAt, sentAt, latenessMs, via, postId, link } of results.map(summaryOf))
    table.push([
      file,
      task ?? "–",
      slotAt?.slice(11, 23) ?? "–",
      sentAt?.slice(11, 23) ?? "–",
      latenessMs ?? "–",
      via ?? "–",
      postId ?? "–",
      link ?? "–",
    ]);
  return table.toString();
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { mib: { type: "string" }, json: { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const mib = Number(values.mib ?? LEAST_MIB);
  if (!Number.isInteger(mib) || mib < LEAST_MIB || mib > MOST_MIB) {
    console.error(`--mib takes a whole number from ${LEAST_MIB} to ${MOST_MIB}.`);
    return 2;
  }
  const say = (line: string) => {
    if (!values.json) console.log(line);
  };
  const startedAt = Date.now();
  const directory = await mkdtemp(join(tmpdir(), "punctual-demo-"));
  const interrupted = new AbortController();
  process.on("SIGINT", () => interrupted.abort());
  process.on("SIGTERM", () => interrupted.abort());
  let punctual: Launched | undefined;
  try {
    punctual = await launch({
      root,
      directory,
      port: 0,
      parameters: PARAMETERS,
      // What is dropped goes out within seconds, at any hour.
      preset: "open",
      sandboxOnly: true,
      keepsState: false,
      onStep: (step) => say(styleText("dim", `${step} …`)),
      onReport: ({ message }) => console.error(styleText("red", message)),
    });
    const samples = makeSamples({
      photoInSeconds: PHOTO_IN_SECONDS,
      videoInSeconds: VIDEO_IN_SECONDS,
      videoBytes: mib * MIB,
      now: new Date(),
    });
    const dropped = await drop(join(punctual.dropFolder, "default"), samples);
    say(`\nDropped ${samples.map(({ file }) => file).join(", ")} into a folder.\n`);
    const results = await Promise.race([follow(punctual, dropped, say), abortOf(interrupted.signal)]);
    const faults = findFaults(punctual, results);
    if (values.json) console.log(JSON.stringify({ posts: results.map(summaryOf), faults }));
    else {
      console.log(`\n${toTable(results)}`);
      for (const fault of faults) console.error(styleText("red", `✗ ${fault}`));
      if (faults.length === 0)
        console.log(
          styleText(
            "green",
            `✓ The sandbox holds ${results.length} posts with the very texts and bytes that were dropped (${Math.round((Date.now() - startedAt) / 1_000)} s).`,
          ),
        );
    }
    return faults.length === 0 ? 0 : 1;
  } finally {
    await punctual?.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Rejects at once when it was interrupted before. */
const abortOf = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const interrupt = () => reject(new LaunchFault("Interrupted; nothing is left running."));
    if (signal.aborted) interrupt();
    else signal.addEventListener("abort", interrupt, { once: true });
  });

try {
  process.exitCode = await main();
} catch (error) {
  if (!isFaultForPeople(error)) throw error;
  console.error(styleText("red", error.message));
  process.exitCode = 1;
}
