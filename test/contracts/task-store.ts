import { describe, expect, it } from "vitest";
import { circumstancesOf, featuresOf } from "#shared/domain/features.ts";
import { confirm, type Gate, newGate, reserve } from "#shared/domain/gate.ts";
import {
  asAccountId,
  asAttemptId,
  asBatchId,
  asOwnerId,
  asProjectId,
  asRecurrenceId,
  type OwnerId,
  type TaskId,
} from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import { cancel, claimForPrepare, recordPosted, startPosting } from "#shared/domain/moves.ts";
import { noteSlot } from "#shared/domain/planning/board.ts";
import type { Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { type DueRef, type TaskStore, WAKE_SHARDS } from "#shared/ports/task-store.ts";
import { aContent, aMedium, aTask, freshTaskId } from "#test/support/builders.ts";
import type { ManualClock } from "#test/support/clock.ts";

export interface TaskStoreUnderTest {
  readonly tasks: TaskStore;
  readonly clock: ManualClock;
}

let serial = 0;
const fresh = (name: string): string => `${name}-${process.pid}-${++serial}`;
const now = new Date("2026-12-01T01:00:00.000Z");
const attempt = asAttemptId("attempt-1");
const why = { code: "rate-limited", message: "later", remedy: "wait" };
const intent = { attemptId: attempt, requestHash: "ff" };

/** A task with an owner, project and account of its own, so that suites can share a table. */
const own = (over: Partial<Task> = {}): Task =>
  aTask({
    id: freshTaskId(),
    ownerId: asOwnerId(fresh("owner")),
    projectId: asProjectId(fresh("project")),
    accountId: asAccountId(fresh("account")),
    ...over,
  });

/** The place that the task's attempt gets at the gate. */
const placeFor = (task: Task, gate: Gate = newGate(task.accountId)): Gate =>
  reserve(gate, {
    taskId: task.id,
    attemptId: attempt,
    ownerId: task.ownerId,
    now,
    units: task.partCount,
    policy: {},
  });

const aDrop = () => ({
  project: fresh("project"),
  base: "kite",
  status: "accepted" as const,
  firstSeenAt: now,
  lastSeenAt: now,
  version: 1,
});

const STALE = { ok: false, error: { reason: "stale" } };
const GATE_STALE = { ok: false, error: { reason: "gate-stale" } };

/** What every `TaskStore` promises. Run it against each implementation. */
export function taskStoreContract(name: string, open: () => TaskStoreUnderTest): void {
  const stored = async (over: Partial<Task> = {}) => {
    const { tasks, clock } = open();
    clock.set(now);
    const task = own(over);
    expect(await tasks.create(task, aContent(task))).toEqual({ ok: true, value: undefined });
    return { tasks, clock, task };
  };

  describe(`TaskStore: ${name}`, () => {
    it("gives back what was stored, to the millisecond and without fields that were not there", async () => {
      const { tasks, task } = await stored({
        slotAt: new Date("2026-12-01T09:00:00.007Z"),
        leaseUntil: new Date("2026-12-01T09:01:00.123Z"),
        attemptId: attempt,
        source: { kind: "drop", base: "风筝 kite", file: "风筝 kite.md", folder: "press" },
        latePolicy: { then: "hold" },
        pool: "chosen",
        batchId: asBatchId("batch-1"),
        reconcile: "hold",
        parkings: 4,
        reposts: 1,
        arrangedFor: new Date("2026-12-01T09:00:00.001Z"),
        notBeforeAt: new Date("2026-12-01T09:00:00.002Z"),
        excusedUntil: new Date("2026-12-01T09:00:00.003Z"),
        startedAt: new Date("2026-12-01T09:00:00.004Z"),
        sharesAt: new Date("2026-12-01T09:00:00.005Z"),
        inDoubtSince: new Date("2026-12-01T09:00:00.006Z"),
        absentAt: new Date("2026-12-01T09:00:00.008Z"),
        cancelAskedAt: new Date("2026-12-01T09:00:00.009Z"),
        requestHash: "ff",
        sinceId: "1998",
        heldFor: "account",
        strategy: "optimal",
        override: true,
        toWrite: true,
        written: true,
        posted: [{ postId: "1999", sentAt: now }],
        reason: why,
      });

      expect(await tasks.get(task.id)).toEqual(task);
    });

    it("gives back the occurrence that a task comes from", async () => {
      const { tasks, task } = await stored({
        source: {
          kind: "recurrence",
          recurrenceId: asRecurrenceId("recurrence-1"),
          occurrenceAt: new Date("2026-12-01T09:00:00.000Z"),
        },
      });
      expect(await tasks.get(task.id)).toEqual(task);
    });

    it("knows nothing of an id that was never stored", async () => {
      const { tasks } = open();
      const id = freshTaskId();
      expect(await tasks.get(id)).toBeUndefined();
      expect(await tasks.getContent({ id, contentRev: 1 })).toBeUndefined();
      expect(await tasks.getLog(id)).toEqual([]);
    });

    it("keeps text and media of a revision", async () => {
      const { tasks } = open();
      const task = own({ mediaCount: 1, partCount: 2 });
      const content = aContent(task, { media: [aMedium({ altText: "风筝 🪁", durationMs: 12 })] });

      await tasks.create(task, content);

      expect(await tasks.getContent(task)).toEqual(content);
      expect(await tasks.getContent({ ...task, contentRev: 2 })).toBeUndefined();
    });

    it("reads the texts of many tasks together, and leaves out what is not there", async () => {
      const { tasks } = open();
      // More than DynamoDB reads with one request.
      const all = Array.from({ length: 101 }, () => own());
      await Promise.all(all.map((task) => tasks.create(task, aContent(task))));
      const gone = own();

      const contents = await tasks.getContents([...all, ...all.slice(0, 2), gone]);

      expect([...contents.keys()].toSorted()).toEqual(all.map(({ id }) => id).toSorted());
      expect(all.map(({ id }) => contents.get(id))).toEqual(all.map((task) => aContent(task)));
      expect(await tasks.getContents([])).toEqual(new Map());
    });

    it("keeps the text that was written for a revision beside the original", async () => {
      const { tasks, task } = await stored();
      const content = aContent(task);
      const written = { ...content, parts: [{ text: "better" }], original: content.parts };

      const next: Task = { ...task, written: true, version: 2 };
      expect(await tasks.save(next, { content: written })).toMatchObject({ ok: true });

      expect(await tasks.get(task.id)).toEqual(next);
      expect(await tasks.getContent(next)).toEqual(written);
      expect(await tasks.getContent(task)).toEqual(content);
    });

    it("gives what is claimed to one task, until it is given up or over", async () => {
      const { tasks, clock, task } = await stored();
      const key = fresh("claim");
      const until = new Date(now.getTime() + 60_000);
      const make = async (claim: { replaces?: TaskId } = {}) => {
        const rival = own();
        const created = await tasks.create(rival, aContent(rival), { claims: [{ key, until, ...claim }] });
        return { rival, created };
      };
      const held = { ...task, version: 2 };
      expect(await tasks.save(held, { claims: [{ key, until }] })).toMatchObject({ ok: true });
      expect(await tasks.save({ ...held, version: 3 }, { claims: [{ key, until }] })).toMatchObject({
        ok: true,
      });

      const { rival, created } = await make();
      expect(created).toEqual({ ok: false, error: { reason: "claimed", key, by: task.id } });
      expect(await tasks.get(rival.id)).toBeUndefined();
      expect((await make({ replaces: rival.id })).created.ok).toBe(false);

      expect(await tasks.getClaim(key)).toBe(task.id);
      expect(await tasks.getClaim(fresh("claim"))).toBeUndefined();
      const heir = await make({ replaces: task.id });
      expect(heir.created.ok).toBe(true);
      expect((await make()).created).toMatchObject({ error: { by: heir.rival.id } });

      clock.set(new Date(until.getTime() + 1));
      expect(await tasks.getClaim(key)).toBeUndefined();
      expect((await make()).created.ok).toBe(true);
    });

    it("keeps a claim without an end", async () => {
      const { tasks, clock, task } = await stored();
      const claims = [{ key: fresh("claim") }];
      await tasks.save({ ...task, version: 2 }, { claims });
      clock.set(new Date("2036-12-01T00:00:00Z"));
      const rival = own();
      expect(await tasks.create(rival, aContent(rival), { claims })).toMatchObject({
        error: { reason: "claimed", by: task.id },
      });
    });

    it("lets one of two planners write on a board", async () => {
      const { tasks, task } = await stored();
      const { accountId } = task;
      const empty = await tasks.getBoard(accountId);
      expect(empty).toEqual({ accountId, version: 0, noted: [] });
      const first = noteSlot(empty, { taskId: task.id, at: task.slotAt, parts: 2, priority: 5 }, now);
      expect(await tasks.save({ ...task, version: 2 }, { board: first })).toMatchObject({ ok: true });

      const rival = own({ accountId });
      const second = noteSlot(empty, { taskId: rival.id, at: task.slotAt, parts: 1, priority: 5 }, now);
      expect(await tasks.create(rival, aContent(rival), { board: second })).toEqual({
        ok: false,
        error: { reason: "board-stale" },
      });
      expect(await tasks.get(rival.id)).toBeUndefined();
      expect(await tasks.getBoard(accountId)).toEqual(first);
      const again = noteSlot(first, { taskId: rival.id, at: task.slotAt, parts: 1, priority: 5 }, now);
      expect(await tasks.create(rival, aContent(rival), { board: again })).toMatchObject({ ok: true });
      expect((await tasks.getBoard(accountId)).noted).toHaveLength(2);
    });

    it("refuses an id that is taken and keeps the first", async () => {
      const { tasks, task } = await stored({ priority: 1 });

      const rival = { ...task, priority: 9 };
      const parts = [{ text: "another" }];
      const log = { at: now, attemptId: attempt, step: "accept", status: "pending" } as const;
      const drop = aDrop();
      const again = await tasks.create(rival, { ...aContent(task), parts }, { log, drop });

      expect(again).toEqual(STALE);
      expect(await tasks.get(task.id)).toEqual(task);
      expect(await tasks.getContent(task)).toEqual(aContent(task));
      expect(await tasks.getLog(task.id)).toEqual([]);
      expect(await tasks.save(claimForPrepare(task, now, attempt), { drop })).toMatchObject({ ok: true });
    });

    it("lets exactly one of many competing changes win", async () => {
      const { tasks, task } = await stored();

      const claims = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          tasks.save(claimForPrepare(task, now, asAttemptId(`attempt-${index}`))),
        ),
      );

      expect(claims.filter(({ ok }) => ok)).toHaveLength(1);
      expect(claims.filter(({ ok }) => !ok)).toEqual(
        Array.from({ length: 7 }, () => ({ ok: false, error: { reason: "stale" } })),
      );
      const winner = claims.findIndex(({ ok }) => ok);
      expect(await tasks.get(task.id)).toMatchObject({ version: 2, attemptId: `attempt-${winner}` });
    });

    it("removes fields that a change removed", async () => {
      const { tasks, task } = await stored({ attemptId: attempt, leaseUntil: now, reason: why });
      await tasks.save(cancel(task, now));
      const read = await tasks.get(task.id);
      expect(read).not.toHaveProperty("leaseUntil");
      expect(read).not.toHaveProperty("wakeAt");
      expect(read).toMatchObject({ status: "cancelled", rev: 2, reason: { code: "cancelled" } });
    });

    it("refuses to change a task that was never stored", async () => {
      const { tasks } = open();
      const saved = await tasks.save(cancel(own(), now));
      expect(saved).toEqual({ ok: false, error: { reason: "stale" } });
    });

    describe("together with a task", () => {
      const entry: LogEntry = {
        at: now,
        attemptId: attempt,
        step: "publish",
        via: "scheduler",
        status: "published",
        phases: { callMs: 12.5 },
        externalId: "1999",
      };

      it("writes log, gate and the post's id, or nothing of them", async () => {
        const { tasks, task } = await stored();
        const { accountId } = task;
        const posting = startPosting(task, now, intent);
        const reserved = placeFor(task);
        expect((await tasks.save(posting, { gate: reserved })).ok).toBe(true);
        expect(await tasks.getGate(accountId)).toEqual(reserved);
        const done = recordPosted(posting, now, { postId: "1999", sentAt: now });
        const confirmed = confirm(reserved, { taskId: task.id, at: now, postId: "1999", isLast: true });
        const content = aContent(task);
        const followers = { followers: 1_024 };
        const circumstances = circumstancesOf(content, { timeZone: "Asia/Shanghai" }, followers);
        const features = featuresOf(task, circumstances, confirmed, now);
        const together = { log: entry, gate: confirmed, adopt: { accountId, postId: "1999" }, features };

        expect(await tasks.save({ ...done, version: 9 }, together)).toEqual(STALE);
        expect(await tasks.getLog(task.id)).toEqual([]);
        expect(await tasks.getFeatures(task.id)).toBeUndefined();
        expect(await tasks.getGate(accountId)).toEqual(reserved);
        expect(await tasks.get(task.id)).toEqual(posting);

        expect((await tasks.save(done, together)).ok).toBe(true);
        expect(await tasks.getFeatures(task.id)).toEqual(features);
        expect(await tasks.getLog(task.id)).toEqual([entry]);
        expect(await tasks.getGate(accountId)).toEqual(confirmed);
        expect(await tasks.get(task.id)).toEqual(done);
      });

      it("refuses a gate that somebody else wrote, and writes nothing of the rest", async () => {
        const { tasks, task } = await stored();
        const { accountId } = task;
        const rival = own({ accountId });
        await tasks.create(rival, aContent(rival));
        const theirs = placeFor(rival);
        await tasks.save(startPosting(rival, now, intent), { gate: theirs });

        const posting = startPosting(task, now, intent);
        const adopt = { accountId, postId: "1998" };
        const drop = aDrop();
        for (const gate of [placeFor(task), { ...placeFor(task), version: 3 }])
          expect(await tasks.save(posting, { log: entry, gate, adopt, drop })).toEqual(GATE_STALE);
        expect(await tasks.get(task.id)).toEqual(task);
        expect(await tasks.getLog(task.id)).toEqual([]);
        expect(await tasks.getGate(accountId)).toEqual(theirs);

        // Decided again by the gate as it is: neither the post's id nor the drop was left behind.
        const again = placeFor(task, await tasks.getGate(accountId));
        const saved = await tasks.save(posting, { log: entry, gate: again, adopt, drop });
        expect(saved).toMatchObject({ ok: true });
        expect((await tasks.getGate(accountId)).reservations.map(({ taskId }) => taskId)).toEqual([
          rival.id,
          task.id,
        ]);
      });

      it("makes no gate out of a later version of none", async () => {
        const { tasks, task } = await stored();
        const gate = { ...placeFor(task), version: 2 };
        expect(await tasks.save(startPosting(task, now, intent), { gate })).toEqual(GATE_STALE);
        expect(await tasks.getGate(task.accountId)).toEqual(newGate(task.accountId));
      });

      it("keeps everything that a gate has, and removes what a change removed", async () => {
        const { tasks, task } = await stored();
        const { accountId } = task;
        const full: Gate = {
          ...placeFor(task),
          lastPostAt: now,
          lastPostId: "1999",
          closedUntil: new Date("2026-12-01T01:15:00.007Z"),
          closedReason: why,
          circuit: { failures: 4, openUntil: now, probeUntil: new Date("2026-12-01T01:02:00.000Z") },
          intervalMs: 60_000,
          successRate: 0.729,
        };
        const posting = startPosting(task, now, intent);
        await tasks.save(posting, { gate: full });
        expect(await tasks.getGate(accountId)).toEqual(full);

        const { closedUntil: _until, closedReason: _why, ...open } = full;
        const next = { ...open, circuit: { failures: 0 }, version: 2 };
        await tasks.save(recordPosted(posting, now, { postId: "2000", sentAt: now }), { gate: next });
        expect(await tasks.getGate(accountId)).toEqual(next);
      });

      it("never lets two tasks adopt one post, and writes nothing of the second", async () => {
        const { tasks, task } = await stored();
        const other = own({ accountId: task.accountId });
        await tasks.create(other, aContent(other));
        const adopt = { accountId: task.accountId, postId: "2000" };

        expect((await tasks.save(startPosting(task, now, intent), { adopt })).ok).toBe(true);
        const gate = placeFor(other);
        const second = await tasks.save(startPosting(other, now, intent), { adopt, gate, log: entry });

        expect(second).toEqual({ ok: false, error: { reason: "post-taken" } });
        expect(await tasks.get(other.id)).toEqual(other);
        expect(await tasks.getLog(other.id)).toEqual([]);
        expect(await tasks.getGate(task.accountId)).toMatchObject({ version: 0 });
      });

      it("names the refusal that decides when several conditions fail: task, then post, then gate", async () => {
        const { tasks, task } = await stored();
        const { accountId } = task;
        const adopt = { accountId, postId: "2001" };
        const posting = startPosting(task, now, intent);
        await tasks.save(posting, { adopt, gate: placeFor(task) });

        const both = { adopt, gate: placeFor(task) };
        const next = recordPosted(posting, now, { postId: "2001", sentAt: now });
        expect(await tasks.save(next, both)).toEqual({ ok: false, error: { reason: "post-taken" } });
        expect(await tasks.save({ ...next, version: 7 }, both)).toEqual(STALE);
      });

      it("gives a place to one of many that read the same gate", async () => {
        const { tasks, task } = await stored();
        const { accountId } = task;
        const rivals = [task, ...Array.from({ length: 7 }, () => own({ accountId }))];
        await Promise.all(rivals.slice(1).map((rival) => tasks.create(rival, aContent(rival))));

        const saved = await Promise.all(
          rivals.map((rival) => tasks.save(startPosting(rival, now, intent), { gate: placeFor(rival) })),
        );

        const winner = rivals[saved.findIndex(({ ok }) => ok)];
        expect(saved.filter(({ ok }) => ok)).toHaveLength(1);
        expect(saved.filter(({ ok }) => !ok)).toEqual(Array.from({ length: 7 }, () => GATE_STALE));
        expect((await tasks.getGate(accountId)).reservations).toMatchObject([{ taskId: winner?.id }]);
        const states = await Promise.all(rivals.map(async ({ id }) => (await tasks.get(id))?.status));
        expect(states.filter((status) => status === "posting")).toHaveLength(1);
      });

      it("keeps the gates of two accounts apart", async () => {
        const { tasks, task } = await stored();
        const other = own();
        await tasks.create(other, aContent(other));
        await tasks.save(startPosting(task, now, intent), { gate: placeFor(task) });
        const saved = await tasks.save(startPosting(other, now, intent), { gate: placeFor(other) });
        expect(saved.ok).toBe(true);
      });

      it("writes a task and its drop both or not at all", async () => {
        const { tasks, task } = await stored();
        const drop = aDrop();
        const claimed = claimForPrepare(task, now, attempt);
        const gate = placeFor(task);
        expect(await tasks.save(claimed, { drop: { ...drop, version: 2 }, gate, log: entry })).toEqual(STALE);
        expect(await tasks.get(task.id)).toEqual(task);
        expect(await tasks.getGate(task.accountId)).toMatchObject({ version: 0 });
        expect(await tasks.getLog(task.id)).toEqual([]);
        expect((await tasks.save(claimed, { drop })).ok).toBe(true);
      });
    });

    it("knows a gate that nothing went through", async () => {
      const { tasks } = open();
      const id = asAccountId(fresh("account"));
      expect(await tasks.getGate(id)).toEqual(newGate(id));
    });

    it("reads the gates of many accounts together, in their order", async () => {
      const { tasks, task } = await stored();
      const gate = { ...newGate(task.accountId), lastPostAt: now, version: 1 };
      expect((await tasks.save({ ...task, version: 2 }, { gate })).ok).toBe(true);
      const idle = asAccountId(fresh("account"));
      expect(await tasks.getGates([idle, task.accountId, idle])).toEqual([
        newGate(idle),
        gate,
        newGate(idle),
      ]);
      expect(await tasks.getGates([])).toEqual([]);
    });

    describe("lists the accounts of an owner", () => {
      /** Puts a gate of the owner there that may post again at that minute. */
      async function gateOf(
        tasks: TaskStore,
        ownerId: OwnerId,
        minute: number,
        accountId = asAccountId(fresh("account")),
      ): Promise<Task> {
        const task = own({ ownerId, accountId });
        await tasks.create(task, aContent(task));
        const closedUntil = new Date(now.getTime() + minute * 60_000);
        await tasks.save(startPosting(task, now, intent), { gate: { ...placeFor(task), closedUntil } });
        return task;
      }

      it("by the instant at which they may post, those whose instant has come", async () => {
        const { tasks } = open();
        const ownerId = asOwnerId(fresh("owner"));
        const late = await gateOf(tasks, ownerId, 30);
        const early = await gateOf(tasks, ownerId, 10);
        const middle = await gateOf(tasks, ownerId, 20);
        await gateOf(tasks, asOwnerId(fresh("owner")), 0);
        const inMinutes = (minutes: number) => new Date(now.getTime() + minutes * 60_000);

        expect(await tasks.listAvailable(ownerId, inMinutes(9.99), 10)).toEqual([]);
        expect(await tasks.listAvailable(ownerId, inMinutes(10), 10)).toEqual([early.accountId]);
        const ordered = [early, middle, late].map(({ accountId }) => accountId);
        expect(await tasks.listAvailable(ownerId, inMinutes(30), 10)).toEqual(ordered);
        expect(await tasks.listAvailable(ownerId, inMinutes(30), 2)).toEqual(ordered.slice(0, 2));
        expect(await tasks.listAvailable(asOwnerId(fresh("owner")), inMinutes(30), 10)).toEqual([]);
        // The same index has the owner's tasks.
        expect((await tasks.list({ by: "owner", ownerId, limit: 10 })).items).toHaveLength(3);
      });

      it("in the order of their ids when they may post at the same instant", async () => {
        const { tasks } = open();
        const ownerId = asOwnerId(fresh("owner"));
        const names = ["c", "a", "b"].map((name) => asAccountId(fresh(`account-${name}`)));
        for (const id of names) await gateOf(tasks, ownerId, 1, id);
        expect(await tasks.listAvailable(ownerId, new Date(now.getTime() + 60_000), 10)).toEqual(
          names.toSorted(),
        );
      });

      it("without those that never posted, and anew with every change", async () => {
        const { tasks } = open();
        const ownerId = asOwnerId(fresh("owner"));
        const task = await gateOf(tasks, ownerId, 5);
        const never = own({ ownerId });
        await tasks.create(never, aContent(never));
        await tasks.save(claimForPrepare(never, now, attempt), {
          gate: { ...newGate(never.accountId), version: 1 },
        });
        const { closedUntil: _until, ...gate } = await tasks.getGate(task.accountId);
        const posting = await tasks.get(task.id);
        if (!posting) throw new Error("the task is gone");
        const opened = { ...gate, intervalMs: 120_000, lastPostAt: now, reservations: [], version: 2 };
        await tasks.save(recordPosted(posting, now, { postId: "1", sentAt: now }), { gate: opened });

        expect(await tasks.listAvailable(ownerId, new Date(now.getTime() + 119_999), 10)).toEqual([]);
        expect(await tasks.listAvailable(ownerId, new Date(now.getTime() + 120_000), 10)).toEqual([
          task.accountId,
        ]);
      });
    });

    it("leaves expired log entries out, whether they are deleted yet or not", async () => {
      const { tasks, clock, task } = await stored();
      const entry: LogEntry = { at: now, attemptId: attempt, step: "change", status: "pending" };
      await tasks.addLog(task.id, entry);
      await tasks.addLog(task.id, entry);
      clock.set(new Date(now.getTime() + TIMING.logRetentionMs - 1_000));
      expect(await tasks.getLog(task.id)).toEqual([entry]);
      clock.advance(2_000);
      expect(await tasks.getLog(task.id)).toEqual([]);
    });

    it("lists by owner, project and account in the order of their slots, page by page", async () => {
      const { tasks } = open();
      const owner = asOwnerId(fresh("owner"));
      const project = asProjectId(fresh("project"));
      const account = asAccountId(fresh("account"));
      const made = [30, 10, 20].map((minute) =>
        own({
          ownerId: owner,
          projectId: project,
          accountId: account,
          slotAt: new Date(now.getTime() + minute * 60_000),
        }),
      );
      for (const task of made) await tasks.create(task, aContent(task));
      const [late, early, middle] = made.map(({ id }) => id);

      for (const query of [
        { by: "owner", ownerId: owner },
        { by: "project", projectId: project, status: "pending" },
        { by: "account", accountId: account },
      ] as const) {
        const first = await tasks.list({ ...query, limit: 2 });
        expect(first.items.map(({ id }) => id)).toEqual([early, middle]);
        const second = await tasks.list({ ...query, limit: 2, ...(first.next && { after: first.next }) });
        expect(second.items.map(({ id }) => id)).toEqual([late]);
        expect(second.next).toBeUndefined();
      }
      expect(await tasks.list({ by: "project", projectId: project, status: "published", limit: 2 })).toEqual({
        items: [],
      });
    });

    it("lists the slots of an account from one instant to before another", async () => {
      const { tasks } = open();
      const accountId = asAccountId(fresh("account"));
      const at = (minute: number) => new Date(now.getTime() + minute * 60_000);
      const ids: TaskId[] = [];
      for (const minute of [0, 1, 2, 3]) {
        const task = own({ accountId, slotAt: at(minute) });
        await tasks.create(task, aContent(task));
        ids.push(task.id);
      }
      const listed = async (range: { from?: Date; until?: Date }, limit = 10) => {
        const found: TaskId[] = [];
        for (let after: string | undefined; ; ) {
          const page = await tasks.list({
            by: "account",
            accountId,
            limit,
            ...range,
            ...(after && { after }),
          });
          found.push(...page.items.map(({ id }) => id));
          if (!page.next) return found;
          after = page.next;
        }
      };
      expect(await listed({ from: at(1), until: at(3) })).toEqual(ids.slice(1, 3));
      expect(await listed({ from: at(1) }, 1)).toEqual(ids.slice(1));
      expect(await listed({ until: at(1) })).toEqual(ids.slice(0, 1));
      expect(await listed({ from: at(4) })).toEqual([]);
    });

    it("lists by status while something may still be sent", async () => {
      const { tasks, task } = await stored({ slotAt: new Date("2020-01-01T00:00:00Z") });
      const idsOf = async (status: Task["status"]) => {
        const ids: string[] = [];
        for (let after: string | undefined; ; ) {
          const page = await tasks.list({ by: "status", status, limit: 3, ...(after && { after }) });
          ids.push(...page.items.map(({ id }) => id));
          if (!page.next) return ids;
          after = page.next;
        }
      };
      expect(await idsOf("pending")).toContain(task.id);
      await tasks.save(cancel(task, now));
      expect(await idsOf("pending")).not.toContain(task.id);
      expect(await idsOf("cancelled")).toEqual([]);
    });

    it("shows what is due in one shard only, and no more once it moved on", async () => {
      const { tasks, task } = await stored({ wakeAt: new Date("2020-01-01T00:00:00.000Z") });
      const later = own({ wakeAt: new Date(now.getTime() + 1) });
      await tasks.create(later, aContent(later));
      const due = async (at: Date) => {
        const found: DueRef[] = [];
        for (let shard = 0; shard < WAKE_SHARDS; shard++)
          found.push(...(await tasks.listDue(shard, at, 1_000)));
        return found.filter((ref) => ref.kind === "task" && (ref.id === task.id || ref.id === later.id));
      };

      expect(await due(now)).toEqual([{ kind: "task", id: task.id, wakeAt: task.wakeAt }]);
      expect(await due(new Date(now.getTime() + 1))).toHaveLength(2);
      await tasks.save(cancel(task, now));
      expect(await due(now)).toEqual([]);
    });
  });
}
