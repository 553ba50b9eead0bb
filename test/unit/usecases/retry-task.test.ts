import { describe, expect, it, vi } from "vitest";
import { mediaClaimKey, textClaimKey } from "#shared/domain/claim.ts";
import { hashText } from "#shared/domain/duplicates/fingerprint.ts";
import { asBatchId, asOwnerId, type TaskId } from "#shared/domain/ids.ts";
import { cancel, stop } from "#shared/domain/moves.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import { ABSENT_HELD, UNREADABLE } from "#shared/domain/reconcile.ts";
import { asMediaId, inspected, mediaKey, newStoredMedium } from "#shared/domain/stored-media.ts";
import type { Task } from "#shared/domain/task.ts";
import { createDeleteMedium } from "#shared/usecases/delete-medium.ts";
import { aMedium, freshTaskId } from "#test/support/builders.ts";
import { ACCOUNT, at, START, setUpChanging } from "#test/support/changing.ts";
import { OWNER, PROJECT } from "#test/support/publishing.ts";

const DAY_MS = 86_400_000;
const REASON = { code: "x-unavailable", message: "No.", remedy: "Wait." };
const WINDOW: Policy = {
  urgentShare: 0,
  minIntervalMs: 3_600_000,
  uniqueMedia: true,
  duplicates: { windowMs: 30 * DAY_MS, threshold: 0.6, near: "warns" },
};

type World = Awaited<ReturnType<typeof setUpChanging>>;

/** Lets a task end without a post. */
async function fail(
  { tasks, clock, read }: World,
  task: Task,
  to: "failed" | "missed" = "failed",
): Promise<Task> {
  const ended = stop(await read(task), clock.now(), to, REASON);
  expect(await tasks.save(ended, {})).toMatchObject({ ok: true });
  return ended;
}

