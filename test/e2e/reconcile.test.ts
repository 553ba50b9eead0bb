/** X's answer to a post was lost. What became of it is read back, and every task comes to its end: one post, or none and a reason. */
import { describe, expect, it } from "vitest";
import type { FaultRule } from "#infra/local/sandbox/sandbox.ts";
import type { TaskId } from "#shared/domain/ids.ts";
import { readFixture } from "#test/support/media-files.ts";
import {
  books,
  CREATE,
  lapse,
  meet,
  postsOf,
  problem,
  publishNow,
  punctual,
  sandbox,
  steering,
  useStage,
  watchPosting,
} from "#test/support/stage.ts";
import { waitFor } from "#test/support/wait-for.ts";

const TIMELINE = { method: "GET", path: /^\/2\/users\/\d+\/tweets$/ } as const;
const NEVER_LANDS = { drop: "before-commit" } as const;
const LANDS = { drop: "after-commit" } as const;

useStage();

const onlyPostOf = (text: string) => {
  const [post, ...others] = postsOf(text);
  expect(others).toEqual([]);
  if (!post) throw new Error(`there is no post ${text}`);
  return post;
};
const watch = ({ method, path }: { readonly method: string; readonly path: RegExp }) => {
  const before = steering.calls(method, path).length;
  return () => steering.calls(method, path).slice(before);
};
const cancel = (id: TaskId) => punctual.api(`/scheduling/tasks/${id}`, { method: "DELETE" });

/** Creates a task whose request meets the fault. */
async function lose(text: string, action: FaultRule["action"], over: object = {}): Promise<TaskId> {
  meet(CREATE, action);
  const id = await steering.create({ text, ...over });
  await steering.detailWhen(id, ["unknown"]);
  return id;
}

/** The next part of a thread, whose message waits in the queue, is due. */
async function nextPart(id: TaskId): Promise<void> {
  await steering.age(id, 10_000);
  await steering.deliver("publish", await steering.messageFor(id, "publish"));
}

describe("an answer that was lost after the post had landed", () => {
  it.each<[how: string, cause: string, action: FaultRule["action"]]>([
    ["the connection ended", "connection-lost", LANDS],
    ["the answer was cut in its middle", "unreadable-answer", { cutBody: true }],
    ["the answer came after the deadline", "deadline", { delayMs: 13_000 }],
  ])("(%s): the post is found and adopted, and never sent again", async (how, cause, action) => {
    const calls = watchPosting();
    const text = `Landed: ${how}`;
    const id = await lose(text, action);
    const unknown = await steering.detailWhen(id, ["unknown"]);
    expect(unknown.reason).toMatchObject({ code: "outcome-unknown", remedy: expect.any(String) });
    expect((await steering.gate()).reservations).toMatchObject([{ taskId: id, units: 1, used: 0 }]);
    const early = watch(TIMELINE);
    await steering.deliver("settle", await steering.messageFor(id, "settle"));
    expect(early()).toEqual([]);

    await lapse.read(id);
    const { parts, reason, latenessMs } = await steering.detailWhen(id, ["published"]);
    const post = onlyPostOf(text);
    expect(parts).toMatchObject([{ postId: post.id }]);
    expect(reason).toBeUndefined();
    expect(latenessMs).toBeGreaterThanOrEqual(0);
    expect(await books.story(id)).toEqual(["accept pending", `publish unknown ${cause}`, "settle published"]);
    await books.balance({ posts: 1 });
    expect(calls()).toHaveLength(1);
  });

  it("is found by the sweeper when the message of the reading is lost too, and only once by doubled messages", async () => {
    const calls = watchPosting();
    const id = await lose("Found by the sweeper", LANDS);
    await lapse.sweep(id);
    await steering.detailWhen(id, ["published"]);
    const settle = { ...(await steering.messageFor(id, "settle")), part: 0 };
    for (let copy = 0; copy < 2; copy++) await steering.deliver("settle", settle);
    expect(await books.story(id)).toEqual([
      "accept pending",
      "publish unknown connection-lost",
      "settle published",
    ]);
    onlyPostOf("Found by the sweeper");
    await books.balance({ posts: 1 });
    expect(calls()).toHaveLength(1);
  });

  it("is never sent again by messages, schedules and wishes that come while nobody knows", async () => {
    const calls = watchPosting();
    const id = await lose("Nobody knows yet", LANDS);
    const { rev, arm } = await steering.task(id);
    for (let old = 1; old <= arm + 1; old++) {
      const message = { taskId: id, rev, arm: old, step: "publish", part: 0 };
      await steering.deliver("publish", { ...message, via: "queue" });
      const fired = await punctual.cloud.invoke(steering.functionId("publish-post"), {
        ...message,
        via: "scheduler",
      });
      expect(fired).toMatchObject({ ok: true });
    }
    await steering.deliver("prepare", await steering.messageFor(id, "prepare"));
    expect((await publishNow(id)).status).toBe(409);
    expect(await steering.task(id)).toMatchObject({ status: "unknown", rev, arm });

    await lapse.read(id);
    await steering.detailWhen(id, ["published"]);
    onlyPostOf("Nobody knows yet");
    await books.balance({ posts: 1 });
    expect(calls()).toHaveLength(1);
  });

  it("keeps its post when the very same file is dropped again", async () => {
    const calls = watchPosting();
    meet(CREATE, LANDS);
    await punctual.put("lost.txt", "Lost from a file");
    await punctual.outcomeWhen("lost", ["unknown"]);
    await punctual.put("lost.txt", "Lost from a file");
    await punctual.put("lost-after.txt", "Dropped after the lost one");
    await punctual.outcomeWhen("lost-after", ["published"]);
    const id = await steering.dropped("lost");
    await lapse.read(id);
    const outcome = await punctual.outcomeWhen("lost", ["published"]);
    expect(outcome).toMatchObject({ parts: [{ postId: onlyPostOf("Lost from a file").id }] });
    await books.balance({ posts: 2 });
    expect(calls()).toHaveLength(2);
  });

  it("does not take the post of another task for its own", async () => {
    const one = await lose("The same words", LANDS);
    // X refuses the same text: a definite no, so nothing of it is in doubt.
    const other = await steering.create({ text: "The same words" });
    expect((await steering.detailWhen(other, ["failed"])).reason?.code).toBe("duplicate-text");
    const third = await lose("The same words!", LANDS);
    await lapse.read(third);
    await lapse.read(one);
    const [first, second] = await Promise.all([steering.task(one), steering.task(third)]);
    expect(first.posted[0]?.postId).toBe(onlyPostOf("The same words").id);
    expect(second.posted[0]?.postId).toBe(onlyPostOf("The same words!").id);
    await books.balance({ posts: 2 });
  });
});

