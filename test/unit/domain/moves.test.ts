import { describe, expect, it } from "vitest";
import { asAccountId, asAttemptId } from "#shared/domain/ids.ts";
import * as moves from "#shared/domain/moves.ts";
import { MAX_PARKINGS, parking } from "#shared/domain/policy.ts";
import { ABSENT_HELD, UNREADABLE } from "#shared/domain/reconcile.ts";
import {
  canBecome,
  decideLate,
  isActive,
  isFinal,
  isInFlight,
  TASK_STATUSES,
  type Task,
  type TaskStatus,
} from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { aTask } from "#test/support/builders.ts";

const now = new Date("2026-12-01T01:00:00.000Z");
const later = (ms: number) => new Date(now.getTime() + ms);
const attemptId = asAttemptId("attempt-1");
const reason = { code: "some-code", message: "No.", remedy: "Wait." };
const intent = { attemptId, requestHash: "ff", sinceId: "1" };
const posting = (over: Partial<Task> = {}) => moves.startPosting(aTask(over), now, intent);

const TREATMENT = {
  priority: 2,
  language: "en",
  latePolicy: { then: "hold" },
  maxRetries: 0,
  reconcile: undefined,
} as const;

describe("the life of a task", () => {
  it("ends in published, failed, missed and cancelled, and in nothing else", () => {
    expect(TASK_STATUSES.filter(isFinal)).toEqual(["published", "failed", "missed", "cancelled"]);
    expect(TASK_STATUSES.filter(isInFlight)).toEqual(["posting", "unknown"]);
    expect(TASK_STATUSES.filter(isActive)).toEqual([
      "pending",
      "preparing",
      "ready",
      "posting",
      "retrying",
      "unknown",
    ]);
  });

  it("lets nothing that may be out be posted again", () => {
    expect(TASK_STATUSES.filter((from) => canBecome(from, "posting"))).toEqual([
      "pending",
      "ready",
      "posting",
      "retrying",
    ]);
    expect(canBecome("unknown", "pending")).toBe(false);
    expect(canBecome("posting", "pending")).toBe(false);
  });

  it.each(TASK_STATUSES.filter(isFinal))("refuses every move of a %s task as a bug", (status: TaskStatus) => {
    const task = aTask({ status });
    for (const move of [
      () => moves.rearm(task, now),
      () => moves.claimForPrepare(task, now, attemptId),
      () => moves.startPosting(task, now, intent),
      () => moves.cancel(task, now),
      () => moves.reschedule(task, now, now),
      () => moves.moveSlot(task, now, now),
      () => moves.markUnknown(task, now, reason),
      () => moves.park(task, now, parking("frozen", now, false, "Frozen.")),
      () => moves.repost(task, now, reason),
      () => moves.resume(task, now),
      () => moves.retime(task, now, { publishAt: now, slotAt: now }),
      () => moves.treat(task, now, { ...TREATMENT, priority: 1 }),
      () => moves.adoptSeen(task, now, { postId: "1", sentAt: now }),
    ])
      expect(move).toThrow(RangeError);
  });
});

