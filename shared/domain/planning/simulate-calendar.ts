/**
 * A dry run: what becomes of everything that a project has planned for the coming days, and of drafts besides. A pure
 * function of what is known now. Drafts come with the slots that they would get, and with what is in their way there.
 */
import { inactiveAccount, type Project } from "../account.ts";
import { QUARTER_LIMIT } from "../gate.ts";
import type { AccountId } from "../ids.ts";
import { threadMs } from "../policy.ts";
import { MAX_COUNTED, tidyText, weightedLength } from "../post-text.ts";
import type { Reason } from "../reason.ts";
import { dueAt, MAX_PARTS, type Task } from "../task.ts";
import { type Conflict, findConflicts } from "./conflicts.ts";
import { forecastQuota, type QuotaForecast } from "./forecast.ts";
import { dateOf, localDays } from "./hours.ts";
import type { Occupied } from "./plan.ts";
import { quotaOf } from "./quota.ts";
import {
  costLeft,
  monthOf,
  type SimulatedFate,
  type Simulation,
  type Standing,
  simulatePosting,
} from "./simulate-posting.ts";

const DAY_MS = 86_400_000;
/** Posts that are further away than this are in nobody's way. */
const REACH_MS = DAY_MS + threadMs(MAX_PARTS);

/**
 * - `goes-out`: at its slot, and nothing is to be said about it.
 * - `warns`: at its slot, and there is something to be said: see `conflicts`.
 * - `moves`: at another instant, by itself: see `reasons`.
 * - `stops`: not at all, unless somebody does something: see `reasons`.
 */
export const SIMULATED_OUTCOMES = ["goes-out", "warns", "moves", "stops"] as const;
export type SimulatedOutcome = (typeof SIMULATED_OUTCOMES)[number];

export interface SimulatedDraft {
  readonly task: Task;
  readonly conflicts: readonly Conflict[];
}

export interface CalendarState {
  readonly now: Date;
  /** Of the project; today is the first. */
  readonly days: number;
  readonly project: Pick<Project, "id" | "timeZone" | "policy">;
  readonly accounts: readonly Standing[];
  /** Of these accounts, in any order, from 24 hours before `now` on. */
  readonly tasks: readonly Task[];
  readonly drafts: readonly SimulatedDraft[];
  /** What takes a place in the calendars: of the tasks and the drafts. */
  readonly occupied: ReadonlyMap<AccountId, readonly Occupied[]>;
  /** What X charged the project for so far, by month (UTC, `YYYY-MM`), in millionths of a US dollar. */
  readonly spentMicros: ReadonlyMap<string, number>;
}

export interface SimulatedPost {
  readonly id: string;
  readonly isDraft: boolean;
  /** Of an open pool the one that will probably be chosen. */
  readonly accountId: AccountId;
  readonly slotAt: Date;
  readonly outcome: SimulatedOutcome;
  /** When it goes out. */
  readonly at?: Date;
  /** It goes out later than what is simulated, and not before this. */
  readonly notBeforeAt?: Date;
  /** What it waits for, or what stops it. */
  readonly reasons: readonly Reason[];
  /** Of stored tasks: without suggestions, and without what their texts and media repeat, which was checked when they came. */
  readonly conflicts: readonly Conflict[];
  /** Of the parts that are not out yet, in millionths of a US dollar. */
  readonly costMicros: number;
}

export interface DayOfQuota {
  /** `YYYY-MM-DD`, of the project. */
  readonly date: string;
  /** That go out on it; parts of threads count. */
  readonly posts: number;
  /** Of the 24 hours that run when the day ends, counted from their first post. */
  readonly used: number;
  /** Absent: the project has no daily maximum. */
  readonly limit?: number;
}

export interface SimulatedAccount {
  readonly id: AccountId;
  /** Absent: it does not exist any more. */
  readonly name?: string;
  /** What keeps it from posting. */
  readonly problems: readonly Reason[];
  readonly posts: number;
  readonly days: readonly DayOfQuota[];
  /** At the pace of the day that is running. Absent: nothing is limited. */
  readonly forecast?: QuotaForecast;
}

export interface MonthOfSpend {
  /** `YYYY-MM`, in UTC. */
  readonly month: string;
  readonly spentMicros: number;
  /** By what goes out in what is simulated. */
  readonly plannedMicros: number;
  /** Absent: the project has no budget. */
  readonly budgetMicros?: number;
}