describe("an answer that was lost, and the post never landed", () => {
  it.each<[how: string, cause: string, action: FaultRule["action"]]>([
    ["X answers 500", "status-500", problem(500, "Internal Server Error")],
    ["X answers 503", "status-503", problem(503, "Service Unavailable")],
    ["the connection ends", "connection-lost", NEVER_LANDS],
    ["X answers 201 without an id", "answer-without-id", { status: 201, body: { data: {} } }],
  ])(
    "(%s): two clean readings prove it, and the same post goes out once more",
    async (how, cause, action) => {
      const calls = watchPosting();
      const text = `Absent: ${how}`;
      const id = await lose(text, action);
      const { requestHash } = await steering.task(id);
      await lapse.read(id);
      const once = await steering.task(id);
      expect(once).toMatchObject({ status: "unknown", absentAt: expect.any(Date), reposts: 0 });
      // Another message that comes too early reads nothing and proves nothing.
      const early = watch(TIMELINE);
      await steering.deliver("settle", await steering.messageFor(id, "settle"));
      expect(early()).toEqual([]);
      expect(calls()).toHaveLength(1);
      expect((await steering.gate()).reservations).toHaveLength(1);

      await lapse.read(id);
      const { parts } = await steering.detailWhen(id, ["published"]);
      expect(parts).toMatchObject([{ postId: onlyPostOf(text).id }]);
      expect(await books.story(id)).toEqual([
        "accept pending",
        `publish unknown ${cause}`,
        "settle unknown not-seen-yet",
        "settle retrying proven-absent",
        "publish published",
      ]);
      expect(requestHash).toMatch(/^[0-9a-f]{64}$/);
      await books.balance({ posts: 1 });
      expect(calls()).toHaveLength(2);
    },
  );

  it("goes out again through the sweeper alone, when whoever proved it died before it told anybody", async () => {
    const calls = watchPosting();
    const id = await lose("Swept to its end", NEVER_LANDS);
    await lapse.sweep(id, ({ absentAt }) => absentAt !== undefined);
    const caller = steering.functionId("publish-post");
    const deaths = punctual.deaths(caller);
    punctual.cloud.unkindness.add({ kind: "crash", when: "before", operation: "SendMessage", caller });
    await lapse.sweep(id, ({ status }) => status === "retrying");
    await waitFor("its death", () => punctual.deaths(caller) > deaths || undefined);
    punctual.cloud.unkindness.clear();
    await lapse.sweep(id);
    await steering.detailWhen(id, ["published"]);
    onlyPostOf("Swept to its end");
    await books.balance({ posts: 1 });
    expect(calls()).toHaveLength(2);
  });

  it("with a picture, which X would not recognise: waits for a person, who publishes it", async () => {
    const calls = watchPosting();
    meet(CREATE, NEVER_LANDS);
    await punctual.put("kite.jpg", readFixture("photo.jpg"));
    await punctual.put("kite.md", "---\nmedia: [kite.jpg]\n---\nA picture that never landed\n");
    await punctual.outcomeWhen("kite", ["unknown"]);
    const id = await steering.dropped("kite");
    for (let reading = 0; reading < 2; reading++) await lapse.read(id);
    const held = await steering.detailWhen(id, ["held"]);
    expect(held.reason).toMatchObject({
      code: "absent-held",
      remedy: expect.stringContaining("publish it now"),
    });
    expect(calls()).toHaveLength(1);
    expect((await steering.gate()).reservations).toEqual([]);

    expect((await publishNow(id)).status).toBe(202);
    await steering.detailWhen(id, ["published"]);
    onlyPostOf("A picture that never landed");
    await books.balance({ posts: 1 });
  });

  it("both times: counts as posted, and a person has to look", async () => {
    const calls = watchPosting();
    const id = await lose("Lost twice", NEVER_LANDS);
    await lapse.read(id);
    meet(CREATE, NEVER_LANDS);
    await lapse.read(id);
    await waitFor("the second request", () => calls().length === 2 || undefined);
    await steering.detailWhen(id, ["unknown"]);
    for (let reading = 0; reading < 2; reading++) await lapse.read(id);
    const held = await steering.detailWhen(id, ["held"]);
    expect(held.reason?.code).toBe("absent-twice");
    expect(await books.story(id)).toEqual([
      "accept pending",
      "publish unknown connection-lost",
      "settle unknown not-seen-yet",
      "settle retrying proven-absent",
      "publish unknown connection-lost",
      "settle unknown not-seen-yet",
      "settle held absent-twice",
    ]);
    await steering.age(id, 3_600_000);
    await steering.sweep();
    expect(calls()).toHaveLength(2);
    await books.balance({ posts: 0, writtenOff: 1 });
  });
});