describe("retryTask: what has ended", () => {
  it.each(["failed", "missed"] as const)(
    "stays %s, and another task that names it goes out in its place",
    async (status) => {
      const world = await setUpChanging({ policy: WINDOW });
      const { retry, place, read, contentOf, tasks, publish, sent, clock } = world;
      const task = await fail(world, await place("says it"), status);
      clock.advance(3_600_000);
      const retried = await retry(OWNER, task.id);
      if (!retried.ok) throw new Error(retried.error.reason);
      expect(await read(task)).toEqual(task);
      const { task: fresh } = retried.value;
      expect(fresh).toMatchObject({
        retryOf: task.id,
        status: "pending",
        slotAt: clock.now(),
        publishAt: clock.now(),
        source: { kind: "api" },
        priority: task.priority,
        language: task.language,
        latePolicy: task.latePolicy,
        retries: 0,
      });
      expect(fresh.id).not.toBe(task.id);
      expect(fresh).toEqual(await read(fresh));
      expect(await contentOf(fresh)).toMatchObject({
        taskId: fresh.id,
        rev: 1,
        parts: [{ text: "says it" }],
      });
      expect((await tasks.getLog(task.id)).at(-1)).toMatchObject({
        status,
        code: "retried",
        message: expect.stringContaining(fresh.id),
      });
      expect(await publish(fresh)).toMatchObject({ kind: "posted" });
      expect(sent).toHaveLength(1);
    },
  );

  it("has one retry, whoever asks how often, and however its first answer was lost", async () => {
    const world = await setUpChanging({ policy: WINDOW });
    const { retry, place, tasks } = world;
    const task = await fail(world, await place("says it"));
    const answers = await Promise.all([retry(OWNER, task.id), retry(OWNER, task.id), retry(OWNER, task.id)]);
    answers.push(await retry(OWNER, task.id));
    const ids = new Set(answers.map((answer) => (answer.ok ? answer.value.task.id : answer.error.reason)));
    expect(ids.size).toBe(1);
    const page = await tasks.list({ by: "owner", ownerId: OWNER, limit: 100 });
    expect(page.items).toHaveLength(2);
  });

  it.each([0, 30 * DAY_MS])(
    "has one retry at most, also where nobody minds the same text twice (window of %i ms)",
    async (windowMs) => {
      const world = await setUpChanging({
        policy: { urgentShare: 0, duplicates: { windowMs, threshold: 0.6, near: "warns" } },
      });
      const { retry, place, tasks } = world;
      const task = await fail(world, await place("says it"));
      // Both have looked for a retry before either of them made one.
      const get = tasks.getClaim;
      let looked = 0;
      vi.spyOn(tasks, "getClaim").mockImplementation(async (key) =>
        key.startsWith("retry#") && ++looked <= 2 ? undefined : get(key),
      );
      const [one, two] = await Promise.all([retry(OWNER, task.id), retry(OWNER, task.id)]);
      expect(one.ok && two.ok && one.value.task.id === two.value.task.id).toBe(true);
      expect((await tasks.list({ by: "owner", ownerId: OWNER, limit: 100 })).items).toHaveLength(2);
    },
  );

  it("is tried again by its retry: that one can fail, and be retried too", async () => {
    const world = await setUpChanging({ policy: WINDOW });
    const { retry, place, read } = world;
    const task = await fail(world, await place("says it"));
    const first = await retry(OWNER, task.id);
    if (!first.ok) throw new Error(first.error.reason);
    await fail(world, first.value.task);
    expect(await retry(OWNER, task.id)).toMatchObject({ ok: true, value: { task: { status: "failed" } } });
    const second = await retry(OWNER, first.value.task.id);
    expect(second).toMatchObject({ ok: true, value: { task: { retryOf: first.value.task.id } } });
    expect(await read(task)).toMatchObject({ status: "failed" });
  });

  it("gets the next slot of its strategy, and says why", async () => {
    const world = await setUpChanging({ policy: WINDOW });
    const { retry, place } = world;
    await place("another one", { slotAt: at(20) });
    const task = await fail(world, await place("planned", { strategy: "next-free" }));
    const retried = await retry(OWNER, task.id);
    if (!retried.ok) throw new Error(retried.error.reason);
    const { plan, task: fresh } = retried.value;
    expect(fresh).toMatchObject({ strategy: "next-free", retryOf: task.id });
    expect(plan?.at).toEqual(fresh.slotAt);
    expect(Math.abs(fresh.slotAt.getTime() - at(20).getTime())).toBeGreaterThanOrEqual(3_600_000);
  });

  it("keeps its media, its batch, its pool, and the text that was written for it", async () => {
    const world = await setUpChanging({ policy: WINDOW });
    const { retry, put, contentOf, tasks } = world;
    const media = [aMedium()];
    const task = await put(
      {
        status: "failed",
        pool: "chosen",
        written: true,
        batchId: asBatchId("b".repeat(32)),
        reconcile: "hold",
      },
      {
        media,
        parts: [{ text: "written" }],
        original: [{ text: "draft" }],
        writing: { mode: "enhance", onFailure: "hold" },
      },
    );
    await tasks.save(
      { ...task, version: 2 },
      { claims: [{ key: mediaClaimKey(PROJECT, media[0]?.sha256 ?? "") }] },
    );
    const retried = await retry(OWNER, task.id);
    if (!retried.ok) throw new Error(retried.error.reason);
    const { task: fresh } = retried.value;
    expect(fresh).toMatchObject({ batchId: task.batchId, pool: "open", mediaCount: 1, reconcile: "hold" });
    expect(await contentOf(fresh)).toEqual({ taskId: fresh.id, rev: 1, parts: [{ text: "written" }], media });
    expect(await tasks.getClaim(mediaClaimKey(PROJECT, media[0]?.sha256 ?? ""))).toBe(fresh.id);
  });

  it("notes that it takes its uploaded media, so that nobody deletes them, and does not go without them", async () => {
    const world = await setUpChanging();
    const { retry, put, tasks, stored, accounts, clock } = world;
    const announced = { projectId: PROJECT, name: "kite.jpg", type: "image/jpeg", sizeBytes: 9 } as const;
    const medium = newStoredMedium(asMediaId(String(freshTaskId())), OWNER, announced, clock.now());
    const found = aMedium({ key: mediaKey(medium), name: "kite.jpg" });
    await stored.save(medium);
    await stored.save(inspected(medium, found, clock.now()));
    const media = [found, aMedium({ key: "drop/somewhere/else.jpg" })];
    const [task, other] = [
      await put({ status: "failed" }, { media }),
      await put({ status: "failed" }, { media }),
    ];
    const retried = await retry(OWNER, task.id);
    if (!retried.ok) throw new Error(retried.error.reason);
    const { id } = retried.value.task;
    const remove = createDeleteMedium({
      media: stored,
      tasks,
      accounts,
      clock,
      bucket: { remove: async () => {} },
    });
    expect(await remove(OWNER, medium.id)).toEqual({ ok: false, error: { reason: "in-use", by: id } });
    await tasks.save(cancel(await world.read(retried.value.task), clock.now()));
    expect((await remove(OWNER, medium.id)).ok).toBe(true);
    expect(await retry(OWNER, other.id)).toEqual({
      ok: false,
      error: { reason: "media-gone", name: "kite.jpg" },
    });
  });

  it("has its text written, if that was still to be done", async () => {
    const { retry, put, contentOf } = await setUpChanging();
    const writing = { mode: "enhance", onFailure: "hold" } as const;
    const task = await put({ status: "missed", toWrite: true }, { parts: [{ text: "draft" }], writing });
    const retried = await retry(OWNER, task.id);
    if (!retried.ok) throw new Error(retried.error.reason);
    expect(retried.value.task).toMatchObject({ toWrite: true });
    expect(await contentOf(retried.value.task)).toMatchObject({ parts: [{ text: "draft" }], writing });
  });

  it("posts a medium again that its owner wanted to post again", async () => {
    const world = await setUpChanging({ policy: WINDOW });
    const { retry, put, tasks } = world;
    const key = mediaClaimKey(PROJECT, aMedium().sha256);
    const holder = await put();
    await tasks.save({ ...holder, version: 2 }, { claims: [{ key }] });
    const task = await put({ status: "failed" }, { media: [aMedium()] });
    expect((await retry(OWNER, task.id)).ok).toBe(true);
    expect(await tasks.getClaim(key)).toBe(holder.id);
  });

  it("does not say again what another task says by now", async () => {
    const world = await setUpChanging({ policy: WINDOW });
    const { retry, place, tasks } = world;
    const task = await fail(world, await place("says it"));
    const other = await place("says it");
    expect(await retry(OWNER, task.id)).toMatchObject({
      ok: false,
      error: { reason: "repeats", by: other.id, why: { code: "duplicate-content" } },
    });
    expect(await tasks.getClaim(textClaimKey(ACCOUNT, String(hashText([{ text: "says it" }]))))).toBe(
      other.id,
    );
  });

  it("posts no part of a thread twice", async () => {
    const { retry, put } = await setUpChanging();
    const task = await put({ status: "failed", partCount: 3, posted: [{ postId: "1", sentAt: START }] });
    expect(await retry(OWNER, task.id)).toEqual({
      ok: false,
      error: { reason: "parts-posted", posted: 1, partCount: 3 },
    });
  });
});

