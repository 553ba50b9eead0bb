import type { Run, RunId, RunPage } from "#shared/domain/run.ts";
import type { Result } from "#shared/result.ts";

/**
 * Batch runs and their items, for 90 days from their creation. An open run is listed by `TaskStore.listDue` from its
 * `wakeAt` on. Passes `test/contracts/run-store.ts`.
 */
export interface RunStore {
  get(id: RunId): Promise<Run | undefined>;
  /** Replaces the run whose version is one less (version 1: none). */
  save(next: Run): Promise<Result<void, { readonly reason: "stale" }>>;
  getPage(id: RunId, index: number): Promise<RunPage | undefined>;
  /** Replaces the page whose version is one less (version 1: none). */
  savePage(run: Run, next: RunPage): Promise<Result<void, { readonly reason: "stale" }>>;
}
