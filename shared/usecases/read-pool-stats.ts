import type { OwnerId } from "#shared/domain/ids.ts";
import { COUNTED_STATUSES, type PoolStats, sumPool } from "#shared/domain/publish-pool.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { PoolCounts } from "#shared/ports/pool-counts.ts";
import { ok, type Result } from "#shared/result.ts";
import type { UnknownProject } from "./find-project.ts";
import { findProjects, inGroups } from "./list-pool.ts";

export interface ReadPoolStatsDeps {
  readonly counts: PoolCounts;
  readonly accounts: AccountStore;
}

/** @param project - name of a project. Absent: all of the owner's */
export type ReadPoolStats = (
  ownerId: OwnerId,
  project?: string | undefined,
) => Promise<Result<PoolStats, UnknownProject>>;

/** Counts made side by side. */
const AT_ONCE = 12;

/** One bounded count for each project and status. */
export function createReadPoolStats({ counts, accounts }: ReadPoolStatsDeps): ReadPoolStats {
  return async (ownerId, name) => {
    const projects = await findProjects(accounts, ownerId, name);
    if (!projects.ok) return projects;
    const wanted = projects.value.flatMap(({ id }) => COUNTED_STATUSES.map((status) => ({ id, status })));
    return ok(sumPool(await inGroups(wanted, AT_ONCE, ({ id, status }) => counts.count(id, status))));
  };
}
