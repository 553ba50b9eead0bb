import { describe, expect, it, vi } from "vitest";
import { askToCancel, recordPosted } from "#shared/domain/moves.ts";
import type { Content, Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { TimelinePost } from "#shared/ports/post-publisher.ts";
import { aMedium } from "#test/support/builders.ts";
import { MAIN, OWNER, PROJECT, setUpPublishing } from "#test/support/publishing.ts";

const slotAt = new Date("2026-12-01T01:10:00.000Z");
const at = (ms: number) => new Date(slotAt.getTime() + ms);
const reason = { code: "x-unavailable", message: "No.", remedy: "Wait." };
const { adoptAfterMs, absentAfterMs, giveUpMs } = TIMING.reconcile;
const DAY_COUNTER = { kind: "app-day", day: "2026-12-01" } as const;
const MONTH_COUNTER = {
  kind: "project-spend",
  ownerId: OWNER,
  projectId: PROJECT,
  month: "2026-12",
} as const;
const COUNTED = [1, 15_000];
const NOTHING = [0, 0];

const shown = (text: string, over: Partial<TimelinePost> = {}): TimelinePost => ({
  postId: "1999",
  text,
  expandedText: text,
  mediaKeys: [],
  createdAt: at(1_000),
  ...over,
});

/** A task whose request was sent at its slot, and whose answer was lost. */
async function setUp(over: Partial<Task> = {}, content: Partial<Content> = {}) {
  const world = await setUpPublishing({ now: slotAt });
  const status = content.media ? "ready" : "pending";
  const task = await world.put({ slotAt, status, ...over }, content);
  for (const [index, { sha256 }] of (content.media ?? []).entries())
    await world.media.save({
      taskId: task.id,
      index,
      sha256,
      accountId: task.accountId,
      state: "ready",
      mediaId: `170000000000000000${index}`,
      expiresAt: at(86_400_000),
      segmentBytes: 1,
      segmentsDone: [0],
    });
  world.publisher.create.mockResolvedValueOnce({ kind: "unknown", cause: "deadline" });
  expect(await world.publish(task)).toMatchObject({ kind: "unknown" });
  const [[, request] = []] = world.publisher.create.mock.calls;
  const text = `part 1 of ${task.id}`;
  const read = () => world.read(task);
  return {
    ...world,
    task,
    text,
    request,
    read,
    settleAt: async (ms: number) => {
      world.clock.set(at(ms));
      return world.settle(task);
    },
    publishNext: () => world.publish(task),
    counted: () => Promise.all([world.counters.read(DAY_COUNTER), world.counters.read(MONTH_COUNTER)]),
    log: async () =>
      (await world.tasks.getLog(task.id)).map(({ step, status, code }) => [step, status, code]),
  };
}

const media = [aMedium()];

describe("reconcilePost: a post that is found", () => {
  it("is adopted from 120 s after the request, with log, gate and id in one write", async () => {
    const { settleAt, read, gate, timeline, text, counted, log, snapshot, tasks, task } = await setUp();
    timeline.push(shown(text));
    const save = vi.spyOn(tasks, "save");

    expect(await settleAt(adoptAfterMs)).toEqual({ kind: "adopted", postId: "1999" });

    expect(save).toHaveBeenCalledOnce();
    const adopted = await read();
    expect(adopted).toMatchObject({
      status: "published",
      posted: [{ postId: "1999", sentAt: at(1_000) }],
      sentAt: at(1_000),
    });
    for (const gone of ["inDoubtSince", "startedAt", "attemptId", "requestHash", "wakeAt", "reason"])
      expect(adopted).not.toHaveProperty(gone);
    expect(await gate()).toMatchObject({
      reservations: [],
      day: { used: 1 },
      lastPostAt: at(1_000),
      lastPostId: "1999",
      circuit: { failures: 0 },
    });
    expect(snapshot()["adopted"]).toEqual({ [`${MAIN}#1999`]: task.id });
    expect(await tasks.getFeatures(task.id)).toMatchObject({ version: 1, length: text.length });
    expect(await counted()).toEqual(COUNTED);
    expect(await log()).toEqual([
      ["publish", "unknown", "deadline"],
      ["settle", "published", undefined],
    ]);
  });

  it("is adopted without features when its project is gone", async () => {
    const { settleAt, accounts, timeline, text, tasks, task } = await setUp();
    timeline.push(shown(text));
    vi.spyOn(accounts, "getProject").mockResolvedValue(undefined);
    expect(await settleAt(adoptAfterMs)).toMatchObject({ kind: "adopted" });
    expect(await tasks.getFeatures(task.id)).toBeUndefined();
  });

  it("is not looked for a millisecond before: whoever sent it may still be at work", async () => {
    const { settleAt, timeline, text, publisher, dispatch, read, task } = await setUp();
    timeline.push(shown(text));
    const before = await read();
    dispatch.enqueued.length = 0;
    expect(await settleAt(adoptAfterMs - 1)).toEqual({ kind: "put-off", delayMs: 1 });
    expect(publisher.readTimeline).not.toHaveBeenCalled();
    expect(await read()).toEqual(before);
    expect(dispatch.enqueued).toMatchObject([{ message: { taskId: task.id, step: "settle" }, delayMs: 1 }]);
  });

  it("was never sent before it was asked for, whatever X's clock says", async () => {
    const { settleAt, timeline, text, read } = await setUp();
    timeline.push(shown(text, { createdAt: at(-900) }));
    await settleAt(adoptAfterMs);
    expect(await read()).toMatchObject({ sentAt: slotAt });
  });

  it("is looked for among the posts after the account's last one", async () => {
    const world = await setUpPublishing({ now: slotAt });
    await world.publish(await world.put({ slotAt }));
    const task = await world.put({ slotAt });
    world.publisher.create.mockResolvedValueOnce({ kind: "unknown", cause: "deadline" });
    await world.publish(task);
    world.clock.set(at(200_000));
    await world.settle(task);
    expect(world.publisher.readTimeline).toHaveBeenCalledExactlyOnceWith(MAIN, "post-1");
  });

  it("by the medium of its own request, whatever a late uploader has stored since", async () => {
    const { settleAt, timeline, media: progress, task } = await setUp({}, { media });
    const [stored] = await progress.list(task.id);
    if (stored) await progress.save({ ...stored, mediaId: "1800000000000000000" });
    timeline.push(shown("Kites", { mediaKeys: ["3_1700000000000000000"] }));
    expect(await settleAt(adoptAfterMs)).toMatchObject({ kind: "adopted" });
  });

  it("by its medium, whatever X made of the text", async () => {
    const { settleAt, timeline, read } = await setUp({}, { media });
    timeline.push(shown("https://t.co/abc", { mediaKeys: ["3_1700000000000000000"] }));
    expect(await settleAt(adoptAfterMs)).toMatchObject({ kind: "adopted" });
    expect(await read()).toMatchObject({ status: "published" });
  });

  it("is left to the task that has it already; the next that matches is taken", async () => {
    const { settleAt, timeline, text, read, put, tasks, clock } = await setUp();
    const other = await put({ slotAt });
    await tasks.save(
      { ...other, version: 2, updatedAt: clock.now() },
      { adopt: { accountId: MAIN, postId: "2000" } },
    );
    timeline.push(shown(text, { postId: "2000" }), shown(text, { postId: "1999" }));
    expect(await settleAt(adoptAfterMs)).toEqual({ kind: "adopted", postId: "1999" });
    expect(await read()).toMatchObject({ posted: [{ postId: "1999" }] });
  });

  it("is neither absent nor adopted when all that match belong to others: a person has to look", async () => {
    const { settleAt, timeline, text, read, put, tasks, clock, gate, counted } = await setUp();
    const other = await put({ slotAt });
    await tasks.save(
      { ...other, version: 2, updatedAt: clock.now() },
      { adopt: { accountId: MAIN, postId: "2000" } },
    );
    timeline.push(shown(text, { postId: "2000" }));
    expect(await settleAt(adoptAfterMs)).toMatchObject({ kind: "not-seen" });
    expect(await settleAt(absentAfterMs)).toEqual({ kind: "absent", status: "held" });
    expect(await read()).toMatchObject({ posted: [], reposts: 0, reason: { code: "twin-posted" } });
    expect(await gate()).toMatchObject({ reservations: [], day: { used: 1 } });
    expect(await counted()).toEqual(COUNTED);
  });

  it("publishes it although its cancellation was asked for: it is out", async () => {
    const { settleAt, timeline, text, read, tasks } = await setUp();
    expect(await tasks.save(askToCancel(await read(), at(1)))).toMatchObject({ ok: true });
    timeline.push(shown(text));
    await settleAt(adoptAfterMs);
    expect(await read()).toMatchObject({ status: "published" });
  });

  it("once, however often and however concurrently its messages come", async () => {
    const { settle, task, timeline, text, clock, read } = await setUp();
    timeline.push(shown(text));
    clock.set(at(adoptAfterMs));
    const reports = await Promise.all([settle(task), settle(task), settle(task)]);
    expect(reports.map(({ kind }) => kind).toSorted()).toEqual(["adopted", "stale-message", "stale-message"]);
    expect(await settle(task)).toEqual({ kind: "stale-message" });
    expect((await read()).posted).toHaveLength(1);
  });

  it.each([
    ["another arm", { arm: 2 }],
    ["another revision", { rev: 2 }],
    ["another part", { part: 1 }],
  ])("is not looked for by a message of %s", async (_, over) => {
    const { settle, task, publisher, clock } = await setUp();
    clock.set(at(adoptAfterMs));
    expect(await settle(task, over)).toEqual({ kind: "stale-message" });
    expect(publisher.readTimeline).not.toHaveBeenCalled();
  });

  it("is left to its own publisher, who was only slow and knows the answer", async () => {
    const { settleAt, timeline, publisher, read, tasks, clock, text, log } = await setUp();
    publisher.readTimeline.mockImplementationOnce(async () => {
      const current = await read();
      await tasks.save(recordPosted(current, clock.now(), { postId: "1999", sentAt: slotAt }));
      return { ok: true, posts: [] };
    });
    timeline.push(shown(text));
    expect(await settleAt(adoptAfterMs)).toEqual({ kind: "stale-message" });
    expect(await read()).toMatchObject({ status: "published", posted: [{ postId: "1999" }] });
    expect(await log()).toHaveLength(1);
  });
});

describe("reconcilePost: a post that is not there", () => {
  it("is believed absent only after a second reading, 300 s after the request", async () => {
    const { settleAt, read, gate, dispatch, publisher, task, counted } = await setUp();
    dispatch.enqueued.length = 0;
    expect(await settleAt(adoptAfterMs)).toEqual({ kind: "not-seen", nextAt: at(absentAfterMs) });
    expect(await read()).toMatchObject({ status: "unknown", arm: 1, absentAt: at(adoptAfterMs) });
    expect(dispatch.enqueued).toMatchObject([
      { message: { taskId: task.id, arm: 1, step: "settle" }, delayMs: absentAfterMs - adoptAfterMs },
    ]);
    expect(await settleAt(absentAfterMs - 1)).toEqual({ kind: "put-off", delayMs: 1 });
    expect(publisher.readTimeline).toHaveBeenCalledOnce();
    expect(await gate()).toMatchObject({ reservations: [{ taskId: task.id }], day: { used: 1 } });
    expect(await counted()).toEqual(COUNTED);
    expect(await settleAt(absentAfterMs)).toEqual({ kind: "absent", status: "retrying" });
  });

  it("is not believed absent by one reading, however late it comes", async () => {
    const { settleAt } = await setUp();
    const late = 10 * 60_000;
    expect(await settleAt(late)).toEqual({
      kind: "not-seen",
      nextAt: at(late + TIMING.reconcile.betweenReadsMs),
    });
    // A doubled message: the one for the second reading is on its way.
    expect(await settleAt(late + 1)).toEqual({ kind: "stale-message" });
    expect(await settleAt(late + TIMING.reconcile.betweenReadsMs)).toMatchObject({ kind: "absent" });
  });

  it("is read once for doubled messages, and sends for the next reading once", async () => {
    const { settleAt, dispatch } = await setUp();
    dispatch.enqueued.length = 0;
    await Promise.all([settleAt(adoptAfterMs), settleAt(adoptAfterMs)]);
    expect(dispatch.enqueued.filter(({ message }) => message.step === "settle")).toHaveLength(1);
    expect(await settleAt(adoptAfterMs + 1_000)).toEqual({ kind: "stale-message" });
  });

  it("is adopted when it shows between the two readings", async () => {
    const { settleAt, timeline, text, read } = await setUp();
    await settleAt(adoptAfterMs);
    timeline.push(shown(text));
    expect(await settleAt(absentAfterMs)).toEqual({ kind: "adopted", postId: "1999" });
    expect(await read()).not.toHaveProperty("absentAt");
  });

  it("is sent once more, the very same request, after its place and its shares were given back", async () => {
    const world = await setUp();
    const { settleAt, read, gate, counted, dispatch, task, request, publishNext, sent, log } = world;
    const { requestHash } = await read();
    await settleAt(adoptAfterMs);
    dispatch.enqueued.length = 0;
    await settleAt(absentAfterMs);

    expect(await read()).toMatchObject({
      status: "retrying",
      arm: 2,
      reposts: 1,
      retries: 0,
      requestHash,
      inDoubtSince: slotAt,
      reason: { code: "proven-absent" },
    });
    expect(await gate()).toMatchObject({ reservations: [], day: { used: 0 }, quarter: { used: 0 } });
    expect(await counted()).toEqual(NOTHING);
    expect(dispatch.enqueued).toMatchObject([
      { message: { taskId: task.id, arm: 2, step: "publish" }, delayMs: 0 },
    ]);

    expect(await publishNext()).toMatchObject({ kind: "posted" });
    expect(sent).toMatchObject([{ request, at: at(absentAfterMs) }]);
    expect(await read()).toMatchObject({ status: "published", reposts: 0 });
    expect(await gate()).toMatchObject({ reservations: [], day: { used: 1 } });
    expect(await counted()).toEqual(COUNTED);
    expect(await log()).toEqual([
      ["publish", "unknown", "deadline"],
      ["settle", "unknown", "not-seen-yet"],
      ["settle", "retrying", "proven-absent"],
      ["publish", "published", undefined],
    ]);
  });

  it("gives the shares of that month back in which they were taken", async () => {
    const slot = new Date("2026-11-30T23:59:59.000Z");
    const world = await setUpPublishing({ now: slot });
    const task = await world.put({ slotAt: slot });
    world.publisher.create.mockResolvedValueOnce({ kind: "unknown", cause: "deadline" });
    await world.publish(task);
    for (const ms of [adoptAfterMs, absentAfterMs]) {
      world.clock.set(new Date(slot.getTime() + ms));
      await world.settle(task);
    }
    expect(world.counters.snapshot()).toEqual({ "app 2026-11-30": 0, "project-1 2026-11": 0 });
  });

  it("is held when it has media: X would not refuse it a second time", async () => {
    const { settleAt, read, gate, counted, dispatch } = await setUp({}, { media });
    await settleAt(adoptAfterMs);
    dispatch.enqueued.length = 0;
    expect(await settleAt(absentAfterMs)).toEqual({ kind: "absent", status: "held" });
    expect(await read()).toMatchObject({ status: "held", reason: { code: "absent-held" } });
    expect(await gate()).toMatchObject({ reservations: [], day: { used: 0 } });
    expect(await counted()).toEqual(NOTHING);
    expect(dispatch.enqueued).toEqual([]);
  });

  it("follows the task's own policy: hold a text, send media again", async () => {
    const text = await setUp({ reconcile: "hold" });
    await text.settleAt(adoptAfterMs);
    expect(await text.settleAt(absentAfterMs)).toEqual({ kind: "absent", status: "held" });

    const photo = await setUp({ reconcile: "repost" }, { media });
    await photo.settleAt(adoptAfterMs);
    expect(await photo.settleAt(absentAfterMs)).toEqual({ kind: "absent", status: "retrying" });
    await photo.publishNext();
    expect(photo.sent).toMatchObject([{ request: photo.request }]);
  });

  it.each([
    ["were uploaded anew", { mediaId: "18" }],
    ["X has forgotten", { expiresAt: slotAt }],
  ])("is not sent again with media that %s: X would not recognise it", async (_, over) => {
    const world = await setUp({ reconcile: "repost" }, { media });
    await world.settleAt(adoptAfterMs);
    await world.settleAt(absentAfterMs);
    const [uploaded] = await world.media.list(world.task.id);
    if (!uploaded) throw new Error("there is no medium");
    await world.media.save({ ...uploaded, ...over });
    expect(await world.publishNext()).toMatchObject({
      kind: "refused",
      code: "repeat-differs",
      status: "held",
    });
    expect(world.sent).toEqual([]);
    expect(await world.gate()).toMatchObject({ reservations: [], day: { used: 0 } });
  });

  it("is held after its second request was lost and it is absent again; it counts as posted", async () => {
    const { settleAt, read, gate, counted, publisher, publishNext, timeline } = await setUp();
    await settleAt(adoptAfterMs);
    await settleAt(absentAfterMs);
    publisher.create.mockResolvedValueOnce({ kind: "unknown", cause: "deadline" });
    expect(await publishNext()).toMatchObject({ kind: "unknown" });
    expect(await read()).toMatchObject({
      status: "unknown",
      inDoubtSince: slotAt,
      startedAt: at(absentAfterMs),
    });
    expect(await settleAt(absentAfterMs + adoptAfterMs - 1)).toMatchObject({ kind: "put-off" });
    expect(await settleAt(absentAfterMs + adoptAfterMs)).toMatchObject({ kind: "not-seen" });
    expect(await settleAt(2 * absentAfterMs)).toEqual({ kind: "absent", status: "held" });
    expect(await read()).toMatchObject({ status: "held", reason: { code: "absent-twice" } });
    expect(await gate()).toMatchObject({ reservations: [], day: { used: 1 } });
    expect(await counted()).toEqual(COUNTED);
    expect(timeline).toEqual([]);
    expect(publisher.create).toHaveBeenCalledTimes(2);
  });

  it("is evidence that it is out, when X refuses the second request as a duplicate: it is adopted when it shows", async () => {
    const { settleAt, read, gate, counted, publisher, publishNext, timeline, text } = await setUp();
    await settleAt(adoptAfterMs);
    await settleAt(absentAfterMs);
    const failure = { class: "content", reason: { ...reason, code: "duplicate-text" } } as const;
    publisher.create.mockResolvedValueOnce({ kind: "refused", failure });
    expect(await publishNext()).toEqual({ kind: "unknown", cause: "duplicate-text" });
    expect(await read()).toMatchObject({ status: "unknown", inDoubtSince: slotAt });
    expect(await gate()).toMatchObject({ reservations: [{ units: 1 }], day: { used: 1 } });
    expect(await counted()).toEqual(COUNTED);

    // The first request had landed, minutes ago.
    timeline.push(shown(text, { createdAt: at(2_000) }));
    expect(await settleAt(absentAfterMs + adoptAfterMs)).toEqual({ kind: "adopted", postId: "1999" });
    expect(await read()).toMatchObject({ status: "published", sentAt: at(2_000) });
    expect(await counted()).toEqual(COUNTED);
  });

  it("is a failure when X refuses the first request as a duplicate: somebody else's post has the text", async () => {
    const world = await setUpPublishing({ now: slotAt });
    const task = await world.put({ slotAt });
    const failure = { class: "content", reason: { ...reason, code: "duplicate-text" } } as const;
    world.publisher.create.mockResolvedValueOnce({ kind: "refused", failure });
    expect(await world.publish(task)).toMatchObject({ kind: "refused", status: "failed" });
  });

  it("is cancelled, if that was asked for meanwhile, and leaves its place", async () => {
    const { settleAt, read, tasks, gate, counted, dispatch } = await setUp();
    expect(await tasks.save(askToCancel(await read(), at(1)))).toMatchObject({ ok: true });
    await settleAt(adoptAfterMs);
    dispatch.enqueued.length = 0;
    expect(await settleAt(absentAfterMs)).toEqual({ kind: "absent", status: "cancelled" });
    expect(await read()).toMatchObject({ status: "cancelled", rev: 2, reason: { code: "cancelled" } });
    expect(await gate()).toMatchObject({ reservations: [], day: { used: 0 } });
    expect(await counted()).toEqual(NOTHING);
    expect(dispatch.enqueued).toEqual([]);
  });

  it("is decided by the task as it is, when a cancellation comes between reading and writing", async () => {
    const { settleAt, read, tasks, gate } = await setUp();
    await settleAt(adoptAfterMs);
    const save = tasks.save;
    vi.spyOn(tasks, "save").mockImplementationOnce(async (next, together) => {
      await save(askToCancel(await read(), at(1)));
      return save(next, together);
    });
    expect(await settleAt(absentAfterMs)).toEqual({ kind: "absent", status: "cancelled" });
    expect(await gate()).toMatchObject({ day: { used: 0 } });
  });
});

describe("reconcilePost: a reading that proves nothing", () => {
  const refusal = (over: object = {}) => ({
    ok: false as const,
    failure: { class: "transient" as const, reason, ...over },
  });

  it("was refused: it is read again, and counts as no absence", async () => {
    const { settleAt, read, publisher, dispatch, gate, log } = await setUp();
    await settleAt(adoptAfterMs);
    publisher.readTimeline.mockResolvedValue(refusal());
    dispatch.enqueued.length = 0;
    expect(await settleAt(absentAfterMs)).toEqual({
      kind: "unreadable",
      code: "x-unavailable",
      status: "unknown",
    });
    const [{ delayMs } = { delayMs: 0 }] = dispatch.enqueued;
    expect(delayMs).toBeGreaterThanOrEqual(TIMING.reconcile.retryMs);
    expect(await read()).toMatchObject({ status: "unknown", absentAt: at(adoptAfterMs), arm: 1 });
    expect(await gate()).toMatchObject({ reservations: [{}] });
    expect((await log()).at(-1)).toEqual(["settle", "unknown", "x-unavailable"]);
  });

  it("was refused twice, then showed nothing: that is the first", async () => {
    const { settleAt, read, publisher } = await setUp();
    publisher.readTimeline.mockResolvedValueOnce(refusal()).mockResolvedValueOnce(refusal());
    await settleAt(adoptAfterMs);
    await settleAt(absentAfterMs);
    expect(await read()).not.toHaveProperty("absentAt");
    expect(await settleAt(absentAfterMs + 100_000)).toMatchObject({ kind: "not-seen" });
  });

  it("was refused until a reset that X named: it is sent for again then", async () => {
    const { settleAt, publisher, dispatch, read } = await setUp();
    const retryAt = at(adoptAfterMs + 500_000);
    publisher.readTimeline.mockResolvedValueOnce(refusal({ class: "rate-limited", retryAt }));
    dispatch.enqueued.length = 0;
    await settleAt(adoptAfterMs);
    expect(dispatch.enqueued).toMatchObject([{ delayMs: 500_000 }]);
    expect(await read()).toMatchObject({ wakeAt: new Date(retryAt.getTime() + 60_000) });
  });

  it("is never sent for later than the queue can, however far the reset is", async () => {
    const { settleAt, publisher, dispatch } = await setUp();
    const retryAt = at(10 * 3_600_000);
    publisher.readTimeline.mockResolvedValueOnce(refusal({ class: "rate-limited", retryAt }));
    dispatch.enqueued.length = 0;
    await settleAt(adoptAfterMs);
    expect(dispatch.enqueued).toMatchObject([{ delayMs: TIMING.maxQueueDelayMs }]);
  });

  it("was refused because of the account: its owner has to connect it again", async () => {
    const { settleAt, publisher, account } = await setUp();
    publisher.readTimeline.mockResolvedValueOnce(refusal({ class: "credentials" }));
    expect(await settleAt(adoptAfterMs)).toMatchObject({ kind: "unreadable", status: "unknown" });
    expect(await account()).toMatchObject({ status: "needs-reconnect", reason });
  });

  it("was not possible for a day: a person has to look, and the post counts as out", async () => {
    const { settleAt, publisher, read, gate, counted } = await setUp();
    publisher.readTimeline.mockResolvedValue(refusal());
    expect(await settleAt(giveUpMs)).toMatchObject({ status: "unknown" });
    expect(await settleAt(giveUpMs + TIMING.reconcile.maxRetryMs)).toEqual({
      kind: "unreadable",
      code: "outcome-unreadable",
      status: "held",
    });
    expect(await read()).toMatchObject({ status: "held", reason: { code: "outcome-unreadable" } });
    expect(await gate()).toMatchObject({ reservations: [], day: { used: 1 } });
    expect(await counted()).toEqual(COUNTED);
  });

  /** Ten newer posts: the one sought may stand behind them. */
  const fullPage = () =>
    Array.from({ length: 10 }, (_, index) =>
      shown(`another ${index}`, { postId: `30${index}`, createdAt: at(60_000 + index) }),
    );

  it("was full: at the end a person has to look, and nothing is sent again", async () => {
    const { settleAt, timeline, read, gate } = await setUp();
    timeline.push(...fullPage());
    await settleAt(adoptAfterMs);
    expect(await settleAt(absentAfterMs)).toMatchObject({ kind: "unreadable", status: "held" });
    expect(await read()).toMatchObject({ status: "held", reason: { code: "outcome-unreadable" } });
    expect(await gate()).toMatchObject({ reservations: [], day: { used: 1 } });
  });

  it("was full, and counts as none of the two that prove absence", async () => {
    const { settleAt, timeline, read } = await setUp();
    timeline.push(...fullPage());
    await settleAt(adoptAfterMs);
    expect(await read()).not.toHaveProperty("absentAt");
    timeline.length = 0;
    expect(await settleAt(absentAfterMs)).toMatchObject({ kind: "not-seen" });
    expect(await settleAt(absentAfterMs + TIMING.reconcile.betweenReadsMs)).toMatchObject({ kind: "absent" });
  });

  it("was full but reached back before the request: that is a whole one", async () => {
    const { settleAt, timeline } = await setUp();
    timeline.push(...fullPage().slice(1), shown("an old one", { postId: "1", createdAt: at(-3_600_000) }));
    await settleAt(adoptAfterMs);
    expect(await settleAt(absentAfterMs)).toEqual({ kind: "absent", status: "retrying" });
  });
});

describe("reconcilePost: a thread", () => {
  /** The first of three parts is out; the answer to the second one was lost. */
  async function stuckThread(over: Partial<Task> = {}) {
    const world = await setUpPublishing({ now: slotAt });
    const task = await world.put({ slotAt, partCount: 3, costMicros: 45_000, ...over });
    await world.publish(task);
    world.clock.set(at(6_000));
    world.publisher.create.mockResolvedValueOnce({ kind: "unknown", cause: "deadline" });
    expect(await world.publish(task)).toMatchObject({ kind: "unknown" });
    const settleAt = async (ms: number) => {
      world.clock.set(at(6_000 + ms));
      return world.settle(task);
    };
    const second = shown(`part 2 of ${task.id}`, { inReplyTo: "post-1", createdAt: at(7_000) });
    return { ...world, task, settleAt, second };
  }

  it("goes on after a part that was found under its parent", async () => {
    const { settleAt, second, timeline, task, read, gate, dispatch, publish, clock } = await stuckThread();
    timeline.push(shown(`part 2 of ${task.id}`, { postId: "9", createdAt: at(7_000) }), second);
    dispatch.enqueued.length = 0;
    expect(await settleAt(adoptAfterMs)).toEqual({ kind: "adopted", postId: "1999" });
    expect(await read(task)).toMatchObject({
      status: "ready",
      posted: [{ postId: "post-1" }, { postId: "1999" }],
    });
    expect(await gate()).toMatchObject({ reservations: [{ units: 3, used: 2 }] });
    expect(dispatch.enqueued).toMatchObject([{ message: { step: "publish", part: 2 }, delayMs: 5_000 }]);
    clock.advance(5_000);
    expect(await publish(task)).toMatchObject({ kind: "posted" });
    expect(await gate()).toMatchObject({ reservations: [], day: { used: 3 } });
  });

  it("sends the one part again, keeps its place meanwhile, and goes on", async () => {
    const { settleAt, task, read, gate, publish, sent, clock } = await stuckThread();
    await settleAt(adoptAfterMs);
    expect(await settleAt(absentAfterMs)).toEqual({ kind: "absent", status: "retrying" });
    expect(await gate()).toMatchObject({ reservations: [{ units: 3, used: 1 }], day: { used: 3 } });
    expect(await publish(task)).toMatchObject({ kind: "posted" });
    expect(sent.at(-1)?.request).toEqual({ text: `part 2 of ${task.id}`, mediaIds: [], inReplyTo: "post-1" });
    expect(await read(task)).toMatchObject({ status: "ready", reposts: 0 });
    clock.advance(5_000);
    await publish(task);
    expect(await read(task)).toMatchObject({ status: "published" });
    expect(await gate()).toMatchObject({ reservations: [], day: { used: 3 } });
  });

  it("counts the money of the parts that are out, and of no other", async () => {
    const { settleAt, counters } = await stuckThread({ reconcile: "hold" });
    expect(await counters.read(MONTH_COUNTER)).toBe(30_000);
    await settleAt(adoptAfterMs);
    await settleAt(absentAfterMs);
    expect([await counters.read(DAY_COUNTER), await counters.read(MONTH_COUNTER)]).toEqual([1, 15_000]);
  });

  it("that is held says where it stopped, and leaves its place but for what is out", async () => {
    const { settleAt, task, read, gate } = await stuckThread({ reconcile: "hold" });
    await settleAt(adoptAfterMs);
    await settleAt(absentAfterMs);
    const held = await read(task);
    expect(held).toMatchObject({ status: "held", reason: { code: "absent-held" } });
    expect(held.reason?.message).toContain("1 of 3 parts are out.");
    expect(await gate()).toMatchObject({ reservations: [], day: { used: 1 } });
  });

  it("ends where it is when it was cancelled meanwhile, whether the part is out or not", async () => {
    const found = await stuckThread();
    await found.tasks.save(askToCancel(await found.read(found.task), at(7_000)));
    found.timeline.push(found.second);
    expect(await found.settleAt(adoptAfterMs)).toMatchObject({ kind: "adopted" });
    expect(await found.read(found.task)).toMatchObject({
      status: "cancelled",
      reason: { code: "cancelled-in-thread", message: "The thread was cancelled after 2 of 3 parts." },
    });
    expect(await found.gate()).toMatchObject({ reservations: [], day: { used: 2 } });

    const absent = await stuckThread();
    await absent.tasks.save(askToCancel(await absent.read(absent.task), at(7_000)));
    await absent.settleAt(adoptAfterMs);
    expect(await absent.settleAt(absentAfterMs)).toEqual({ kind: "absent", status: "cancelled" });
    expect(await absent.read(absent.task)).toMatchObject({ reason: { code: "cancelled-in-thread" } });
    expect(await absent.gate()).toMatchObject({ reservations: [], day: { used: 1 } });
  });
});
