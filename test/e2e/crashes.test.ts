/** Functions that die, answers of AWS that are lost, and a machine that is switched off: every post goes out once, or says why not. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Sandbox } from "#infra/local/sandbox/sandbox.ts";
import type { TaskId } from "#shared/domain/ids.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { paddedClip, readFixture, sha256Of } from "#test/support/media-files.ts";
import { FAST, startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { createSteering, inSeconds, type Steering } from "#test/support/steering.ts";
import { waitFor } from "#test/support/wait-for.ts";

const MIB = 1_024 * 1_024;
const MINUTE = 60_000;
const CREATE = { method: "POST", path: "/2/tweets" } as const;
const TWEETS = /^\/2\/tweets$/;
const APPEND = /\/append$/;
const INITIALIZE = /\/initialize$/;
const PHOTO = readFixture("photo.jpg");
/** Sixteen segments: progress is saved after eight. */
const CLIP = paddedClip(64 * MIB);
const SEGMENTS = 16;

const sandboxOf = ({ sandbox }: TestPunctual): Sandbox => {
  if (!sandbox) throw new Error("there is no sandbox");
  return sandbox;
};
const textsOf = (sandbox: Sandbox) => sandbox.posts().map(({ text }) => text);
const postsOf = (sandbox: Sandbox, text: string) => sandbox.posts().filter((post) => post.text === text);