describe("a post that is late to show", () => {
  it("because it landed after the first reading: the second one finds it", async () => {
    const calls = watchPosting();
    const id = await lose("Landed late", { ...NEVER_LANDS, landsAfterMs: 2_500 });
    await lapse.read(id);
    expect(await steering.task(id)).toMatchObject({ status: "unknown", absentAt: expect.any(Date) });
    await waitFor("the post to land", () => postsOf("Landed late").length > 0 || undefined);
    await lapse.read(id);
    await steering.detailWhen(id, ["published"]);
    expect(await books.story(id)).toEqual([
      "accept pending",
      "publish unknown connection-lost",
      "settle unknown not-seen-yet",
      "settle published",
    ]);
    onlyPostOf("Landed late");
    await books.balance({ posts: 1 });
    expect(calls()).toHaveLength(1);
  });

  it("because the timeline lags: the second reading finds it", async () => {
    const calls = watchPosting();
    const id = await lose("Shown late", LANDS);
    meet(TIMELINE, { timelineLagMs: 180_000 });
    await lapse.read(id);
    expect(await steering.task(id)).toMatchObject({ status: "unknown", absentAt: expect.any(Date) });
    await lapse.read(id);
    await steering.detailWhen(id, ["published"]);
    onlyPostOf("Shown late");
    await books.balance({ posts: 1 });
    expect(calls()).toHaveLength(1);
  });

  it("later than anybody assumes: X's own “duplicate” is evidence, and the next reading finds it", async () => {
    const calls = watchPosting();
    const id = await lose("Shown far too late", LANDS);
    meet({ ...TIMELINE, times: 2 }, { timelineLagMs: 600_000 });
    for (let reading = 0; reading < 2; reading++) await lapse.read(id);
    await waitFor("the second request", () => calls().length === 2 || undefined);
    const unknown = await steering.detailWhen(id, ["unknown"]);
    expect(unknown.log.at(-1)).toMatchObject({ step: "publish", code: "duplicate-text" });
    expect((await steering.account()).status).toBe("active");
    await lapse.read(id);
    const { parts } = await steering.detailWhen(id, ["published"]);
    expect(parts).toMatchObject([{ postId: onlyPostOf("Shown far too late").id }]);
    expect(await books.story(id)).toEqual([
      "accept pending",
      "publish unknown connection-lost",
      "settle unknown not-seen-yet",
      "settle retrying proven-absent",
      "publish unknown duplicate-text",
      "settle published",
    ]);
    await books.balance({ posts: 1 });
    expect(calls().map(({ status }) => status)).toEqual([0, 403]);
  });

  it("because it lands after it was sent again: X takes it for the duplicate that it is", async () => {
    const calls = watchPosting();
    const id = await lose("Landed far too late", { ...NEVER_LANDS, landsAfterMs: 8_000 });
    for (let reading = 0; reading < 2; reading++) await lapse.read(id);
    await steering.detailWhen(id, ["published"], 7_000);
    // Whose credentials it has is looked up when X works on it.
    await waitFor("the first request to be worked on", () => sandboxCall(0)?.userId);
    const { posted } = await steering.task(id);
    expect(posted).toMatchObject([{ postId: onlyPostOf("Landed far too late").id }]);
    await books.balance({ posts: 1 });
    expect(calls()).toHaveLength(2);

    function sandboxCall(index: number) {
      const { arrivedAtMs } = calls()[index] ?? {};
      return sandbox.requests().find((request) => request.arrivedAtMs === arrivedAtMs);
    }
  });
});

