/** Workers that die, after each thing they wrote down: every post goes out once, and its log, gate and counters say so. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TaskId } from "#shared/domain/ids.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { Expected } from "#test/support/books.ts";
import { paddedClip, readFixture, sha256Of } from "#test/support/media-files.ts";
import {
  books,
  CREATE,
  lapse,
  postsOf,
  publishNow,
  punctual,
  sandbox,
  steering,
  useStage,
  watchPosting,
} from "#test/support/stage.ts";
import { inSeconds } from "#test/support/steering.ts";
import { waitFor } from "#test/support/wait-for.ts";

const MINUTE = 60_000;
const APPEND = /\/append$/;
const INITIALIZE = /\/initialize$/;
const PHOTO = readFixture("photo.jpg");
/** Sixteen segments: progress is saved after eight. */
const CLIP = paddedClip(64 * 1_024 * 1_024);
const SEGMENTS = 16;
/** What a function writes down in the table. */
const WRITES = ["PutItem", "UpdateItem", "TransactWriteItems"];

useStage();

/** The function dies at its nth write from now on. @returns resolves when it has */
function dieAtWrite(name: string, nth: number, when: "before" | "after"): () => Promise<void> {
  const caller = steering.functionId(name);
  const deaths = punctual.deaths(caller);
  punctual.cloud.unkindness.add({ kind: "crash", when, service: "dynamodb", operation: WRITES, caller, nth });
  return async () => {
    await waitFor(`${name} to die`, () => punctual.deaths(caller) > deaths || undefined);
    punctual.cloud.unkindness.clear();
  };
}

/** Nobody but the publisher writes the new task: the API's note that it is arranged is lost, so that writes can be counted. */
async function createAlone(text: string): Promise<TaskId> {
  await steering.freePublishers();
  const caller = steering.functionId("serve-api");
  punctual.cloud.unkindness.add({ kind: "throttle", operation: "PutItem", caller });
  return steering.create({ text });
}

/** The one post of the text is the task's. */
async function expectPosted(id: TaskId, text: string): Promise<void> {
  const { parts } = await steering.detailWhen(id, ["published"]);
  expect(parts.map(({ postId }) => postId)).toEqual(postsOf(text).map((post) => post.id));
  expect(parts).toHaveLength(1);
}