describe("moves", () => {
  it("count every write and keep the rest of the task", () => {
    const task = aTask({ priority: 2 });
    const next = moves.rearm(task, now);
    expect(next).toEqual({
      ...task,
      version: 2,
      arm: 2,
      updatedAt: now,
      wakeAt: later(TIMING.wake.unarrangedMs),
    });
    expect(task.version).toBe(1);
  });

  it("lease a task for longer than its function can run", () => {
    const prepared = moves.claimForPrepare(aTask({ arrangedFor: now }), now, attemptId);
    // Once it has begun, the sweeper looks after its lease and not only after its account.
    expect(prepared).not.toHaveProperty("arrangedFor");
    expect(prepared).toMatchObject({ status: "preparing", attemptId, leaseUntil: later(135_000) });
    expect(posting()).toMatchObject({
      status: "posting",
      attemptId,
      startedAt: now,
      leaseUntil: later(105_000),
      wakeAt: later(105_000),
      requestHash: "ff",
      sinceId: "1",
    });
  });

  it("end a plain post with its first part", () => {
    const done = moves.recordPosted(posting(), now, { postId: "1999", sentAt: now });
    expect(done).toMatchObject({
      status: "published",
      sentAt: now,
      posted: [{ postId: "1999", sentAt: now }],
    });
    for (const gone of ["leaseUntil", "attemptId", "startedAt", "requestHash", "sinceId", "wakeAt"])
      expect(done).not.toHaveProperty(gone);
  });

  it("space the parts of a thread, keep the first instant, and end with the last", () => {
    const first = moves.recordPosted(posting({ partCount: 2 }), now, { postId: "1", sentAt: now });
    expect(first).toMatchObject({ status: "ready", notBeforeAt: later(5_000), arm: 1 });
    const second = moves.startPosting(first, later(5_000), intent);
    const done = moves.recordPosted(second, later(5_100), { postId: "2", sentAt: later(5_050) });
    expect(done).toMatchObject({ status: "published", sentAt: now });
    expect(done.posted.map(({ postId }) => postId)).toEqual(["1", "2"]);
  });

  it("honour a remembered cancellation before the next part, and not for a post that is out", () => {
    const asked = (over: Partial<Task>) => moves.askToCancel(posting(over), now);
    const part = { postId: "1", sentAt: now };
    expect(moves.recordPosted(asked({ partCount: 2 }), now, part)).toMatchObject({
      status: "cancelled",
      reason: { code: "cancelled-in-thread" },
      posted: [part],
    });
    expect(moves.recordPosted(asked({}), now, part)).toMatchObject({ status: "published" });
    const between = aTask({ status: "ready", partCount: 2, posted: [part] });
    expect(moves.cancel(between, now)).toMatchObject({ reason: { code: "cancelled-in-thread" } });
    expect(moves.cancel(aTask(), now)).toMatchObject({ reason: { code: "cancelled" } });
  });

  it("tell that nobody knows, when what is held in doubt is cancelled; a proven absence is no doubt", () => {
    const held = aTask({ status: "held", inDoubtSince: now, reason: UNREADABLE, partCount: 2 });
    expect(moves.cancel(held, now)).toMatchObject({
      reason: { code: "cancelled-in-doubt" },
      inDoubtSince: now,
    });
    const begun = { ...held, posted: [{ postId: "1", sentAt: now }] };
    expect(moves.cancel(begun, now).reason?.message).toContain("1 of 2 parts are out.");
    const absent = { ...held, reason: ABSENT_HELD };
    expect(moves.cancel(absent, now)).toMatchObject({ reason: { code: "cancelled" } });
  });

  it("retry under a new arm, counting only what counts", () => {
    const retryAt = later(60_000);
    const counted = moves.scheduleRetry(posting(), now, { retryAt, reason, counted: true, known: false });
    expect(counted).toMatchObject({
      status: "retrying",
      arm: 2,
      retries: 1,
      notBeforeAt: retryAt,
      wakeAt: later(120_000),
      reason,
    });
    expect(counted).not.toHaveProperty("leaseUntil");
    expect(counted).not.toHaveProperty("excusedUntil");
    const waited = moves.scheduleRetry(posting(), now, { retryAt, reason, counted: false, known: true });
    expect(waited).toMatchObject({ retries: 0, excusedUntil: retryAt });
  });

  it("excuse the longest wait that was known, whatever follows it", () => {
    const wait = (task: Task, ms: number, known: boolean) =>
      moves.scheduleRetry(task, now, { retryAt: later(ms), reason, counted: false, known });
    const long = wait(posting(), 600_000, true);
    expect(wait(long, 60_000, true).excusedUntil).toEqual(later(600_000));
    expect(wait(long, 900_000, false).excusedUntil).toEqual(later(600_000));
    expect(wait(long, 900_000, true).excusedUntil).toEqual(later(900_000));
  });

  it("keep the attempt of an unknown outcome, so that a slow worker can still settle it", () => {
    const unknown = moves.markUnknown(posting(), now, reason);
    expect(unknown).toMatchObject({ status: "unknown", attemptId, startedAt: now, reason });
    expect(moves.recordPosted(unknown, now, { postId: "1", sentAt: now }).status).toBe("published");
  });

  describe("of a task that may not be posted now", () => {
    const known = parking("too-close", later(60_000), true, "Too close.");
    const unknown = parking("circuit-open", later(60_000), false, "X is silent.");

    it("park it until then under a new arm, as no failure of its own", () => {
      const parked = moves.park(aTask({ status: "ready" }), now, unknown);
      expect(parked).toMatchObject({
        status: "retrying",
        arm: 2,
        retries: 0,
        parkings: 1,
        notBeforeAt: later(60_000),
        wakeAt: later(120_000),
        reason: { code: "circuit-open", message: "X is silent." },
      });
      expect(parked).not.toHaveProperty("excusedUntil");
    });

    it("count no wait that was known, and excuse it", () => {
      const parked = moves.park(aTask({ parkings: MAX_PARKINGS }), now, known);
      expect(parked).toMatchObject({
        status: "retrying",
        parkings: MAX_PARKINGS,
        excusedUntil: later(60_000),
      });
    });

    it("hold it for a person at the eleventh wait of unknown length", () => {
      let task = aTask();
      for (let count = 1; count <= MAX_PARKINGS; count++) {
        task = moves.park(task, now, unknown);
        expect(task).toMatchObject({ status: "retrying", parkings: count });
      }
      task = moves.park(task, now, unknown);
      expect(task).toMatchObject({ status: "held", reason: { code: "parked-too-often" } });
      expect(task).not.toHaveProperty("wakeAt");
      expect(task).not.toHaveProperty("heldFor");
    });

    it("begin to count anew with progress, or when a person moves it", () => {
      const parked = aTask({ parkings: 7, status: "retrying" });
      const out = moves.startPosting(parked, now, intent);
      expect(moves.recordPosted({ ...out, partCount: 2 }, now, { postId: "1", sentAt: now }).parkings).toBe(
        0,
      );
      expect(moves.reschedule(parked, now, now).parkings).toBe(0);
      expect(moves.resume({ ...parked, status: "held" }, now).parkings).toBe(0);
    });

    it("let another account take a text, but not what was uploaded for one, nor a thread that has begun", () => {
      const chosen = { pool: "chosen", status: "ready" } as const;
      expect(moves.park(aTask(chosen), now, known).pool).toBe("open");
      expect(moves.park(aTask({ ...chosen, mediaCount: 1 }), now, known).pool).toBe("chosen");
      const posted = [{ postId: "1", sentAt: now }];
      expect(moves.park(aTask({ ...chosen, partCount: 2, posted }), now, known).pool).toBe("chosen");
      expect(moves.park(aTask({ status: "ready" }), now, known)).not.toHaveProperty("pool");
    });
  });

  describe("of a lost answer", () => {
    const unknown = () => moves.markUnknown(posting(), later(10_000), reason);

    it("let it be looked at when it may be adopted, and remember when it was sent first", () => {
      expect(unknown()).toMatchObject({ inDoubtSince: now, wakeAt: later(180_000), requestHash: "ff" });
    });

    it("count the first reading without the post as a beginning only, and keep it", () => {
      const seen = moves.noteAbsence({ ...unknown(), recoveries: 2 }, later(120_000));
      expect(seen).toMatchObject({
        status: "unknown",
        absentAt: later(120_000),
        wakeAt: later(360_000),
        recoveries: 0,
        attemptId,
      });
      expect(moves.noteAbsence(seen, later(130_000)).absentAt).toEqual(later(120_000));
    });

    it("send it once more under a new arm, with all that reading back needs", () => {
      const again = moves.repost(moves.noteAbsence(unknown(), later(120_000)), later(300_000), reason);
      expect(again).toMatchObject({
        status: "retrying",
        arm: 2,
        retries: 0,
        reposts: 1,
        notBeforeAt: later(300_000),
        inDoubtSince: now,
        requestHash: "ff",
        sinceId: "1",
        reason,
      });
      for (const gone of ["absentAt", "startedAt", "attemptId"]) expect(again).not.toHaveProperty(gone);

      const second = moves.startPosting(again, later(301_000), { ...intent, sinceId: "9" });
      expect(second).toMatchObject({ sinceId: "1", startedAt: later(301_000) });
      const lost = moves.markUnknown(second, later(310_000), reason);
      expect(lost).toMatchObject({ inDoubtSince: now, wakeAt: later(301_000 + 180_000) });
      const done = moves.recordPosted(lost, later(500_000), { postId: "7", sentAt: later(301_000) });
      expect(done).toMatchObject({ status: "published", reposts: 0 });
      for (const gone of ["inDoubtSince", "requestHash", "sinceId", "absentAt"])
        expect(done).not.toHaveProperty(gone);
    });

    it("forget where reading starts only when nothing is in doubt any more", () => {
      const refused = moves.scheduleRetry(posting(), now, {
        retryAt: later(1),
        reason,
        counted: true,
        known: false,
      });
      expect(refused).not.toHaveProperty("sinceId");
      expect(refused).not.toHaveProperty("requestHash");
    });

    it("never give it a new arm while it is looked for, however often it is sent for", () => {
      expect(moves.claimForReading(unknown(), later(180_000))).toMatchObject({
        status: "unknown",
        arm: 1,
        recoveries: 1,
        wakeAt: later(480_000),
      });
      const waiting = moves.awaitReading({ ...unknown(), recoveries: 4 }, later(180_000), later(240_000));
      expect(waiting).toMatchObject({ arm: 1, recoveries: 0, wakeAt: later(300_000) });
      expect(waiting).not.toHaveProperty("absentAt");
    });
  });

  it("look at a task's account a day and an hour ahead, and at the task when it is overdue", () => {
    const [day, hour] = TIMING.verifyAheadMs;
    const far = later(3 * day);
    const arranged = moves.markArranged(aTask(), now, far);
    expect(arranged).toMatchObject({ arrangedFor: far, wakeAt: later(2 * day) });
    const verified = moves.markVerified(arranged, later(2 * day));
    expect(verified.wakeAt).toEqual(later(3 * day - hour));
    expect(moves.markVerified(verified, later(3 * day - hour)).wakeAt).toEqual(
      later(3 * day + TIMING.wake.arrangedMs),
    );
    expect(moves.markArranged(aTask(), now, later(hour)).wakeAt).toEqual(
      later(hour + TIMING.wake.arrangedMs),
    );
    expect(moves.markArranged(aTask(), now, later(-5)).wakeAt).toEqual(later(TIMING.wake.arrangedMs));
  });

  it("let a task that was held because of its account go on under a new arm, and no revision", () => {
    const held = moves.stop(posting(), now, "held", reason, "account");
    expect(held).toMatchObject({ status: "held", heldFor: "account" });
    const resumed = moves.resume(held, later(1_000));
    expect(resumed).toMatchObject({ status: "pending", rev: 1, arm: 2, wakeAt: later(121_000) });
    for (const gone of ["heldFor", "reason", "notBeforeAt"]) expect(resumed).not.toHaveProperty(gone);
    for (const next of [moves.cancel(held, now), moves.reschedule(held, now, now)])
      expect(next).not.toHaveProperty("heldFor");
  });

  it("give a swept task a new arm; an uploader that died loses its lease, a publisher's is left alone", () => {
    const preparing = moves.claimForPrepare(aTask(), now, attemptId);
    const swept = moves.claimForSweep(preparing, later(135_000));
    expect(swept).toMatchObject({ status: "pending", arm: 2, recoveries: 1, wakeAt: later(435_000) });
    expect(swept).not.toHaveProperty("leaseUntil");
    expect(moves.claimForSweep(aTask({ status: "ready" }), now).status).toBe("ready");
  });

  it("raise the revision with every edit, reschedule and cancellation, the content's only with an edit", () => {
    const task = aTask({ rev: 3, contentRev: 2 });
    const { accountId, costMicros, publishAt, slotAt, priority, language, latePolicy } = task;
    const { partCount, mediaCount, source } = task;
    const edit = {
      accountId,
      costMicros,
      publishAt,
      slotAt,
      priority,
      language,
      latePolicy,
      partCount,
      mediaCount,
      source,
    };
    expect(moves.revise(task, now, edit)).toMatchObject({ rev: 4, contentRev: 4, arm: 2, status: "pending" });
    expect(moves.reschedule(task, now, later(1))).toMatchObject({
      rev: 4,
      contentRev: 2,
      arm: 2,
      slotAt: later(1),
    });
    expect(moves.moveSlot({ ...task, retries: 2, reason }, now, later(1))).toEqual({
      ...task,
      version: 2,
      rev: 4,
      arm: 2,
      slotAt: later(1),
      retries: 2,
      reason,
      updatedAt: now,
      wakeAt: later(120_000),
    });
    expect(moves.cancel(task, now)).toMatchObject({ rev: 4, contentRev: 2, status: "cancelled" });
    expect(moves.reschedule(aTask({ status: "ready" }), now, now).status).toBe("ready");
    expect(moves.reschedule(aTask({ status: "held" }), now, now).status).toBe("pending");
  });
});

