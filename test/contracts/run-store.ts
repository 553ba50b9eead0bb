import { describe, expect, it } from "vitest";
import { asOwnerId } from "#shared/domain/ids.ts";
import { asRunId, newRun, RUN_PAGE_SIZE, type Run, type RunItem, type RunPage } from "#shared/domain/run.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { RunStore } from "#shared/ports/run-store.ts";
import { type DueRef, WAKE_SHARDS } from "#shared/ports/task-store.ts";
import { freshTaskId } from "#test/support/builders.ts";
import type { ManualClock } from "#test/support/clock.ts";

export interface RunStoreUnderTest {
  readonly runs: RunStore;
  readonly clock: ManualClock;
  readonly listDue: (shard: number, now: Date) => Promise<readonly DueRef[]>;
}

const STALE = { ok: false, error: { reason: "stale" } };
const SAVED = { ok: true, value: undefined };

/** What every `RunStore` promises. Run it against each implementation. */
export function runStoreContract(name: string, open: () => RunStoreUnderTest): void {
  const aRun = (clock: ManualClock, over: Partial<Run> = {}): Run => ({
    ...newRun(asRunId(String(freshTaskId())), asOwnerId("owner-1"), clock.now()),
    ...over,
  });
  const anItem = (over: Partial<RunItem> = {}): RunItem => ({
    taskId: freshTaskId(),
    state: "waiting",
    status: "pending",
    mediaIds: [],
    ...over,
  });
  const aPage = (run: Run, over: Partial<RunPage> = {}): RunPage => ({
    runId: run.id,
    index: 0,
    items: [anItem()],
    version: 1,
    ...over,
  });

  describe(`RunStore: ${name}`, () => {
    it("gives back what was saved, and nothing else", async () => {
      const { runs, clock } = open();
      const at = clock.now();
      const run = aRun(clock);
      expect(await runs.save(run)).toEqual(SAVED);
      expect(await runs.get(run.id)).toEqual(run);
      const ended: Run = {
        ...run,
        status: "ended",
        startedAt: at,
        endedAt: at,
        total: 3,
        pages: 1,
        more: true,
        counts: { succeeded: 1, failed: 1, errored: 1, skipped: 0 },
        workedMs: 1_234,
        timed: 2,
        version: 2,
      };
      const { wakeAt: _, ...asleep } = ended;
      expect(await runs.save(asleep)).toEqual(SAVED);
      expect(await runs.get(run.id)).toEqual(asleep);
      expect(await runs.get(asRunId("nobody"))).toBeUndefined();
    });

    it("gives back every field of an item, in the order saved", async () => {
      const { runs, clock } = open();
      const run = aRun(clock);
      const page = aPage(run, {
        items: [
          anItem({
            state: "ended",
            status: "held",
            handedAt: clock.now(),
            outcome: "failed",
            error: { code: "late", message: "Too late." },
            logId: "2026-12-01T01:00:00.000Z#attempt-1",
            mediaIds: ["1", "2"],
            durationMs: 0,
          }),
          anItem({ state: "open", handedAt: clock.now() }),
          anItem(),
        ],
      });
      expect(await runs.savePage(run, page)).toEqual(SAVED);
      expect(await runs.getPage(run.id, 0)).toEqual(page);
      expect(await runs.getPage(run.id, 1)).toBeUndefined();
    });

    it("refuses to replace any version but the one before, of a run and of a page", async () => {
      const { runs, clock } = open();
      const run = aRun(clock);
      await runs.save(run);
      for (const version of [1, 3]) expect(await runs.save({ ...run, version })).toEqual(STALE);
      expect(await runs.save(aRun(clock, { version: 2 }))).toEqual(STALE);
      const page = aPage(run);
      await runs.savePage(run, page);
      for (const version of [1, 3]) expect(await runs.savePage(run, { ...page, version })).toEqual(STALE);
      expect(await runs.savePage(run, { ...page, index: 1, version: 2 })).toEqual(STALE);
      const writes = await Promise.all(
        ["a", "b", "c"].map((logId) =>
          runs.savePage(run, { ...page, items: [anItem({ logId })], version: 2 }),
        ),
      );
      expect(writes.filter(({ ok }) => ok)).toHaveLength(1);
    });

    it("holds a full page of the longest items", async () => {
      const { runs, clock } = open();
      const run = aRun(clock);
      const items = Array.from({ length: RUN_PAGE_SIZE }, () =>
        anItem({
          state: "ended",
          outcome: "failed",
          error: { code: "parked", message: "长".repeat(600) },
          mediaIds: Array.from({ length: 4 }, () => "1".repeat(20)),
        }),
      );
      expect(await runs.savePage(run, aPage(run, { items }))).toEqual(SAVED);
      expect((await runs.getPage(run.id, 0))?.items).toHaveLength(RUN_PAGE_SIZE);
    });

    it("is listed as due from its wakeAt on, until it has ended", async () => {
      const { runs, clock, listDue } = open();
      const wakeAt = new Date(clock.now().getTime() + 60_000);
      const run = aRun(clock, { wakeAt });
      await runs.save(run);
      const find = async (now: Date) => {
        const shards = Array.from({ length: WAKE_SHARDS }, (_, shard) => listDue(shard, now));
        return (await Promise.all(shards)).flat().filter((ref) => ref.kind === "run" && ref.id === run.id);
      };
      expect(await find(new Date(wakeAt.getTime() - 1))).toEqual([]);
      expect(await find(wakeAt)).toEqual([{ kind: "run", id: run.id, wakeAt }]);
      const { wakeAt: _, ...asleep } = run;
      await runs.save({ ...asleep, status: "ended", version: 2 });
      expect(await find(wakeAt)).toEqual([]);
    });

    it("forgets a run and its pages after 90 days, deleted or not", async () => {
      const { runs, clock } = open();
      const run = aRun(clock);
      await runs.save(run);
      await runs.savePage(run, aPage(run));
      clock.advance(TIMING.logRetentionMs - 1_000);
      expect(await runs.get(run.id)).toEqual(run);
      clock.advance(1_000);
      expect([await runs.get(run.id), await runs.getPage(run.id, 0)]).toEqual([undefined, undefined]);
    });
  });
}
