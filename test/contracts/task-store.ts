import { describe, expect, it } from "vitest";
import { asAccountId, asAttemptId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import { cancel, claimForPrepare, recordPosted, startPosting } from "#shared/domain/moves.ts";
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
        source: { kind: "drop", base: "风筝 kite", file: "风筝 kite.md" },
        latePolicy: { then: "hold" },
        posted: [{ postId: "1999", sentAt: now }],
        reason: why,
      });

      expect(await tasks.get(task.id)).toEqual(task);
    });

    it("knows nothing of an id that was never stored", async () => {
      const { tasks } = open();
      const id = freshTaskId();
      expect(await tasks.get(id)).toBeUndefined();
      expect(await tasks.getContent(id, 1)).toBeUndefined();
      expect(await tasks.getLog(id)).toEqual([]);
    });

    it("keeps text and media of a revision", async () => {
      const { tasks } = open();
      const task = own({ mediaCount: 1, partCount: 2 });
      const content = aContent(task, { media: [aMedium({ altText: "风筝 🪁", durationMs: 12 })] });

      await tasks.create(task, content);

      expect(await tasks.getContent(task.id, 1)).toEqual(content);
      expect(await tasks.getContent(task.id, 2)).toBeUndefined();
    });

    it("refuses an id that is taken and keeps the first", async () => {
      const { tasks, task } = await stored({ priority: 1 });

      const again = await tasks.create({ ...task, priority: 9 }, aContent(task));

      expect(again).toEqual({ ok: false, error: { reason: "stale" } });
      expect(await tasks.get(task.id)).toMatchObject({ priority: 1 });
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
        await tasks.save(posting, { gate: { kind: "reserve", accountId, at: now } });
        expect(await tasks.getGate(accountId)).toMatchObject({ inFlight: 1 });
        const done = recordPosted(posting, now, { postId: "1999", sentAt: now });
        const together = {
          log: entry,
          gate: { kind: "confirm", accountId, at: now, postId: "1999" },
          adopt: { accountId, postId: "1999" },
        } as const;

        expect(await tasks.save({ ...done, version: 9 }, together)).toEqual({
          ok: false,
          error: { reason: "stale" },
        });
        expect(await tasks.getLog(task.id)).toEqual([]);
        expect(await tasks.getGate(accountId)).toMatchObject({ inFlight: 1 });

        expect((await tasks.save(done, together)).ok).toBe(true);
        expect(await tasks.getLog(task.id)).toEqual([entry]);
        expect(await tasks.getGate(accountId)).toMatchObject({
          inFlight: 0,
          lastPostAt: now,
          lastPostId: "1999",
        });
      });

      it("never lets two tasks adopt one post", async () => {
        const { tasks, task } = await stored();
        const other = own({ accountId: task.accountId });
        await tasks.create(other, aContent(other));
        const adopt = { accountId: task.accountId, postId: "2000" };

        expect((await tasks.save(startPosting(task, now, intent), { adopt })).ok).toBe(true);
        const second = await tasks.save(startPosting(other, now, intent), { adopt });

        expect(second).toEqual({ ok: false, error: { reason: "post-taken" } });
        expect(await tasks.get(other.id)).toMatchObject({ status: "pending" });
      });

      it("refuses a reservation while the gate is closed, and says until when", async () => {
        const { tasks, task } = await stored();
        const { accountId } = task;
        const until = new Date(now.getTime() + 60_000);
        const first = own({ accountId });
        await tasks.create(first, aContent(first));
        const posting = startPosting(first, now, intent);
        await tasks.save(posting, { gate: { kind: "reserve", accountId, at: now } });
        await tasks.save(cancel(posting, now), { gate: { kind: "close", accountId, until, reason: why } });

        const early = await tasks.save(startPosting(task, now, intent), {
          gate: { kind: "reserve", accountId, at: now },
        });
        expect(early).toMatchObject({
          ok: false,
          error: { reason: "gate-closed", gate: { closedUntil: until, closedReason: why, inFlight: 0 } },
        });
        expect(await tasks.get(task.id)).toMatchObject({ status: "pending", version: 1 });

        const atReset = await tasks.save(startPosting(task, until, intent), {
          gate: { kind: "reserve", accountId, at: until },
        });
        expect(atReset.ok).toBe(true);
      });

      it("counts every one of many reservations of one account", async () => {
        const { tasks, task } = await stored();
        const { accountId } = task;
        const rivals = [task, ...Array.from({ length: 7 }, () => own({ accountId }))];
        await Promise.all(rivals.slice(1).map((rival) => tasks.create(rival, aContent(rival))));

        const saved = await Promise.all(
          rivals.map((rival) =>
            tasks.save(startPosting(rival, now, intent), { gate: { kind: "reserve", accountId, at: now } }),
          ),
        );

        expect(saved.every(({ ok }) => ok)).toBe(true);
        expect(await tasks.getGate(accountId)).toMatchObject({ inFlight: 8 });
      });

      it("writes a task and its drop both or not at all", async () => {
        const { tasks, task } = await stored();
        const project = fresh("project");
        const drop = {
          project,
          base: "kite",
          status: "accepted" as const,
          firstSeenAt: now,
          lastSeenAt: now,
          version: 2,
        };
        const claimed = claimForPrepare(task, now, attempt);
        expect(await tasks.save(claimed, { drop })).toEqual({ ok: false, error: { reason: "stale" } });
        expect(await tasks.get(task.id)).toMatchObject({ status: "pending" });
        expect((await tasks.save(claimed, { drop: { ...drop, version: 1 } })).ok).toBe(true);
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