describe("a publisher that dies", () => {
  const NOTHING = ["accept pending", "publish published"];
  const IN_DOUBT = ["accept pending", "sweep unknown outcome-unknown"];
  const REPOSTED = ["settle unknown not-seen-yet", "settle retrying proven-absent", "publish published"];
  const STEPS: readonly (readonly [
    what: string,
    nth: number,
    when: "before" | "after",
    story: readonly string[],
    left: Omit<Expected, "posts">,
  ])[] = [
    ["before it took its share of the day", 1, "before", NOTHING, {}],
    ["with its share of the day", 1, "after", NOTHING, { lostDay: 1 }],
    ["with both its shares", 2, "after", NOTHING, { lostDay: 1, lostSpend: 1 }],
    ["with its place among the publishers", 3, "after", NOTHING, { lostDay: 1, lostSpend: 1 }],
    ["just before its intent", 4, "before", NOTHING, { lostDay: 1, lostSpend: 1 }],
    ["between its intent and the request", 4, "after", [...IN_DOUBT, ...REPOSTED], {}],
    ["with X's answer in its hands", 5, "before", [...IN_DOUBT, "settle published"], {}],
    ["when everything was written", 5, "after", NOTHING, {}],
    ["when its place is free again", 6, "after", NOTHING, {}],
  ];

  it.each(STEPS)("%s", async (what, nth, when, story, left) => {
    const calls = watchPosting();
    const dead = dieAtWrite("publish-post", nth, when);
    const text = `Died ${what}`;
    const id = await createAlone(text);
    await dead();
    await lapse.end(id);
    await expectPosted(id, text);
    expect(await books.story(id)).toEqual(story);
    await books.balance({ posts: 1, ...left });
    expect(calls()).toHaveLength(1);
  });

  it("has no other writes than these", async () => {
    const last = Math.max(...STEPS.map(([, nth]) => nth));
    const caller = steering.functionId("publish-post");
    const before = punctual.deaths(caller);
    dieAtWrite("publish-post", last + 1, "before");
    const id = await createAlone("Did not die at all");
    await expectPosted(id, "Did not die at all");
    await books.balance({ posts: 1 });
    expect(punctual.deaths(caller)).toBe(before);
  });

  it.each([
    ["before X has made the post", "before-commit", 2],
    ["after X has made the post", "after-commit", 1],
  ] as const)("while X works on it, %s", async (how, when, requests) => {
    const calls = watchPosting();
    sandbox.addFault({ match: CREATE, action: { delayMs: 5_000, when } });
    const text = `Died ${how}`;
    const id = await steering.create({ text, publishAt: inSeconds(6) });
    expect(steering.schedules(id)).toHaveLength(1);
    await waitFor("X to be asked", () => calls().length > 0 || undefined);
    if (when === "after-commit") await waitFor("the post", () => postsOf(text).length > 0 || undefined);
    await punctual.cloud.runtime.terminate(steering.functionId("publish-post"));

    // Scheduler fired it: what is left is in the dead letters.
    expect(JSON.parse(await steering.deadLetter("publish", id))).toMatchObject({
      requestPayload: { taskId: id, step: "publish", via: "scheduler" },
    });
    await steering.sweep();
    expect(await steering.task(id)).toMatchObject({ status: "posting" });
    await lapse.sweep(id);
    const unknown = await steering.detailWhen(id, ["unknown"]);
    expect(unknown.reason?.code).toBe("outcome-unknown");
    await lapse.end(id);
    await expectPosted(id, text);
    await books.balance({ posts: 1 });
    expect(calls()).toHaveLength(requests);
  });

  it("between two parts of a thread leaves the next one to the sweeper", async () => {
    const caller = steering.functionId("publish-post");
    await steering.freePublishers();
    const dead = dieAtWrite("publish-post", 5, "after");
    const thread = ["Its worker died", "after the first part"];
    const answer = await punctual.api("/scheduling/tasks", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ thread, publishAt: "now" }),
    });
    const { id } = (await answer.json()) as { id: TaskId };
    await dead();
    expect(punctual.deaths(caller)).toBeGreaterThan(0);
    expect(await steering.task(id)).toMatchObject({ status: "ready", posted: [{}] });
    await lapse.end(id);
    const { parts } = await steering.detailWhen(id, ["published"]);
    const [first, second] = thread.flatMap(postsOf);
    expect(parts.map(({ postId }) => postId)).toEqual([first?.id, second?.id]);
    expect(second?.inReplyToPostId).toBe(first?.id);
    await books.balance({ posts: 2 });
  });
});

describe("whoever reads a lost answer back, and dies", () => {
  const LOST = ["accept pending", "publish unknown connection-lost"];
  const ABSENT = [...LOST, "settle unknown not-seen-yet"];
  const REPOSTED = [...ABSENT, "settle retrying proven-absent", "publish published"];
  const STEPS: readonly (readonly [
    what: string,
    reading: number,
    nth: number,
    when: "before" | "after",
    left: Omit<Expected, "posts">,
  ])[] = [
    ["before it noted the absence", 1, 1, "before", {}],
    ["when it had noted the absence", 1, 1, "after", {}],
    ["before it noted the proof", 2, 1, "before", {}],
    ["when it had noted the proof", 2, 1, "after", { lostDay: 1, lostSpend: 1 }],
    ["when it had given back the share of the day", 2, 2, "after", { lostSpend: 1 }],
    ["before it woke the publisher", 2, 3, "after", {}],
  ];

  it.each(STEPS)("%s", async (what, reading, nth, when, left) => {
    const calls = watchPosting();
    sandbox.addFault({ match: CREATE, action: { drop: "before-commit" } });
    const text = `Reader died ${what}`;
    const id = await steering.create({ text });
    await steering.detailWhen(id, ["unknown"]);
    if (reading === 2) await lapse.read(id);
    const dead = dieAtWrite("publish-post", nth, when);
    await lapse.sweep(id, () => true);
    await dead();
    await lapse.end(id);
    await expectPosted(id, text);
    expect(await books.story(id)).toEqual(REPOSTED);
    await books.balance({ posts: 1, ...left });
    expect(calls()).toHaveLength(2);
  });

  it.each([
    ["before it adopted the post", "before"],
    ["when it had adopted the post", "after"],
  ] as const)("%s", async (what, when) => {
    const calls = watchPosting();
    sandbox.addFault({ match: CREATE, action: { drop: "after-commit" } });
    const text = `Reader died ${what}`;
    const id = await steering.create({ text });
    await steering.detailWhen(id, ["unknown"]);
    const dead = dieAtWrite("publish-post", 1, when);
    await lapse.sweep(id, () => true);
    await dead();
    await lapse.end(id);
    await expectPosted(id, text);
    expect(await books.story(id)).toEqual([...LOST, "settle published"]);
    await books.balance({ posts: 1 });
    expect(calls()).toHaveLength(1);
  });
});