describe("a timeline that cannot be read", () => {
  it.each<[how: string, code: string, action: FaultRule["action"]]>([
    ["503", "x-unavailable", problem(503, "Service Unavailable")],
    ["a cut answer", "x-unreadable", { cutBody: true }],
    ["200 without posts or a count", "x-unreadable", { status: 200, body: {} }],
    ["a closed connection", "x-unreachable", { drop: "before-commit" }],
  ])("(%s) is no absence: it is read again, and the post adopted", async (how, code, action) => {
    const calls = watchPosting();
    const text = `Unreadable: ${how}`;
    const id = await lose(text, LANDS);
    meet(TIMELINE, action);
    await lapse.read(id);
    const unread = await steering.task(id);
    expect(unread).toMatchObject({ status: "unknown", recoveries: 0 });
    expect(unread.absentAt).toBeUndefined();
    await lapse.sweep(id);
    await steering.detailWhen(id, ["published"]);
    expect(await books.story(id)).toEqual([
      "accept pending",
      "publish unknown connection-lost",
      `settle unknown ${code}`,
      "settle published",
    ]);
    onlyPostOf(text);
    await books.balance({ posts: 1 });
    expect(calls()).toHaveLength(1);
  });

  it("because of its rate limit is read again after the reset, and not before", async () => {
    const id = await lose("Too many readings", LANDS);
    const resetAt = Math.ceil(Date.now() / 1_000) + 600;
    meet(TIMELINE, {
      ...problem(429, "Too Many Requests"),
      headers: { "x-rate-limit-remaining": "0", "x-rate-limit-reset": String(resetAt) },
    });
    await lapse.read(id);
    const { wakeAt } = await steering.task(id);
    expect(wakeAt?.getTime()).toBeGreaterThan(resetAt * 1_000);
    // The limit is of readings: posts go on.
    const other = await steering.create({ text: "Posts go on" });
    await steering.detailWhen(other, ["published"]);
    await lapse.sweep(id);
    await steering.detailWhen(id, ["published"]);
    onlyPostOf("Too many readings");
    await books.balance({ posts: 2 });
  });

  it("between two clean ones does not shorten the proof", async () => {
    const calls = watchPosting();
    const id = await lose("Refused in between", NEVER_LANDS);
    await lapse.read(id);
    meet(TIMELINE, problem(503, "Service Unavailable"));
    await lapse.read(id);
    expect(await steering.task(id)).toMatchObject({ status: "unknown", reposts: 0 });
    expect(calls()).toHaveLength(1);
    await lapse.sweep(id);
    await steering.detailWhen(id, ["published"]);
    onlyPostOf("Refused in between");
    await books.balance({ posts: 1 });
    expect(calls()).toHaveLength(2);
  });

  it("for a day is given up on: a person has to look, and the post counts as posted", async () => {
    const calls = watchPosting();
    const id = await lose("Unreadable for a day", NEVER_LANDS);
    meet({ ...TIMELINE, times: "always" }, problem(503, "Service Unavailable"));
    await lapse.read(id);
    await steering.age(id, 25 * 3_600_000);
    await steering.deliver("settle", await steering.messageFor(id, "settle"));
    const held = await steering.detailWhen(id, ["held"]);
    expect(held.reason?.code).toBe("outcome-unreadable");
    await books.balance({ posts: 0, writtenOff: 1 });
    expect(calls()).toHaveLength(1);
  });
});

