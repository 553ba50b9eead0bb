import type { Project } from "#shared/domain/account.ts";
import type { OwnerId, RecurrenceId, TaskId } from "#shared/domain/ids.ts";
import { rulesOf } from "#shared/domain/planning/rules.ts";
import type { Reason } from "#shared/domain/reason.ts";
import { type LocalTime, localTimeOf } from "#shared/domain/recurrence/local-time.ts";
import {
  findRepeat,
  HORIZON_MS,
  listWishes,
  MAX_MOVE_MS,
  type Wish,
} from "#shared/domain/recurrence/recurrence.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { RecurrenceStore, StoredRecurrence } from "#shared/ports/recurrence-store.ts";

/** Coming occurrences that are shown. */
const SHOWN = 10;
const DAY_MS = 86_400_000;
/** Looked through one after the other, until there is enough to show. */
const LOOK_AHEAD_MS = [HORIZON_MS, 100 * DAY_MS, 5 * 366 * DAY_MS];

/** An occurrence that is to be posted. */
export interface ComingOccurrence {
  readonly occurrence: LocalTime;
  readonly publishAt: Date;
  /** Absent: it is too far ahead. */
  readonly taskId?: TaskId;
}

/** A recurrence with everything that a person wants to see of it. */
export interface ShownRecurrence extends StoredRecurrence {
  /** Names, as people know them. */
  readonly project: string;
  readonly account: string;
  readonly coming: readonly ComingOccurrence[];
  /** What may go wrong with it although it is taken. */
  readonly warnings: readonly Reason[];
}

export interface ShowRecurrenceDeps {
  readonly recurrences: Pick<RecurrenceStore, "get" | "listInstances">;
  readonly accounts: Pick<AccountStore, "getAccount" | "getProject">;
  readonly clock: Pick<Clock, "now">;
}

/** A recurrence of this owner. Another owner's, and a deleted one, is the same as one that does not exist. */
export async function readOwnRecurrence(
  recurrences: Pick<RecurrenceStore, "get">,
  ownerId: OwnerId,
  id: RecurrenceId,
): Promise<StoredRecurrence | undefined> {
  const stored = await recurrences.get(id);
  return stored?.recurrence.ownerId === ownerId && stored.recurrence.status !== "deleted"
    ? stored
    : undefined;
}

export async function showRecurrence(
  { recurrences, accounts, clock }: ShowRecurrenceDeps,
  stored: StoredRecurrence,
): Promise<ShownRecurrence> {
  const { recurrence, content } = stored;
  const now = clock.now();
  const from = new Date(now.getTime() - MAX_MOVE_MS - DAY_MS);
  const [project, account, instances] = await Promise.all([
    accounts.getProject(recurrence.projectId),
    accounts.getAccount(recurrence.accountId),
    recurrences.listInstances(recurrence.id, localTimeOf(from, recurrence.schedule.timeZone)),
  ]);
  const tasks = new Map(
    instances.filter(({ wish }) => wish === "post").map((instance) => [instance.local, instance.taskId]),
  );
  const look = (aheadMs: number): readonly Wish[] =>
    listWishes(recurrence, content, { after: now, until: new Date(now.getTime() + aheadMs) });
  let coming: readonly Wish[] = [];
  if (recurrence.status === "active")
    for (const aheadMs of LOOK_AHEAD_MS) {
      coming = look(aheadMs);
      if (coming.length >= SHOWN) break;
    }
  return {
    ...stored,
    project: project?.name ?? recurrence.projectId,
    account: account?.name ?? recurrence.accountId,
    coming: coming.slice(0, SHOWN).map(({ occurrence, publishAt }) => {
      const taskId = tasks.get(occurrence.local);
      return { occurrence: occurrence.local, publishAt, ...(taskId && { taskId }) };
    }),
    warnings: warningsOf(project, look),
  };
}

function warningsOf(
  project: Project | undefined,
  look: (aheadMs: number) => readonly Wish[],
): readonly Reason[] {
  const { windowMs } = rulesOf(project?.policy).duplicates;
  if (windowMs === 0) return [];
  // Two equal texts that are too near show within one window from the first that comes: rules go round within a year.
  const repeat = findRepeat(look(windowMs + HORIZON_MS), windowMs);
  return repeat ? [repeat] : [];
}