describe("decideLate", () => {
  const slotAt = now;
  const latePolicy = { postWithinMs: 60_000, then: "missed" } as const;

  it("allows the last instant and not a millisecond more", () => {
    const task = aTask({ slotAt, latePolicy });
    expect(decideLate(task, later(60_000))).toBe("in-time");
    expect(decideLate(task, later(60_001))).toBe("missed");
    expect(decideLate({ ...task, latePolicy: { ...latePolicy, then: "hold" } }, later(60_001))).toBe("hold");
  });

  it("counts from the end of the last known wait, and backoff as late", () => {
    const excusedUntil = later(1_000_000);
    const task = aTask({ slotAt, latePolicy, excusedUntil });
    expect(decideLate(task, later(1_060_000))).toBe("in-time");
    expect(decideLate(task, later(1_060_001))).toBe("missed");
    expect(decideLate(aTask({ slotAt, latePolicy, notBeforeAt: later(70_000) }), later(70_000))).toBe(
      "missed",
    );
    expect(decideLate(aTask({ slotAt, latePolicy, excusedUntil: later(-500_000) }), later(60_000))).toBe(
      "in-time",
    );
  });

  it("does not count a started thread, or a task without a limit", () => {
    const at = later(1_000_000);
    expect(decideLate(aTask({ slotAt, latePolicy, posted: [{ postId: "1", sentAt: now }] }), at)).toBe(
      "in-time",
    );
    expect(decideLate(aTask({ slotAt, latePolicy: { then: "missed" } }), at)).toBe("in-time");
  });
});

