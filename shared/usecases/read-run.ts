import type { OwnerId } from "#shared/domain/ids.ts";
import { type Run, type RunId, type RunItem, type RunSummary, sumUp } from "#shared/domain/run.ts";
import type { RunStore } from "#shared/ports/run-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

export interface ReadRunDeps {
  readonly runs: Pick<RunStore, "get" | "getPage">;
}

export interface ShownRun {
  readonly run: Run;
  readonly summary: RunSummary;
  readonly items: readonly RunItem[];
  /** Index of the next page of items; absent on the last one. */
  readonly next?: number;
}

export type ReadRunRefusal = { readonly reason: "not-found" } | { readonly reason: "bad-page" };

/** @param page - of its items, from 0. Another owner's run is refused like one that does not exist. */
export type ReadRun = (
  ownerId: OwnerId,
  id: RunId,
  page: number,
) => Promise<Result<ShownRun, ReadRunRefusal>>;

export function createReadRun({ runs }: ReadRunDeps): ReadRun {
  return async (ownerId, id, page) => {
    const run = await runs.get(id);
    if (run?.ownerId !== ownerId) return err({ reason: "not-found" });
    // Before it has started, a run has no page, and its first one is empty.
    if (page > 0 && page >= run.pages) return err({ reason: "bad-page" });
    const found = run.pages > 0 ? await runs.getPage(id, page) : undefined;
    return ok({
      run,
      summary: sumUp(run),
      items: found?.items ?? [],
      ...(page + 1 < run.pages && { next: page + 1 }),
    });
  };
}