describe("an uploader that dies", () => {
  const STEPS = [
    ["before its claim", 1, "before"],
    ["with its claim", 1, "after"],
    ["when the upload had begun", 2, "after"],
    ["when the segments were there", 3, "after"],
    ["when the photo was finished", 4, "after"],
    ["before everything was ready", 5, "before"],
    ["when everything was ready", 5, "after"],
  ] as const;
  const LAST = 5;

  /** An hour ahead: nobody else writes the task while it is prepared, so that writes can be counted. */
  async function dropPhoto(base: string): Promise<TaskId> {
    await punctual.put(`${base}.jpg`, PHOTO);
    const head = `publishAt: ${inSeconds(3_600)}\nmedia: [${base}.jpg]`;
    await punctual.put(`${base}.md`, `---\n${head}\n---\nAbout ${base}\n`);
    const id = await steering.dropped(base);
    await waitFor("the task to be arranged", async () => (await steering.task(id)).arrangedFor);
    return id;
  }

  it.each(STEPS)("%s", async (what, nth, when) => {
    const base = `upload-${what.replaceAll(" ", "-")}`;
    const calls = watchPosting();
    const id = await dropPhoto(base);
    const dead = dieAtWrite("prepare-post", nth, when);
    await steering.send("prepare", await steering.messageFor(id, "prepare"));
    await dead();
    const { status } = await steering.task(id);
    const [first, last] = [nth === 1 && when === "before", nth === LAST && when === "after"];
    expect(status).toBe(first ? "pending" : last ? "ready" : "preparing");
    if (status === "preparing") {
      // The instant that it was arranged for is over, and the lease of the dead one too.
      await steering.age(id, 70 * MINUTE);
      await steering.sweep();
      expect(await steering.task(id)).toMatchObject({ status: "pending", arm: 2, recoveries: 1 });
    }
    expect((await publishNow(id)).status).toBe(202);
    await expectPosted(id, `About ${base}`);
    expect(postsOf(`About ${base}`)).toMatchObject([{ media: [{ sha256: sha256Of(PHOTO) }] }]);
    await books.balance({ posts: 1 });
    expect(calls()).toHaveLength(1);
  });

  it("has no other writes than these", async () => {
    const caller = steering.functionId("prepare-post");
    const before = punctual.deaths(caller);
    const id = await dropPhoto("did-not-die");
    dieAtWrite("prepare-post", LAST + 1, "before");
    await steering.deliver("prepare", await steering.messageFor(id, "prepare"));
    expect(await steering.task(id)).toMatchObject({ status: "ready" });
    punctual.cloud.unkindness.clear();
    expect((await publishNow(id)).status).toBe(202);
    await expectPosted(id, "About did-not-die");
    expect(punctual.deaths(caller)).toBe(before);
  });

  it("in the middle of a video loses no finished segment", async () => {
    sandbox.setLatency(300);
    const folder = join(punctual.dropFolder, "default");
    await writeFile(join(folder, "half.mp4"), CLIP);
    await writeFile(join(folder, "half.md"), "---\nmedia: [half.mp4]\n---\nAbout half\n");
    const id = await steering.dropped("half");
    await waitFor("half of the upload to be saved", async () => {
      const [medium] = await steering.media(id);
      return medium && medium.segmentsDone.length >= 8 ? medium : undefined;
    });
    const begun = steering.calls("POST", INITIALIZE).length;
    await punctual.cloud.runtime.terminate(steering.functionId("prepare-post"));
    const [saved] = await steering.media(id);
    const done = saved?.segmentsDone.length ?? 0;
    expect(done).toBeLessThan(SEGMENTS);
    sandbox.setLatency(0);
    const before = steering.calls("POST", APPEND).length;

    await steering.sweep();
    expect(await steering.task(id)).toMatchObject({ status: "preparing", recoveries: 0 });
    await steering.age(id, TIMING.prepare.leaseMs + 1_000);
    await steering.sweep();
    await expectPosted(id, "About half");
    expect(steering.calls("POST", APPEND).slice(before)).toHaveLength(SEGMENTS - done);
    expect(steering.calls("POST", INITIALIZE)).toHaveLength(begun);
    expect(postsOf("About half")).toMatchObject([{ media: [{ sha256: sha256Of(CLIP) }] }]);
    await books.balance({ posts: 1 });
  });
});