describe("preparing", () => {
  const preparing = moves.claimForPrepare(aTask({ recoveries: 2, stalledSince: now }), now, attemptId);

  it("ends a slice without its lease, and is looked for when its continuation is overdue", () => {
    const paused = moves.pausePrepare(preparing, now, later(5_000));
    expect(paused).toMatchObject({
      status: "preparing",
      recoveries: 0,
      wakeAt: later(5_000 + TIMING.wake.retryMs),
    });
    for (const gone of ["attemptId", "leaseUntil", "stalledSince"]) expect(paused).not.toHaveProperty(gone);
  });

  it("is ready with the text as it was, or as it was written", () => {
    const slotAt = later(600_000);
    const ready = moves.markReady({ ...preparing, toWrite: true, retries: 1, slotAt }, now);
    expect(ready).toMatchObject({ status: "ready", retries: 0, recoveries: 0, partCount: 1 });
    expect(ready.wakeAt).toEqual(new Date(slotAt.getTime() + TIMING.wake.arrangedMs));
    for (const gone of ["toWrite", "written", "attemptId", "leaseUntil"])
      expect(ready).not.toHaveProperty(gone);
    const written = moves.markReady({ ...preparing, slotAt: now }, later(9), {
      partCount: 3,
      costMicros: 45_000,
    });
    expect(written).toMatchObject({ written: true, partCount: 3, costMicros: 45_000 });
    expect(written.wakeAt).toEqual(later(9 + TIMING.wake.arrangedMs));
  });

  it("starts again under a new arm when the platform forgot the media", () => {
    const again = moves.prepareAgain(
      aTask({ status: "ready", arm: 3, recoveries: 1, arrangedFor: now }),
      now,
    );
    expect(again).toMatchObject({ status: "pending", arm: 4, recoveries: 2 });
    expect(again.wakeAt).toEqual(later(TIMING.wake.unarrangedMs));
    expect(again).not.toHaveProperty("arrangedFor");
  });
});