export interface CalendarReport {
  /** End of the last day. */
  readonly until: Date;
  /** By slot. */
  readonly posts: readonly SimulatedPost[];
  readonly accounts: readonly SimulatedAccount[];
  readonly counts: Readonly<Record<SimulatedOutcome, number>>;
  readonly costMicros: number;
  readonly months: readonly MonthOfSpend[];
  /** The first post that a month's budget has no room for, and when. */
  readonly beyondBudget?: { readonly id: string; readonly at: Date };
}

/** End of the days that are simulated. */
export const endOfDays = (now: Date, days: number, timeZone: string): Date => {
  const zone = localDays(timeZone);
  return new Date(zone.startOf(zone.dayOf(now.getTime()) + days));
};

const isWaiting = ({ status, heldFor }: Task): boolean =>
  status === "pending" ||
  status === "preparing" ||
  status === "ready" ||
  status === "retrying" ||
  // It goes on by itself when its account does.
  (status === "held" && heldFor === "account");

/** The same input gives the same report, in whatever order the tasks and accounts come. */
export function simulateCalendar(state: CalendarState): CalendarReport {
  const { now, days, project, tasks, drafts, spentMicros } = state;
  const { policy = {}, timeZone } = project;
  const until = endOfDays(now, days, timeZone);
  const accounts = state.accounts.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const conflictsOfDrafts = new Map(drafts.map(({ task, conflicts }) => [task, conflicts]));
  const waiting = tasks.filter((task) => isWaiting(task));
  const own = [
    ...waiting.filter(({ projectId }) => projectId === project.id),
    ...conflictsOfDrafts.keys(),
  ].toSorted(bySlot);
  const others = waiting.filter(({ projectId }) => projectId !== project.id);
  const simulation = simulatePosting({ own, others }, accounts, {
    now,
    until,
    policy,
    timeZone,
    spentMicros,
  });

  const find = openConflicts(state, accounts);
  const posts = own.flatMap((task): SimulatedPost[] => {
    const ofDraft = conflictsOfDrafts.get(task);
    const conflicts = find(task, ofDraft);
    const simulated = simulation.fates.get(task.id);
    if (!simulated) throw new RangeError(`nothing became of ${task.id}`);
    return ofDraft || dueAt(task) < until
      ? [toPost(task, simulated, conflicts, ofDraft !== undefined, now)]
      : [];
  });

  const counts: Record<SimulatedOutcome, number> = { "goes-out": 0, warns: 0, moves: 0, stops: 0 };
  for (const { outcome } of posts) counts[outcome] += 1;
  const budget = policy.monthlyBudgetMicros;
  const months = [...new Set([monthOf(now), ...spentMicros.keys(), ...simulation.chargedMicros.keys()])];
  return {
    until,
    posts,
    accounts: accounts.map((standing) => toAccount(standing, simulation, state)),
    counts,
    costMicros: [...simulation.chargedMicros.values()].reduce((sum, micros) => sum + micros, 0),
    months: months.toSorted().map((month) => ({
      month,
      spentMicros: spentMicros.get(month) ?? 0,
      plannedMicros: simulation.chargedMicros.get(month) ?? 0,
      ...(budget !== undefined && { budgetMicros: budget }),
    })),
    ...(simulation.beyondBudget && { beyondBudget: simulation.beyondBudget }),
  };
}

const bySlot = (a: Task, b: Task): number =>
  dueAt(a).getTime() - dueAt(b).getTime() || (a.id < b.id ? -1 : 1);

/**
 * Conflicts of tasks by slot. Each account's calendar is in order, and a task looks at its neighbourhood only; of that, no
 * more than a limit allows, since more would say nothing new.
 */