describe("a wake-up call that never came", () => {
  it.each(["before", "after"] as const)("because whoever created the task died %s the call", async (when) => {
    const text = `Never arranged: ${when}`;
    const caller = steering.functionId("serve-api");
    punctual.cloud.unkindness.add({ kind: "crash", when, operation: "CreateSchedule", caller });
    const publishAt = inSeconds(600);
    const answer = await punctual.api("/scheduling/tasks", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text, publishAt }),
    });
    expect(answer.status).toBeGreaterThanOrEqual(500);
    punctual.cloud.unkindness.clear();
    const list = await punctual.api("/scheduling/tasks?limit=100");
    const { items } = (await list.json()) as {
      items: readonly { id: TaskId; parts: readonly { text: string }[] }[];
    };
    const id = items.find(({ parts }) => parts[0]?.text === text)?.id;
    if (!id) throw new Error("the task is lost");
    expect(steering.schedules(id)).toHaveLength(when === "after" ? 1 : 0);

    await steering.age(id, TIMING.wake.unarrangedMs + 1_000);
    await steering.sweep();
    const { arm } = await steering.task(id);
    expect(arm).toBe(2);
    expect(steering.schedules(id)).toContain(`t-${id}-2-publish`);
    expect((await publishNow(id)).status).toBe(202);
    await expectPosted(id, text);
    await books.balance({ posts: 1 });
  });

  it("because the queue was away is made good by the sweeper", async () => {
    punctual.cloud.unkindness.add({
      kind: "throttle",
      service: "sqs",
      operation: "SendMessage",
      caller: steering.functionId("serve-api"),
    });
    const id = await steering.create({ text: "Was never arranged" });
    await steering.sweep();
    expect(await steering.task(id)).toMatchObject({ status: "pending", arm: 1 });
    await lapse.end(id);
    await expectPosted(id, "Was never arranged");
    await books.balance({ posts: 1 });
  });

  it("because its schedule was lost is made good by the sweeper too", async () => {
    const slot = inSeconds(10);
    const id = await steering.create({ text: "Its schedule was lost", publishAt: slot });
    expect(steering.schedules(id)).toHaveLength(1);
    await steering.unschedule(id);
    await steering.age(id, 10_000 + TIMING.wake.arrangedMs);
    await steering.sweep();
    expect(steering.schedules(id)).toEqual([expect.stringContaining(`${id}-2-publish`)]);
    await expectPosted(id, "Its schedule was lost");
    expect(postsOf("Its schedule was lost")[0]?.createdAtMs).toBeGreaterThanOrEqual(Date.parse(slot));
    await books.balance({ posts: 1 });
  });

  it("because the sweeper died too is made good by the next one", async () => {
    punctual.cloud.unkindness.add({
      kind: "throttle",
      service: "sqs",
      operation: "SendMessage",
      caller: steering.functionId("serve-api"),
    });
    const id = await steering.create({ text: "Two of them died" });
    await steering.age(id, TIMING.wake.unarrangedMs + 1_000);
    punctual.cloud.unkindness.clear();
    const caller = steering.functionId("sweep-tasks");
    punctual.cloud.unkindness.add({ kind: "crash", when: "after", operation: "PutItem", caller, times: 1 });
    expect(await punctual.cloud.invoke(caller, {})).toMatchObject({ ok: false });
    expect(await steering.task(id)).toMatchObject({ status: "pending", arm: 2, recoveries: 1 });
    await steering.sweep();
    expect(await steering.task(id)).toMatchObject({ arm: 2 });
    await lapse.end(id);
    await expectPosted(id, "Two of them died");
    await books.balance({ posts: 1 });
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
    expect(postsOf("Stuck for a while")).toEqual([]);

    punctual.cloud.unkindness.clear();
    expect((await publishNow(id)).status).toBe(202);
    await expectPosted(id, "Stuck for a while");
    await books.balance({ posts: 1 });
  });
});