describe("retryTask: what is held", () => {
  it("goes on, due now", async () => {
    const { retry, put, read, publish, clock, calls, tasks } = await setUpChanging();
    const task = await put({ status: "held", reason: REASON, parkings: 10, slotAt: START });
    clock.advance(7_200_000);
    const retried = await retry(OWNER, task.id);
    expect(retried).toMatchObject({ ok: true, value: { task: await read(task) } });
    expect(await read(task)).toMatchObject({
      status: "pending",
      slotAt: clock.now(),
      publishAt: task.publishAt,
      parkings: 0,
    });
    expect(await calls(task)).toEqual([{ step: "publish" }]);
    expect(await tasks.getLog(task.id)).toMatchObject([{ step: "change", code: "retried" }]);
    expect(await publish(task)).toMatchObject({ kind: "posted" });
  });

  it("gets the next slot of its strategy, on the account's board", async () => {
    const { retry, put, place, read, tasks } = await setUpChanging({ policy: WINDOW });
    await place("another one", { slotAt: at(20) });
    const task = await put({ status: "held", reason: REASON, strategy: "next-free", slotAt: at(-60) });
    const retried = await retry(OWNER, task.id);
    const after = await read(task);
    expect(retried).toMatchObject({ ok: true, value: { plan: { at: after.slotAt } } });
    expect(after.slotAt.getTime() - at(20).getTime()).toBeGreaterThanOrEqual(3_600_000);
    expect((await tasks.getBoard(ACCOUNT)).noted.map(({ taskId }) => taskId)).toContain(task.id);
  });

  it("is a thread that goes on where it stopped", async () => {
    const { retry, put, read, publish, sent } = await setUpChanging();
    const posted = [{ postId: "1", sentAt: START }];
    const task = await put({ status: "held", reason: REASON, partCount: 2, posted, slotAt: START });
    expect((await retry(OWNER, task.id)).ok).toBe(true);
    expect(await read(task)).toMatchObject({ status: "pending", posted, slotAt: START });
    await publish(task);
    expect(sent).toMatchObject([{ request: { inReplyTo: "1" } }]);
  });

  it("goes on although its answer was lost, once its absence is proven", async () => {
    const { retry, put } = await setUpChanging();
    const task = await put({ status: "held", reason: ABSENT_HELD, inDoubtSince: START });
    expect((await retry(OWNER, task.id)).ok).toBe(true);
  });
});

describe("retryTask", () => {
  it.each([
    [{ status: "posting" }, "in-flight"],
    [{ status: "unknown" }, "in-flight"],
    [{ status: "held", inDoubtSince: START, reason: UNREADABLE }, "in-doubt"],
    [{ status: "published" }, "final"],
    [{ status: "cancelled" }, "final"],
    [{ status: "pending" }, "not-failed"],
    [{ status: "preparing" }, "not-failed"],
    [{ status: "ready" }, "not-failed"],
    [{ status: "retrying" }, "not-failed"],
    [{ status: "draft" }, "not-failed"],
  ] as const)("never sends %o blindly", async (over: Partial<Task>, reason) => {
    const { retry, put, read, snapshot } = await setUpChanging();
    const task = await put(over);
    const before = snapshot();
    expect(await retry(OWNER, task.id)).toEqual({ ok: false, error: { reason, status: over.status } });
    expect(snapshot()).toEqual(before);
    expect(await read(task)).toEqual(task);
  });

  it("retries only the version that the caller has seen, and only the owner's", async () => {
    const { retry, put, snapshot } = await setUpChanging();
    const ids: TaskId[] = [];
    for (const status of ["held", "failed"] as const) ids.push((await put({ status, reason: REASON })).id);
    const before = snapshot();
    for (const id of ids) {
      expect(await retry(OWNER, id, { ifVersion: 7 })).toEqual({
        ok: false,
        error: { reason: "stale", version: 1 },
      });
      expect(await retry(asOwnerId("owner-2"), id)).toEqual({ ok: false, error: { reason: "not-found" } });
    }
    expect(snapshot()).toEqual(before);
  });
});