function openConflicts(
  { now, project, occupied, spentMicros }: CalendarState,
  accounts: readonly Standing[],
): (task: Task, known: readonly Conflict[] | undefined) => readonly Conflict[] {
  const { policy = {}, timeZone } = project;
  const standings = new Map(accounts.map((standing) => [standing.id, standing]));
  const most = Math.max(QUARTER_LIMIT, policy.dailyMax ?? 0) + 1;
  const calendars = new Map(
    [...occupied].map(([id, slots]) => [
      id,
      slots.toSorted((a, b) => a.at.getTime() - b.at.getTime() || (a.id < b.id ? -1 : 1)),
    ]),
  );
  const spent = new Map(spentMicros);

  return (task, known) => {
    const slotAt = dueAt(task);
    const at = slotAt > now ? slotAt : now;
    const month = monthOf(at);
    const before = spent.get(month) ?? 0;
    const costMicros = costLeft(task);
    spent.set(month, before + costMicros);
    const standing = standings.get(task.accountId);
    if (known || !standing) return known ?? [];
    const { id, accountId, pool, latePolicy, override, partCount, posted } = task;
    const draft = {
      id,
      accountId,
      slotAt,
      costMicros,
      latePolicy,
      partCount: partCount - posted.length,
      ...(pool && { pool }),
      ...(override && { override }),
    };
    return findConflicts(draft, {
      now,
      policy,
      timeZone,
      account: standing.account,
      gate: standing.gate,
      occupied: around(calendars.get(accountId) ?? [], at.getTime(), most),
      similar: [],
      sameMedia: [],
      spentMicros: before,
      suggest: () => [],
    });
  };
}

/** Slots within reach of an instant; on each side at most so many, the nearest. @param slots - in order */
function around(slots: readonly Occupied[], atMs: number, most: number): readonly Occupied[] {
  const middle = firstFrom(slots, atMs);
  return slots.slice(
    Math.max(firstFrom(slots, atMs - REACH_MS), middle - most),
    // The task itself is one of them.
    Math.min(firstFrom(slots, atMs + REACH_MS), middle + most + 1),
  );
}

/** Index of the first slot at this instant or later. */
function firstFrom(slots: readonly Occupied[], atMs: number): number {
  let [low, high] = [0, slots.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((slots[middle]?.at.getTime() ?? 0) < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function toPost(
  task: Task,
  { fate, waits }: SimulatedFate,
  conflicts: readonly Conflict[],
  isDraft: boolean,
  now: Date,
): SimulatedPost {
  const slotAt = dueAt(task);
  const shared = { id: task.id, isDraft, slotAt, conflicts, costMicros: costLeft(task) };
  switch (fate.kind) {
    case "goes-out": {
      const isInTime = fate.at <= slotAt || fate.at <= now;
      const outcome = isInTime ? (conflicts.length > 0 ? "warns" : "goes-out") : "moves";
      return { ...shared, accountId: fate.accountId, at: fate.at, outcome, reasons: waits };
    }
    case "later":
      return {
        ...shared,
        accountId: task.accountId,
        notBeforeAt: fate.from,
        outcome: "moves",
        reasons: waits,
      };
    case "stops":
      return { ...shared, accountId: task.accountId, outcome: "stops", reasons: [...waits, fate.reason] };
  }
}

function toAccount(
  { id, account, gate }: Standing,
  simulation: Simulation,
  { now, project: { policy = {} } }: CalendarState,
): SimulatedAccount {
  const days = (simulation.days.get(id) ?? []).map(({ day, posts, used }) => ({
    date: dateOf(day),
    posts,
    used,
    ...(policy.dailyMax !== undefined && { limit: policy.dailyMax }),
  }));
  const quota = quotaOf(gate, policy, now);
  const isActive = account?.status === "active";
  return {
    id,
    ...(account && { name: account.name }),
    problems: isActive ? [] : [inactiveAccount(account).reason],
    posts: days.reduce((sum, { posts }) => sum + posts, 0),
    days,
    ...(quota && { forecast: forecastQuota(quota, now) }),
  };
}

/** A part of a post that X would not take. In weighted characters. */
export interface TextExcess {
  /** From 0. */
  readonly part: number;
  readonly length: number;
  readonly limit: number;
  readonly excess: number;
}

/** Every part that is too long, as `checkPost` counts. */
export const findExcesses = (texts: readonly string[], limit: number): readonly TextExcess[] =>
  texts.flatMap((raw, part) => {
    const text = tidyText(raw);
    const length = text.length > Math.max(MAX_COUNTED, limit) ? text.length : weightedLength(text);
    return length > limit ? [{ part, length, limit, excess: length - limit }] : [];
  });
