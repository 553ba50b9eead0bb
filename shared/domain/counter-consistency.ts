/** Counters that many accounts share, against the posts of their period. */
import { type Disagreement, FRESH_MS, type LogSummary } from "./consistency.ts";
import type { OwnerId, ProjectId } from "./ids.ts";
import { dueAt, isActive, isInFlight, type Task } from "./task.ts";
import { TIMING } from "./timing.ts";

/** The period of a shared counter: a day of the app, or a month of a project. Both in UTC. */
export type CounterPeriod =
  | { readonly kind: "app-day"; readonly day: string }
  | {
      readonly kind: "project-spend";
      readonly ownerId: OwnerId;
      readonly projectId: ProjectId;
      readonly month: string;
    };

/** A share is taken for the instant at which its request is due; X's own time of a post that was read back may differ by this. */
const EDGE_MS = 5 * 60_000;
/** Nobody takes from a period that ended this long ago. */
const CLOSED_MS = 3_600_000;

export function boundsOf(period: CounterPeriod): { readonly startAt: Date; readonly endAt: Date } {
  if (period.kind === "app-day") {
    const startAt = new Date(`${period.day}T00:00:00.000Z`);
    return { startAt, endAt: new Date(startAt.getTime() + 86_400_000) };
  }
  const startAt = new Date(`${period.month}-01T00:00:00.000Z`);
  return { startAt, endAt: new Date(Date.UTC(startAt.getUTCFullYear(), startAt.getUTCMonth() + 1, 1)) };
}

/** Days and months that something of the task counts for. */
export function periodsOf(task: Task): readonly CounterPeriod[] {
  const { ownerId, projectId } = task;
  return task.posted.flatMap(({ sentAt }): CounterPeriod[] => {
    const iso = sentAt.toISOString();
    return [
      { kind: "app-day", day: iso.slice(0, 10) },
      { kind: "project-spend", ownerId, projectId, month: iso.slice(0, 7) },
    ];
  });
}

export const nameOfPeriod = (period: CounterPeriod): string =>
  period.kind === "app-day" ? `app ${period.day}` : `project ${period.projectId} ${period.month}`;

/** Units that one part of the task takes. */
const unitsOf = (period: CounterPeriod, { costMicros, partCount }: Task): number =>
  period.kind === "app-day" ? 1 : Math.ceil(costMicros / partCount);

export interface CountedLife {
  readonly task: Task;
  readonly log: LogSummary;
}

export interface CounterFacts {
  /** Units of posts that count for this period and for no other. */
  readonly certain: number;
  /** Those, and all that may count for it: near its edges, on their way, given up on. */
  readonly possible: number;
  /** Nobody can be holding a share that is neither posted nor on its way. Otherwise a surplus says nothing. */
  readonly isQuiet: boolean;
}

/** @param lives - all tasks; those of other projects are left out where they do not count */
export function countFacts(period: CounterPeriod, lives: Iterable<CountedLife>, now: Date): CounterFacts {
  const { startAt, endAt } = boundsOf(period);
  const from = startAt.getTime();
  const to = endAt.getTime();
  const isClosed = now.getTime() > to + CLOSED_MS;
  let certain = 0;
  let possible = 0;
  let isQuiet = true;
  for (const { task, log } of lives) {
    if (period.kind === "project-spend" && task.projectId !== period.projectId) continue;
    const units = unitsOf(period, task);
    const add = (at: Date, laterMs = 0) => {
      const ms = at.getTime();
      if (ms >= from - EDGE_MS && ms < to + EDGE_MS + laterMs) possible += units;
    };
    for (const { sentAt } of task.posted) {
      const ms = sentAt.getTime();
      if (ms >= from + EDGE_MS && ms < to - EDGE_MS) certain += units;
      add(sentAt);
    }
    if (isInFlight(task.status)) add(task.sharesAt ?? task.startedAt ?? task.updatedAt);
    for (const at of log.writtenOff) add(at, TIMING.reconcile.giveUpMs);
    if (!isClosed && mayHoldShare(task, now)) isQuiet = false;
  }
  return { certain, possible, isQuiet };
}

/** A publisher takes its share up to a function's life before the intent, and gives it back up to one after the answer. */
function mayHoldShare(task: Task, now: Date): boolean {
  if (now.getTime() - task.updatedAt.getTime() < FRESH_MS) return true;
  const isWaiting = isActive(task.status) && !isInFlight(task.status);
  return isWaiting && dueAt(task).getTime() <= now.getTime() + FRESH_MS;
}

export interface CounterDisagreement extends Disagreement {
  /** What has to be added; negative: given back. */
  readonly missing: number;
}

/**
 * A counter may say more than the facts (whoever died in between left it taken), never less. More is shown only when it
 * is certain: a publisher that waits for its second has taken its share, and nothing shows it yet.
 *
 * @param used - read after the tasks for `certain`, before them for `possible`
 */
export function compareCounter(
  period: CounterPeriod,
  used: number,
  { certain, possible, isQuiet }: CounterFacts,
): CounterDisagreement | undefined {
  const about = { kind: "counter", id: nameOfPeriod(period) } as const;
  const unit = period.kind === "app-day" ? "posts" : "millionths of a dollar";
  if (used < certain)
    return {
      code: "counter-below",
      severity: "severe",
      about,
      message: `It says ${used} ${unit}, and ${certain} are known: its limit could be passed.`,
      remedy: "Let it be repaired: npm run admin -- check --repair.",
      repair: "add what is missing",
      missing: certain - used,
    };
  if (used > possible && isQuiet)
    return {
      code: "counter-above",
      severity: "degraded",
      about,
      message: `It says ${used} ${unit}, and ${possible} are known: a publisher died with its share.`,
      remedy: "Let it be repaired: npm run admin -- check --repair.",
      repair: "give back what is too much",
      missing: possible - used,
    };
  return undefined;
}
