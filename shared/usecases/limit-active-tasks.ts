import type { OwnerId } from "#shared/domain/ids.ts";
import { isFinal, TASK_STATUSES } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { PoolCounts } from "#shared/ports/pool-counts.ts";
import type { ServiceSettings } from "#shared/ports/service-settings.ts";
import { err } from "#shared/result.ts";
import type { CreateTask } from "./create-task.ts";
import { inGroups } from "./list-pool.ts";

/** A count costs reads for every task that it counts, so it is kept, */
const COUNT_KEPT_MS = 60_000;
/** and made anew sooner only where it says no: so often at most, however many are refused. */
const RECOUNT_MS = 5_000;
/** Counts made side by side. */
const AT_ONCE = 12;
/** Owners whose counts are kept. */
const MAX_OWNERS = 1_000;

const NOT_ENDED = TASK_STATUSES.filter((status) => !isFinal(status));

export interface LimitActiveTasksDeps {
  readonly createTask: CreateTask;
  readonly accounts: Pick<AccountStore, "listProjects">;
  readonly counts: PoolCounts;
  readonly settings: ServiceSettings;
  readonly clock: Pick<Clock, "now">;
}

interface Known {
  countedAt: Date;
  counted: Promise<number>;
  /** Made here since it was counted. */
  made: number;
  /** Being made here. */
  pending: number;
}

/**
 * Creates no task for an owner who has as many that have not ended as the setting `activeTasksPerOwner` says. What other
 * processes make within the minute that a count is kept is not seen: by so many the limit may be passed.
 */
export function limitActiveTasks({
  createTask,
  accounts,
  counts,
  settings,
  clock,
}: LimitActiveTasksDeps): CreateTask {
  const owners = new Map<OwnerId, Known>();

  async function countNow(ownerId: OwnerId): Promise<number> {
    const projects = await accounts.listProjects(ownerId);
    const wanted = projects.flatMap(({ id }) => NOT_ENDED.map((status) => ({ id, status })));
    const counted = await inGroups(wanted, AT_ONCE, ({ id, status }) => counts.count(id, status));
    return counted.reduce((sum, { count }) => sum + count, 0);
  }

  /** The count of the owner, at most this old. */
  function known(ownerId: OwnerId, maxAgeMs: number): Known {
    const now = clock.now();
    const before = owners.get(ownerId);
    if (before && now.getTime() - before.countedAt.getTime() < maxAgeMs) return before;
    const next = before ?? { countedAt: now, counted: Promise.resolve(0), made: 0, pending: 0 };
    const counted = countNow(ownerId);
    // One that failed is not kept; whoever asked for it is told.
    counted.catch(() => {
      if (owners.get(ownerId)?.counted === counted) owners.delete(ownerId);
    });
    Object.assign(next, { countedAt: now, counted, made: 0 });
    owners.delete(ownerId);
    owners.set(ownerId, next);
    // The one that was counted longest ago.
    const [oldest] = owners.keys();
    if (owners.size > MAX_OWNERS && oldest !== undefined) owners.delete(oldest);
    return next;
  }

  return async (wanted) => {
    const { ownerId } = wanted;
    const { activeTasksPerOwner: most } = await settings.current();
    let owner = known(ownerId, COUNT_KEPT_MS);
    const isFull = (counted: number) => counted + owner.made + owner.pending >= most;
    if (isFull(await owner.counted)) {
      owner = known(ownerId, RECOUNT_MS);
      if (isFull(await owner.counted)) return err({ reason: "too-many-active-tasks", most });
    }
    // Between the decision and this nobody else decides.
    owner.pending++;
    try {
      const created = await createTask(wanted);
      if (created.ok) owner.made++;
      return created;
    } finally {
      owner.pending--;
    }
  };
}