/** Drops a large clip by the folder on disk, which sends it in parts, and waits until half of it has arrived at X. */
async function uploadHalf(punctual: TestPunctual, steering: Steering, base: string): Promise<TaskId> {
  sandboxOf(punctual).setLatency(300);
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

describe("a function that dies", () => {
  let punctual: TestPunctual;
  let sandbox: Sandbox;
  let steering: Steering;
  beforeAll(async () => {
    punctual = await startPunctual();
    sandbox = sandboxOf(punctual);
    steering = createSteering(punctual);
  });
  afterEach(() => {
    sandbox.clearFaults();
    sandbox.setLatency(0);
    punctual.cloud.unkindness.clear();
  });
  afterAll(async () => {
    steering?.close();
    await punctual?.close();
  });

  const kill = (name: string) => punctual.cloud.runtime.terminate(steering.functionId(name));

  const publishNow = (id: TaskId) => punctual.api(`/scheduling/tasks/${id}/publish-now`, { method: "POST" });

  it("in the middle of an upload loses no finished segment", async () => {
    const id = await uploadHalf(punctual, steering, "half");
    await kill("prepare-post");
    const [saved] = await steering.media(id);
    const done = saved?.segmentsDone.length ?? 0;
    expect(done).toBeLessThan(SEGMENTS);
    sandbox.setLatency(0);
    const before = steering.calls("POST", APPEND).length;

    await steering.sweep();
    expect(await steering.task(id)).toMatchObject({ status: "preparing", recoveries: 0 });
    await steering.age(id, TIMING.prepare.leaseMs + 1_000);
    await steering.sweep();
    await steering.detailWhen(id, ["published"], 60_000);

    expect(steering.calls("POST", APPEND).slice(before)).toHaveLength(SEGMENTS - done);
    expect(steering.calls("POST", INITIALIZE)).toHaveLength(1);
    expect(postsOf(sandbox, "About half")).toMatchObject([{ media: [{ sha256: sha256Of(CLIP) }] }]);
  });

  it.each([
    ["before X has made the post", "before-commit", 0],
    ["after X has made the post", "after-commit", 1],
  ] as const)("while it posts, %s: the post is unknown and never sent again", async (how, when, posts) => {
    const before = steering.calls("POST", TWEETS).length;
    sandbox.addFault({ match: CREATE, action: { delayMs: 5_000, when } });
    const text = `Died ${how}`;
    const id = await steering.create({ text, publishAt: inSeconds(5) });
    const calls = () => steering.calls("POST", TWEETS).slice(before);
    await waitFor("X to be asked", () => calls().length > 0 || undefined);
    if (posts > 0) await waitFor("the post", () => postsOf(sandbox, text).length > 0 || undefined);
    await kill("publish-post");

    // Scheduler fired it: what is left is in the dead letters.
    expect(JSON.parse(await steering.deadLetter("publish", id))).toMatchObject({
      requestPayload: { taskId: id, step: "publish", via: "scheduler" },
    });
    await steering.sweep();
    expect(await steering.task(id)).toMatchObject({ status: "posting" });
    await steering.age(id, TIMING.publish.leaseMs + 1_000);
    await steering.sweep();
    const unknown = await steering.detailWhen(id, ["unknown"]);
    expect(unknown.reason?.code).toBe("outcome-unknown");
    expect(unknown.log.at(-1)).toMatchObject({ step: "sweep", code: "outcome-unknown" });

    const message = await steering.messageFor(id, "publish");
    for (let round = 0; round < 3; round++) {
      await steering.age(id, 10 * MINUTE);
      await steering.sweep();
      await steering.deliver("publish", message);
    }
    expect(await steering.task(id)).toMatchObject({ status: "unknown" });
    expect(calls()).toHaveLength(1);
    expect(postsOf(sandbox, text)).toHaveLength(posts);
  });

  it("between the task and its wake-up calls leaves it to the sweeper", async () => {
    punctual.cloud.unkindness.add({
      kind: "throttle",
      service: "sqs",
      operation: "SendMessage",
      caller: steering.functionId("serve-api"),
    });
    const id = await steering.create({ text: "Was never arranged" });
    await steering.sweep();
    expect(await steering.task(id)).toMatchObject({ status: "pending", arm: 1 });
    await steering.age(id, TIMING.wake.unarrangedMs + 1_000);
    await steering.sweep();
    await steering.detailWhen(id, ["published"]);
    expect(postsOf(sandbox, "Was never arranged")).toHaveLength(1);
  });

  it("or a schedule that never fired, is made good by the sweeper too", async () => {
    const id = await steering.create({ text: "Its schedule was lost", publishAt: inSeconds(10) });
    expect(steering.schedules(id)).toHaveLength(1);
    await steering.unschedule(id);
    await steering.age(id, 10_000 + TIMING.wake.arrangedMs);
    await steering.sweep();
    expect(steering.schedules(id)).toEqual([expect.stringContaining(`${id}-2-publish`)]);
    await steering.detailWhen(id, ["published"], 40_000);
    expect(postsOf(sandbox, "Its schedule was lost")).toHaveLength(1);
  });

  it("again and again is given up on after five recoveries, and says so", async () => {
    punctual.cloud.unkindness.add({
      kind: "throttle",
      service: "dynamodb",
      operation: "GetItem",
      caller: steering.functionId("publish-post"),
    });
    const id = await steering.create({ text: "Stuck for a while" });
    for (let recovery = 1; recovery <= TIMING.sweep.maxRecoveries; recovery++) {
      await steering.age(id, 10 * MINUTE);
      await steering.sweep();
      expect(await steering.task(id)).toMatchObject({ recoveries: recovery, arm: recovery + 1 });
    }
    await steering.age(id, 10 * MINUTE);
    await steering.sweep();
    const held = await steering.detailWhen(id, ["held"]);
    expect(held.reason).toMatchObject({ code: "stuck", remedy: expect.stringContaining("publish it now") });
    expect(postsOf(sandbox, "Stuck for a while")).toEqual([]);

    punctual.cloud.unkindness.clear();
    expect((await publishNow(id)).status).toBe(202);
    await steering.detailWhen(id, ["published"]);
    expect(postsOf(sandbox, "Stuck for a while")).toHaveLength(1);
  });

  it.each<[what: string, by: string, rule: { operation: string; nth?: number; times?: number }]>([
    ["the new task", "accept-drop", { operation: "TransactWriteItems", nth: 1 }],
    ["its claim", "prepare-post", { operation: "PutItem", nth: 1 }],
    ["its progress", "prepare-post", { operation: "PutItem", nth: 2 }],
    ["that all is uploaded", "prepare-post", { operation: "TransactWriteItems", nth: 1 }],
    ["its intent", "publish-post", { operation: "TransactWriteItems", nth: 1 }],
    ["its settlement", "publish-post", { operation: "TransactWriteItems", nth: 2 }],
    ["its intent, twice", "publish-post", { operation: "TransactWriteItems", times: 2 }],
  ])("never hears the answer of the table to %s (%s): one post, one reservation", async (what, by, rule) => {
    const { unkindness } = punctual.cloud;
    const { inFlight } = await steering.gate();
    const base = what.replaceAll(/\W+/g, "-");
    await punctual.put(`${base}.jpg`, PHOTO);
    const caller = steering.functionId(by);
    unkindness.add({ kind: "lost-answer", service: "dynamodb", caller, ...rule });
    // An hour ahead: nobody else writes the task while it is prepared, so what is lost is the answer to a success.
    const later = inSeconds(3_600);
    await punctual.put(`${base}.md`, `---\npublishAt: ${later}\nmedia: [${base}.jpg]\n---\nAbout ${base}\n`);
    const id = await steering.dropped(base);
    const arranged = Date.parse(later) - 10 * MINUTE;
    await waitFor("the task to be arranged", async () =>
      Number((await steering.task(id)).wakeAt) > arranged ? true : undefined,
    );
    await steering.deliver("prepare", await steering.messageFor(id, "prepare"));
    expect(await steering.task(id)).toMatchObject({ status: "ready" });

    // The note of the API that the task is arranged: again, nobody else is to write.
    const notes = steering.functionId("serve-api");
    if (by === "publish-post") unkindness.add({ kind: "throttle", operation: "PutItem", caller: notes });
    expect((await publishNow(id)).status).toBe(202);
    const { parts, log } = await steering.detailWhen(id, ["published"]);
    const [post, ...others] = postsOf(sandbox, `About ${base}`);
    expect(others).toEqual([]);
    expect(parts).toMatchObject([{ postId: post?.id }]);
    expect(log.filter(({ status }) => status === "published")).toHaveLength(1);
    expect(await steering.gate()).toMatchObject({ inFlight, lastPostId: post?.id });
  });

  it("meets other transactions on the account again and again: posts all the same", async () => {
    const { inFlight } = await steering.gate();
    for (const name of ["publish-post", "serve-api"])
      punctual.cloud.unkindness.add({ kind: "conflict", caller: steering.functionId(name), times: 4 });
    const ids = await Promise.all(
      ["one", "two", "three"].map((name) => steering.create({ text: `In conflict ${name}` })),
    );
    for (const id of ids) await steering.detailWhen(id, ["published"]);
    expect(
      textsOf(sandbox)
        .filter((text) => text.startsWith("In conflict"))
        .toSorted(),
    ).toEqual(["In conflict one", "In conflict three", "In conflict two"]);
    expect(await steering.gate()).toMatchObject({ inFlight });
  });
});

describe("a machine that is switched off and on", () => {
  /** Longer than the local cloud waits for running functions, so that it stops in the middle of a hold. */
  const PARAMETERS = { ...FAST, HoldLeadSeconds: "20" };
  let directory: string;
  let running: { readonly punctual: TestPunctual; readonly steering: Steering } | undefined;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "punctual-restart-"));
  });
  afterAll(async () => {
    await switchOff();
    await rm(directory, { recursive: true, force: true });
  });

  async function switchOn() {
    const punctual = await startPunctual({ directory, parameters: PARAMETERS });
    running = { punctual, steering: createSteering(punctual) };
    return { ...running, sandbox: sandboxOf(punctual) };
  }

  async function switchOff() {
    running?.steering.close();
    await running?.punctual.close();
    running = undefined;
  }

  it("goes on with everything: posts, keys, holds, uploads, schedules and retries", async () => {
    const first = await switchOn();
    const key = first.punctual.apiKey;
    await first.punctual.put("before.txt", "Posted before");
    await first.punctual.outcomeWhen("before", ["published"]);
    const uploading = await uploadHalf(first.punctual, first.steering, "clip");
    // Nothing more arrives until the end.
    first.sandbox.setLatency(30_000);
    const held = await first.steering.create({ text: "In the middle of a hold", publishAt: inSeconds(24) });
    expect(first.steering.schedules(held)).toHaveLength(1);
    await waitFor("the hold", () => first.steering.schedules(held).length === 0 || undefined);
    await switchOff();

    const second = await switchOn();
    expect(second.punctual.apiKey).toBe(key);
    expect(textsOf(second.sandbox)).toEqual(["Posted before"]);
    expect((await second.punctual.outcome("before"))?.status).toBe("published");
    const [saved] = await second.steering.media(uploading);
    const done = saved?.segmentsDone.length ?? 0;
    expect(done).toBeGreaterThanOrEqual(8);
    for (const id of [held, uploading]) {
      await second.steering.age(id, 5 * MINUTE);
      await second.steering.sweep();
    }
    await second.steering.detailWhen(uploading, ["published"], 60_000);
    await second.steering.detailWhen(held, ["published"], 60_000);
    expect(second.steering.calls("POST", APPEND)).toHaveLength(SEGMENTS - done);
    expect(postsOf(second.sandbox, "About clip")).toMatchObject([{ media: [{ sha256: sha256Of(CLIP) }] }]);
    const resetAt = Math.ceil(Date.now() / 1_000) + 3;
    const headers = { "x-rate-limit-remaining": "0", "x-rate-limit-reset": String(resetAt) };
    second.sandbox.addFault({ match: CREATE, action: { status: 429, headers, body: {} } });
    const retrying = await second.steering.create({ text: "By its retry" });
    await second.steering.detailWhen(retrying, ["retrying"]);
    const scheduled = await second.steering.create({ text: "By its schedule", publishAt: inSeconds(45) });
    expect(second.steering.schedules(scheduled)).toHaveLength(1);
    await switchOff();

    const third = await switchOn();
    expect(third.punctual.apiKey).toBe(key);
    await third.steering.detailWhen(retrying, ["published"], 60_000);
    const { log } = await third.steering.detailWhen(scheduled, ["published"], 90_000);
    expect(log.at(-1)).toMatchObject({ step: "publish", via: "scheduler" });
    for (const id of [held, uploading, retrying, scheduled])
      await third.steering.deliver("publish", {
        ...(await third.steering.messageFor(id, "publish")),
        part: 0,
      });
    expect(textsOf(third.sandbox).toSorted()).toEqual([
      "About clip",
      "By its retry",
      "By its schedule",
      "In the middle of a hold",
      "Posted before",
    ]);
    expect(await third.steering.gate()).toMatchObject({ inFlight: 0 });
    const list = await third.punctual.api("/scheduling/tasks?limit=10");
    const { items } = (await list.json()) as { items: { status: string }[] };
    expect(items.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => "published"));
  });
});