describe("a thread whose answer is lost in the middle", () => {
  const parts = (name: string) => [1, 2, 3].map((part) => `${name}, part ${part}`);
  const create = async (name: string) => {
    const answer = await punctual.api("/scheduling/tasks", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ thread: parts(name), publishAt: "now" }),
    });
    expect(answer.status).toBe(202);
    return ((await answer.json()) as { id: TaskId }).id;
  };
  const thread = (name: string) => parts(name).map(onlyPostOf);

  it.each([
    ["landed", LANDS, 3],
    ["did not land", NEVER_LANDS, 4],
  ] as const)("(the part %s) goes on from there, in order", async (how, action, requests) => {
    const calls = watchPosting();
    const name = `A thread that ${how}`;
    meet({ ...CREATE, nth: 2 }, action);
    const id = await create(name);
    await steering.detailWhen(id, ["ready"]);
    expect((await steering.gate()).reservations).toMatchObject([{ taskId: id, units: 3, used: 1 }]);
    await nextPart(id);
    await steering.detailWhen(id, ["unknown"]);
    for (let reading = 0; reading < requests - 2; reading++) await lapse.read(id);
    await waitFor("the second part", async () => (await steering.task(id)).posted[1]);
    expect((await steering.gate()).reservations).toMatchObject([{ taskId: id, units: 3, used: 2 }]);
    await nextPart(id);
    const done = await steering.detailWhen(id, ["published"]);
    const [first, second, third] = thread(name);
    expect(done.parts.map(({ postId }) => postId)).toEqual([first?.id, second?.id, third?.id]);
    expect(second?.inReplyToPostId).toBe(first?.id);
    expect(third?.inReplyToPostId).toBe(second?.id);
    await books.balance({ posts: 3 });
    expect(calls()).toHaveLength(requests);
  });

  it("and is cancelled meanwhile: what landed stays, and nothing follows", async () => {
    const name = "A thread that was stopped";
    meet({ ...CREATE, nth: 2 }, LANDS);
    const id = await create(name);
    await steering.detailWhen(id, ["ready"]);
    await nextPart(id);
    await steering.detailWhen(id, ["unknown"]);
    expect((await cancel(id)).status).toBe(202);
    await lapse.read(id);
    const cancelled = await steering.detailWhen(id, ["cancelled"]);
    expect(cancelled.reason).toMatchObject({
      code: "cancelled-in-thread",
      message: expect.stringContaining("2 of 3"),
    });
    await steering.age(id, 3_600_000);
    await steering.sweep();
    expect(parts(name).map((text) => postsOf(text).length)).toEqual([1, 1, 0]);
    await books.balance({ posts: 2 });
  });
});

describe("a cancellation while nobody knows", () => {
  it("comes too late for a post that had landed, and the log says so", async () => {
    const id = await lose("Cancelled too late", LANDS);
    expect((await cancel(id)).status).toBe(202);
    expect(await steering.task(id)).toMatchObject({ status: "unknown", cancelAskedAt: expect.any(Date) });
    await lapse.read(id);
    await steering.detailWhen(id, ["published"]);
    expect(await books.story(id)).toEqual([
      "accept pending",
      "publish unknown connection-lost",
      "change unknown cancel-asked",
      "settle published",
    ]);
    onlyPostOf("Cancelled too late");
    await books.balance({ posts: 1 });
  });

  it("is honoured as soon as the post is proven not to be out", async () => {
    const calls = watchPosting();
    const id = await lose("Cancelled in time", NEVER_LANDS);
    expect((await cancel(id)).status).toBe(202);
    for (let reading = 0; reading < 2; reading++) await lapse.read(id);
    const cancelled = await steering.detailWhen(id, ["cancelled"]);
    expect(cancelled.reason?.code).toBe("cancelled");
    expect(cancelled.log.at(-1)).toMatchObject({ step: "settle", status: "cancelled" });
    await books.balance({ posts: 0 });
    expect(calls()).toHaveLength(1);
  });

  it("and while X is still answering is honoured at its definite no", async () => {
    const calls = watchPosting();
    sandbox.setLatency(2_000);
    meet(CREATE, problem(429, "Too Many Requests"));
    const id = await steering.create({ text: "Cancelled at a no" });
    await waitFor("X to be asked", () => calls().length > 0 || undefined);
    expect((await cancel(id)).status).toBe(202);
    expect(await steering.task(id)).toMatchObject({ status: "posting", cancelAskedAt: expect.any(Date) });
    await steering.detailWhen(id, ["cancelled"]);
    expect(postsOf("Cancelled at a no")).toEqual([]);
    await books.balance({ posts: 0 });
    expect(calls()).toHaveLength(1);
  });
});
