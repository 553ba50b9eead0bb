/** What a post takes of the counters that many accounts share: taken before the intent, given back with a definite no. */
import type { Project } from "#shared/domain/account.ts";
import { type Parking, parking } from "#shared/domain/policy.ts";
import type { Task } from "#shared/domain/task.ts";
import type { SharedCounter, SharedCounters } from "#shared/ports/shared-counters.ts";

/** Posts of one app in 24 hours. @see https://docs.x.com/x-api/fundamentals/rate-limits */
const APP_DAY_LIMIT = 10_000;

interface Share {
  readonly counter: SharedCounter;
  readonly units: number;
}

/** The shares of the task's next part, at the instant of its request. */
export function sharesOf(task: Task, at: Date): readonly [day: Share, month: Share] {
  const iso = at.toISOString();
  const { ownerId, projectId, costMicros, partCount } = task;
  return [
    { counter: { kind: "app-day", day: iso.slice(0, 10) }, units: 1 },
    {
      counter: { kind: "project-spend", ownerId, projectId, month: iso.slice(0, 7) },
      units: Math.ceil(costMicros / partCount),
    },
  ];
}

/** Whether shares of the one instant are those of the other, too: of UTC's day, and so of its month. */
export const isSameDay = (a: Date, b: Date): boolean =>
  a.toISOString().slice(0, 10) === b.toISOString().slice(0, 10);

const startOfNextDay = (at: Date): Date =>
  new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate() + 1));
const startOfNextMonth = (at: Date): Date => new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1));

/**
 * Takes both shares or none. A thread begins only if all its parts would fit: it must not stop in its middle for a month.
 *
 * @param at - when the request is due: the day and month that it counts for
 * @returns why it has to wait; undefined: taken
 */
export async function takeShares(
  counters: SharedCounters,
  task: Task,
  at: Date,
  { policy }: Pick<Project, "policy">,
): Promise<Parking | undefined> {
  const [day, month] = sharesOf(task, at);
  const partsAfter = task.partCount - task.posted.length - 1;
  if (!(await counters.take(day.counter, day.units, APP_DAY_LIMIT - partsAfter)))
    return parking(
      "no-quota",
      startOfNextDay(at),
      true,
      `X takes ${APP_DAY_LIMIT} posts a day of one app, and they are used up.`,
    );
  const budget = policy?.monthlyBudgetMicros ?? Number.MAX_SAFE_INTEGER;
  if (await counters.take(month.counter, month.units, budget - partsAfter * month.units)) return undefined;
  await counters.giveBack(day.counter, day.units);
  return parking(
    "budget",
    startOfNextMonth(at),
    true,
    "The project's budget for this month is used up by what X charges.",
  );
}

export async function returnShares(counters: SharedCounters, shares: readonly Share[]): Promise<void> {
  for (const { counter, units } of shares) await counters.giveBack(counter, units);
}
