import type { Run, RunId, RunPage } from "#shared/domain/run.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { RunStore } from "#shared/ports/run-store.ts";
import { type DueRef, WAKE_SHARDS } from "#shared/ports/task-store.ts";
import { err, ok } from "#shared/result.ts";

export interface InMemoryRuns extends RunStore {
  /** What the `wake` index shows of runs, for a `listDue` that shows them too. */
  listDue(shard: number, now: Date): readonly DueRef[];
}

/** The same promises as the DynamoDB store, kept honest by the contract that both run. */
export function createInMemoryRuns(clock: Pick<Clock, "now">): InMemoryRuns {
  const runs = new Map<RunId, Run>();
  const pages = new Map<string, RunPage>();
  const keyOf = (id: RunId, index: number) => `${id}#${index}`;
  const isExpired = (id: RunId): boolean => {
    const createdAt = runs.get(id)?.createdAt.getTime();
    return createdAt !== undefined && createdAt + TIMING.logRetentionMs <= clock.now().getTime();
  };
  return {
    async get(id) {
      return isExpired(id) ? undefined : runs.get(id);
    },
    async save(next) {
      if ((runs.get(next.id)?.version ?? 0) !== next.version - 1) return err({ reason: "stale" });
      runs.set(next.id, next);
      return ok(undefined);
    },
    async getPage(id, index) {
      return isExpired(id) ? undefined : pages.get(keyOf(id, index));
    },
    async savePage(_, next) {
      const key = keyOf(next.runId, next.index);
      if ((pages.get(key)?.version ?? 0) !== next.version - 1) return err({ reason: "stale" });
      pages.set(key, next);
      return ok(undefined);
    },
    listDue: (shard, now) =>
      [...runs.values()].flatMap(({ id, wakeAt }) =>
        wakeAt && wakeAt <= now && (id.codePointAt(id.length - 1) ?? 0) % WAKE_SHARDS === shard
          ? [{ kind: "run" as const, id, wakeAt }]
          : [],
      ),
  };
}