describe("what a move leaves", () => {
  it("is the account that was chosen", () => {
    const accountId = asAccountId("account-2");
    expect(moves.chooseAccount(aTask({ pool: "open" }), now, accountId)).toMatchObject({
      accountId,
      pool: "chosen",
    });
  });

  it("is the media of an intent, if there are any", () => {
    const [some, without] = [["7"], []].map((mediaIds) =>
      moves.startPosting(aTask(), now, { ...intent, mediaIds }),
    );
    expect(some).toMatchObject({ mediaIds: ["7"] });
    expect(without).not.toHaveProperty("mediaIds");
    expect(moves.startPosting(aTask(), now, intent)).not.toHaveProperty("mediaIds");
  });

  it("is another slot under a new revision and arm", () => {
    const moved = moves.moveSlot(
      aTask({ rev: 2, arm: 5, recoveries: 1, arrangedFor: now }),
      now,
      later(60_000),
    );
    expect(moved).toMatchObject({ rev: 3, arm: 6, slotAt: later(60_000), recoveries: 0 });
    expect(moved.wakeAt).toEqual(later(TIMING.wake.unarrangedMs));
    expect(moved).not.toHaveProperty("arrangedFor");
  });

  it("is the override, for as long as its slot", () => {
    const held = aTask({ status: "held" });
    const overridden = { ...held, override: true as const };
    expect(moves.resume(overridden, now)).toMatchObject({ override: true });
    expect(moves.resume(held, now, true)).toMatchObject({ override: true });
    expect(moves.resume(held, now)).not.toHaveProperty("override");
    expect(moves.resume(overridden, now, false)).not.toHaveProperty("override");
    expect(moves.reschedule(held, now, now, true)).toMatchObject({ override: true });
    expect(moves.reschedule(overridden, now, now)).not.toHaveProperty("override");
  });

  it("is the same task, when only what is derived from it is written anew", () => {
    const task = aTask({ version: 4, updatedAt: later(-1) });
    expect(moves.rewrite(task, now)).toEqual({ ...task, version: 5, updatedAt: now });
  });

  it("is since when it has stood still, until something moves", () => {
    const first = moves.claimForSweep(aTask({ wakeAt: later(-5) }), now);
    expect(first).toMatchObject({ recoveries: 1, stalledSince: later(-5) });
    const second = moves.claimForSweep(first, later(1));
    expect(second).toMatchObject({ recoveries: 2, stalledSince: later(-5) });
    expect(moves.moveSlot(second, later(2), now)).not.toHaveProperty("stalledSince");
    expect(moves.rearm(second, later(2))).toMatchObject({ stalledSince: later(-5) });
  });

  it("forget a wish to cancel that somebody overruled", () => {
    const held = moves.stop(moves.askToCancel(aTask({ status: "unknown" }), now), now, "held", {
      code: "outcome-unreadable",
      message: "x",
      remedy: "y",
    });
    expect(held).toHaveProperty("cancelAskedAt");
    for (const next of [moves.reschedule(held, now, now), moves.resume(held, now)])
      expect(next).not.toHaveProperty("cancelAskedAt");
  });
});

