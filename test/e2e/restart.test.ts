/** A machine that is switched off in the middle of everything, and on again: nothing is lost, and nothing posted twice. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Sandbox } from "#infra/local/sandbox/sandbox.ts";
import type { TaskId } from "#shared/domain/ids.ts";
import { createBooks, sandboxOf } from "#test/support/books.ts";
import { createLapse } from "#test/support/lapse.ts";
import { paddedClip, sha256Of } from "#test/support/media-files.ts";
import { createOperator } from "#test/support/operator.ts";
import { FAST, startPunctual } from "#test/support/punctual.ts";
import { createSteering, inSeconds } from "#test/support/steering.ts";
import { waitFor } from "#test/support/wait-for.ts";

/** Longer than the local cloud waits for running functions, so that it stops in the middle of a hold. */
const PARAMETERS = { ...FAST, HoldLeadSeconds: "20" };
/** Longer than it waits too: nothing more arrives until the end. */
const SILENCE_MS = 30_000;
const CREATE = { method: "POST", path: "/2/tweets" } as const;
const APPEND = /\/append$/;
/** Sixteen segments: progress is saved after eight. */
const CLIP = paddedClip(64 * 1_024 * 1_024);
const SEGMENTS = 16;
const THREAD = ["The first part was out", "and the machine went off"];

type Running = Awaited<ReturnType<typeof open>>;
let directory: string;
let running: Running | undefined;

async function open() {
  const punctual = await startPunctual({ directory, parameters: PARAMETERS });
  const steering = createSteering(punctual);
  const operator = createOperator(punctual);
  const books = createBooks(punctual, steering, operator);
  const lapse = createLapse(steering);
  return { punctual, steering, operator, books, lapse, sandbox: sandboxOf(punctual) };
}

async function switchOn(): Promise<Running> {
  running = await open();
  return running;
}

async function switchOff(): Promise<void> {
  running?.operator.close();
  running?.steering.close();
  await running?.punctual.close();
  running = undefined;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "punctual-restart-"));
});
afterAll(async () => {
  await switchOff();
  await rm(directory, { recursive: true, force: true });
});

const textsOf = (sandbox: Sandbox) => sandbox.posts().map(({ text }) => text);
const postsOf = (sandbox: Sandbox, text: string) => sandbox.posts().filter((post) => post.text === text);

/** Drops a large clip by the folder on disk, which sends it in parts, and waits until half of it has arrived at X. */
async function uploadHalf({ punctual, steering, sandbox }: Running, base: string): Promise<TaskId> {
  sandbox.setLatency(300);
  const folder = join(punctual.dropFolder, "default");
  await writeFile(join(folder, `${base}.mp4`), CLIP);
  await writeFile(join(folder, `${base}.md`), `---\nmedia: [${base}.mp4]\n---\nAbout ${base}\n`);
  const id = await steering.dropped(base);
  await waitFor("half of the upload to be saved", async () => {
    const [medium] = await steering.media(id);
    return medium && medium.segmentsDone.length >= 8 ? medium : undefined;
  });
  return id;
}

it("goes on with everything: posts, keys, holds, uploads, threads, lost answers, schedules and retries", async () => {
  const first = await switchOn();
  const key = first.punctual.apiKey;
  await first.punctual.put("before.txt", "Posted before");
  await first.punctual.outcomeWhen("before", ["published"]);
  first.sandbox.addFault({ match: CREATE, action: { drop: "after-commit" } });
  const lost = await first.steering.create({ text: "Its answer was lost" });
  await first.steering.detailWhen(lost, ["unknown"]);
  const uploading = await uploadHalf(first, "clip");
  const answer = await first.punctual.api("/scheduling/tasks", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ thread: THREAD, publishAt: "now" }),
  });
  const { id: thread } = (await answer.json()) as { id: TaskId };
  await first.steering.detailWhen(thread, ["ready"]);
  first.sandbox.setLatency(SILENCE_MS);
  const held = await first.steering.create({ text: "In the middle of a hold", publishAt: inSeconds(24) });
  expect(first.steering.schedules(held)).toHaveLength(1);
  await waitFor("the hold", () => first.steering.schedules(held).length === 0 || undefined);
  // X has the second part, and its answer is on its way.
  await waitFor("the second part", () => postsOf(first.sandbox, THREAD[1] ?? "")[0]);
  await switchOff();

  const second = await switchOn();
  expect(second.punctual.apiKey).toBe(key);
  expect(textsOf(second.sandbox)).toEqual(["Posted before", "Its answer was lost", ...THREAD]);
  expect((await second.punctual.outcome("before"))?.status).toBe("published");
  const [saved] = await second.steering.media(uploading);
  const done = saved?.segmentsDone.length ?? 0;
  expect(done).toBeGreaterThanOrEqual(8);
  expect(await second.steering.task(thread)).toMatchObject({ status: "posting", posted: [{}] });
  expect((await second.steering.gate()).reservations.map(({ taskId }) => taskId).toSorted()).toEqual(
    [lost, thread].toSorted(),
  );
  for (const id of [held, uploading, thread, lost]) await second.lapse.end(id);
  expect(second.steering.calls("POST", APPEND)).toHaveLength(SEGMENTS - done);
  expect(postsOf(second.sandbox, "About clip")).toMatchObject([{ media: [{ sha256: sha256Of(CLIP) }] }]);
  expect(await second.books.story(lost)).toEqual([
    "accept pending",
    "publish unknown connection-lost",
    "settle published",
  ]);
  const story = await second.books.story(thread);
  expect(story.slice(-2)).toEqual(["sweep unknown outcome-unknown", "settle published"]);
  // Whoever held had taken his share of the counters before the machine went off.
  const leaked = { lostDay: 1, lostSpend: 1 };
  await second.books.balance({ posts: 6, ...leaked });

  const resetAt = Math.ceil(Date.now() / 1_000) + 3;
  const headers = { "x-rate-limit-remaining": "0", "x-rate-limit-reset": String(resetAt) };
  second.sandbox.addFault({ match: CREATE, action: { status: 429, headers, body: {} } });
  const retrying = await second.steering.create({ text: "By its retry" });
  await second.steering.detailWhen(retrying, ["retrying"]);
  const scheduled = await second.steering.create({ text: "By its schedule", publishAt: inSeconds(32) });
  expect(second.steering.schedules(scheduled)).toHaveLength(1);
  await switchOff();

  const third = await switchOn();
  expect(third.punctual.apiKey).toBe(key);
  await third.steering.detailWhen(retrying, ["published"], 60_000);
  const { log } = await third.steering.detailWhen(scheduled, ["published"], 90_000);
  expect(log.at(-1)).toMatchObject({ step: "publish", via: "scheduler" });
  for (const id of [held, uploading, thread, lost, retrying, scheduled])
    for (const step of ["publish", "settle"] as const)
      await third.steering.deliver(step, { ...(await third.steering.messageFor(id, step)), part: 0 });
  expect(textsOf(third.sandbox).toSorted()).toEqual(
    [
      ...THREAD,
      "About clip",
      "By its retry",
      "By its schedule",
      "In the middle of a hold",
      "Its answer was lost",
      "Posted before",
    ].toSorted(),
  );
  await third.books.balance({ posts: 8, ...leaked });
  const list = await third.punctual.api("/scheduling/tasks?limit=10");
  const { items } = (await list.json()) as { items: { status: string }[] };
  expect(items.map(({ status }) => status)).toEqual(Array.from({ length: 7 }, () => "published"));
});