describe("what a person changes", () => {
  const held = (over: Partial<Task> = {}) => aTask({ status: "held", reason, ...over });

  it("is another time: the content and what is uploaded stay, all else begins anew", () => {
    const task = aTask({
      status: "ready",
      strategy: "optimal",
      retries: 2,
      excusedUntil: now,
      override: true,
    });
    const moved = moves.retime(task, now, { publishAt: later(5), slotAt: later(10) });
    expect(moved).toMatchObject({
      status: "ready",
      rev: 2,
      contentRev: 1,
      arm: 2,
      version: 2,
      publishAt: later(5),
      slotAt: later(10),
      retries: 0,
      wakeAt: later(TIMING.wake.unarrangedMs),
    });
    for (const gone of ["strategy", "override", "excusedUntil"]) expect(moved).not.toHaveProperty(gone);
    const other = asAccountId("other");
    const planned = moves.retime(task, now, {
      publishAt: now,
      slotAt: now,
      strategy: "balanced",
      chosen: other,
    });
    expect(planned).toMatchObject({ strategy: "balanced", accountId: other, pool: "chosen" });
    expect(moves.retime(held(), now, { publishAt: now, slotAt: now })).not.toHaveProperty("reason");
  });

  it("is how it is treated: revision, arm, attempt and calls stay", () => {
    const task = aTask({ status: "preparing", attemptId, leaseUntil: later(9), reconcile: "repost" });
    const { reconcile: _, ...rest } = task;
    expect(moves.treat(task, now, TREATMENT)).toEqual({
      ...rest,
      priority: 2,
      language: "en",
      latePolicy: { then: "hold" },
      maxRetries: 0,
      version: 2,
      updatedAt: now,
    });
  });

  const facts = {
    accountId: asAccountId("account-1"),
    publishAt: later(5),
    slotAt: later(10),
    priority: 2,
    language: "en",
    latePolicy: { then: "hold" },
    partCount: 2,
    mediaCount: 0,
    costMicros: 30_000,
    source: { kind: "api" },
    pool: undefined,
    strategy: undefined,
  } as const;

  it("is what it says: a new revision that keeps how its slot was chosen", () => {
    const task = aTask({ status: "retrying", strategy: "optimal", pool: "chosen", notBeforeAt: later(9) });
    const revised = moves.revise(task, now, facts);
    const edited = moves.edit(task, revised, { maxRetries: 7, keepsPool: true });
    expect(edited).toEqual({ ...revised, strategy: "optimal", pool: "chosen", maxRetries: 7 });
    // Planned anew, or for an account that was named.
    const replanned = moves.revise(task, now, { ...facts, strategy: "balanced" });
    const other = moves.edit(task, replanned, { maxRetries: 7, keepsPool: false });
    expect(other).toMatchObject({ status: "pending", strategy: "balanced" });
    expect(other).not.toHaveProperty("pool");
  });

  it("leaves what is held as it is, for nobody to wake", () => {
    const task = held({ heldFor: "account" });
    const edited = moves.edit(task, moves.revise(task, now, facts), { maxRetries: 3, keepsPool: true });
    expect(edited).toMatchObject({
      status: "held",
      reason,
      heldFor: "account",
      rev: 2,
      contentRev: 2,
      arm: 2,
    });
    expect(edited).not.toHaveProperty("wakeAt");
    // Another account is not the one that it waited for.
    const moved = moves.edit(task, moves.revise(task, now, facts), { maxRetries: 3, keepsPool: false });
    expect(moved).not.toHaveProperty("heldFor");
  });

  it("is that a post is there: it ends the task, or goes on behind it, by an allowed step and without a doubt", () => {
    const doubt = { inDoubtSince: now, requestHash: "ff", sinceId: "1", heldFor: "account" } as const;
    const part = { postId: "7", sentAt: later(3) };
    const whole = moves.adoptSeen(held(doubt), now, part);
    expect(whole).toMatchObject({ status: "published", posted: [part], sentAt: later(3), arm: 1 });
    const begun = held({ ...doubt, partCount: 3, sentAt: now, posted: [{ postId: "6", sentAt: now }] });
    const thread = moves.adoptSeen(begun, now, part);
    expect(thread).toMatchObject({
      status: "pending",
      posted: [{ postId: "6" }, part],
      sentAt: now,
      arm: 2,
      wakeAt: later(TIMING.wake.unarrangedMs),
    });
    const cancelled = moves.adoptSeen({ ...begun, cancelAskedAt: now }, now, part);
    expect(cancelled).toMatchObject({ status: "cancelled", reason: { code: "cancelled-in-thread" } });
    for (const next of [whole, thread, cancelled]) {
      expect(canBecome("held", next.status)).toBe(true);
      for (const gone of Object.keys(doubt)) expect(next).not.toHaveProperty(gone);
    }
  });
});
