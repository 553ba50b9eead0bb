/**
 * Lets planned posts go out one after the other, by the rules that publishers go by, and tells what becomes of each. X is
 * taken to answer well and at once, and nobody to change anything meanwhile.
 */
import { err, ok, type Result } from "#shared/result.ts";
import { type Account, inactiveAccount } from "../account.ts";
import { type PoolCandidate, type PoolWish, poolWait, rankAccounts } from "../account-pool.ts";
import { confirm, decideGate, type Gate, reserve } from "../gate.ts";
import { type AccountId, asAttemptId } from "../ids.ts";
import { decidePolicy, MAX_PARKINGS, type Parking, parking, TOO_MANY_PARKINGS, threadMs } from "../policy.ts";
import type { Reason } from "../reason.ts";
import { decideLate, dueAt, lateReason, mayChooseAgain, type Task } from "../task.ts";
import { localDays } from "./hours.ts";
import type { Policy } from "./rules.ts";

const DAY_MS = 86_400_000;
/** Of the intents that are only imagined. */
const SIMULATED = asAttemptId("simulated");

export interface Standing {
  readonly id: AccountId;
  /** Absent: it does not exist any more. */
  readonly account: Account | undefined;
  readonly gate: Gate;
}

export interface PostingRules {
  readonly now: Date;
  /** Nothing that has to wait is followed for longer. A post whose slot is later is looked at once. */
  readonly until: Date;
  readonly policy: Policy;
  /** IANA name of the project's zone. */
  readonly timeZone: string;
  /** What X charged the project for so far, by month (UTC, `YYYY-MM`), in millionths of a US dollar. */
  readonly spentMicros: ReadonlyMap<string, number>;
}

/** `later`: it waits, and not only until the end of what is simulated. `stops`: somebody has to do something. */
export type Fate =
  | { readonly kind: "goes-out"; readonly accountId: AccountId; readonly at: Date }
  | { readonly kind: "later"; readonly from: Date }
  | { readonly kind: "stops"; readonly reason: Reason };

export interface SimulatedFate {
  readonly fate: Fate;
  /** What it had to wait for, in this order; of each kind the last time. */
  readonly waits: readonly Reason[];
}

/** One day of an account. */
export interface DayOfAccount {
  /** Of the project: days since 1970-01-01. */
  readonly day: number;
  /** Parts that go out on it. */
  readonly posts: number;
  /** Of the quota of 24 hours that is running when the day ends. */
  readonly used: number;
}

export interface Simulation {
  readonly fates: ReadonlyMap<string, SimulatedFate>;
  readonly days: ReadonlyMap<AccountId, readonly DayOfAccount[]>;
  /** What the project is charged besides, by month. */
  readonly chargedMicros: ReadonlyMap<string, number>;
  /** The first post that the month's budget has no room for, and when. */
  readonly beyondBudget?: { readonly id: string; readonly at: Date };
}

export interface SimulatedTasks {
  /** May be sent; of the project whose rules are given. */
  readonly own: readonly Task[];
  /** Of other projects, which share the accounts: taken to go out when they are due. */
  readonly others: readonly Task[];
}

/** A post on its way. */
interface Pending {
  readonly task: Task;
  readonly isOther: boolean;
  readonly waits: Map<string, Reason>;
  /** Where ties of one instant are decided: urgent ones first, then the earlier slot, then the id. */
  readonly order: string;
  dueMs: number;
  /** The wait until then was known beforehand: it does not count as late. */
  excusedMs: number;
  parkings: number;
}

interface AccountState {
  readonly standing: Standing;
  /**
   * Posts that wait for the interval of the account, all for the same instant: only the first of them tries then, since its
   * success is what the others wait for next. Otherwise each post of a full calendar would try after every other.
   */
  readonly line: Queue<Pending>;
  /** When that is, and why. */
  opensMs: number;
  whyLine: Reason | undefined;
  gate: Gate;
  readonly days: DayOfAccount[];
  /** The day that is not over yet, and what went out on it. */
  day: number;
  posts: number;
}

type Step =
  | { readonly kind: "go-out"; readonly state: AccountState; readonly costMicros: number }
  /** `line`: in which it waits with others. */
  | { readonly kind: "park"; readonly parking: Parking; readonly line?: AccountState }
  /** Its account holds it until then. */
  | { readonly kind: "pause"; readonly until: Date; readonly reason: Reason }
  | { readonly kind: "stop"; readonly reason: Reason };

/** @param parkings - waits of unknown length so far */
function parkOrStop(parking: Parking, parkings: number): Step {
  // Nobody knows when somebody lifts a freeze.
  if (parking.code === "frozen") return { kind: "stop", reason: parking.reason };
  return !parking.known && parkings >= MAX_PARKINGS
    ? { kind: "stop", reason: TOO_MANY_PARKINGS }
    : { kind: "park", parking };
}

/** Somebody's turn to try. Of a line it is void when that opens at another instant meanwhile. */
interface Turn extends Queued {
  readonly who: Pending | AccountState;
}

const turnOf = (who: Pending): Turn => ({ dueMs: who.dueMs, order: who.order, who });

/** Permuting the tasks changes nothing. */
export function simulatePosting(
  { own, others }: SimulatedTasks,
  standings: readonly Standing[],
  { now, until, policy, timeZone, spentMicros }: PostingRules,
): Simulation {
  const days = localDays(timeZone);
  const firstDay = days.dayOf(now.getTime());
  const states = new Map(
    standings.map((standing): [AccountId, AccountState] => [
      standing.id,
      {
        standing,
        line: openQueue<Pending>([]),
        opensMs: 0,
        whyLine: undefined,
        gate: standing.gate,
        days: [],
        day: firstDay,
        posts: 0,
      },
    ]),
  );
  const fates = new Map<string, SimulatedFate>();
  const charged = new Map<string, number>();
  let beyondBudget: Simulation["beyondBudget"];

  const pendingOf = (task: Task, isOther: boolean): Pending => ({
    task,
    isOther,
    waits: new Map(),
    order: `${String(task.priority).padStart(2, "0")}#${task.slotAt.toISOString()}#${task.id}`,
    dueMs: Math.max(now.getTime(), dueAt(task).getTime()),
    excusedMs: task.excusedUntil?.getTime() ?? 0,
    parkings: task.parkings,
  });
  const queue = openQueue<Turn>([
    ...own.map((task) => turnOf(pendingOf(task, false))),
    ...others.map((task) => turnOf(pendingOf(task, true))),
  ]);

  function settle({ task, waits, isOther }: Pending, fate: Fate): void {
    if (!isOther) fates.set(task.id, { fate, waits: [...waits.values()] });
  }

  function waitUntil(pending: Pending, untilMs: number, reason: Reason): void {
    pending.waits.delete(reason.code);
    pending.waits.set(reason.code, reason);
    pending.dueMs = untilMs;
    if (untilMs > Math.max(until.getTime(), pending.task.slotAt.getTime()))
      settle(pending, { kind: "later", from: new Date(untilMs) });
    else queue.push(turnOf(pending));
  }

  function joinLine(pending: Pending, state: AccountState, { until: end, reason }: Parking): void {
    state.opensMs = end.getTime();
    state.whyLine = reason;
    // In a line only the order counts.
    pending.dueMs = 0;
    state.line.push(pending);
    callLine(state);
  }

  function callLine(state: AccountState): void {
    if (state.opensMs > until.getTime())
      for (let next = leaveLine(state); next; next = leaveLine(state))
        settle(next, { kind: "later", from: new Date(state.opensMs) });
    const first = state.line.first();
    if (first) queue.push({ dueMs: state.opensMs, order: first.order, who: state });
  }

  function leaveLine(state: AccountState): Pending | undefined {
    const { opensMs, whyLine } = state;
    const pending = state.line.pop();
    if (!pending || !whyLine) return undefined;
    pending.waits.delete(whyLine.code);
    pending.waits.set(whyLine.code, whyLine);
    pending.excusedMs = Math.max(pending.excusedMs, opensMs);
    pending.dueMs = opensMs;
    return pending;
  }

  function park(pending: Pending, { until: end, known, reason }: Parking): void {
    if (known) pending.excusedMs = Math.max(pending.excusedMs, end.getTime());
    else pending.parkings += 1;
    waitUntil(pending, end.getTime(), reason);
  }

  const isActive = ({ account }: Standing, at: Date): boolean =>
    account?.status === "active" ||
    (account?.status === "paused" && account.pausedUntil !== undefined && account.pausedUntil <= at);

  const candidates = (at: Date): readonly PoolCandidate[] =>
    [...states.values()].flatMap(({ standing, gate }) =>
      standing.account && isActive(standing, at)
        ? [{ account: { id: standing.id, status: "active" }, gate }]
        : [],
    );

  /** Notes the ends of the days that are over. */
  function closeDays(state: AccountState, atMs: number): void {
    for (let endMs = days.startOf(state.day + 1); endMs <= atMs; endMs = days.startOf(state.day + 1)) {
      const { day } = state.gate;
      const used = day && endMs < day.startAt.getTime() + DAY_MS ? day.used : 0;
      state.days.push({ day: state.day, posts: state.posts, used });
      state.day += 1;
      state.posts = 0;
    }
  }

  function goOut(pending: Pending, state: AccountState, at: Date, units: number): void {
    const { task } = pending;
    closeDays(state, at.getTime());
    const wish = { taskId: task.id, now: at, units, policy };
    let gate = reserve(state.gate, { ...wish, attemptId: SIMULATED, ownerId: task.ownerId });
    for (let part = 1; part <= units; part++)
      gate = confirm(gate, {
        taskId: task.id,
        at: new Date(at.getTime() + threadMs(part)),
        postId: task.id,
        isLast: part === units,
      });
    state.gate = gate;
    state.posts += units;
    settle(pending, { kind: "goes-out", accountId: state.standing.id, at });
  }

  /** What leaves its account open is chosen for; what was chosen for may be chosen for again. */
  function stateFor(task: Task, wish: PoolWish): Result<AccountState | undefined, Parking> {
    const named = states.get(task.accountId);
    const isOpen = task.pool === "open" || (mayChooseAgain(task) && named && decideGate(named.gate, wish));
    if (!isOpen) return ok(named);
    const found = candidates(wish.now);
    const [best] = rankAccounts(found, wish);
    return best ? ok(states.get(best.accountId)) : err(poolWait(found, wish));
  }

  /** What a publisher would do with it at this instant. */
  function decide({ task, excusedMs, parkings }: Pending, at: Date, units: number): Step {
    const late = decideLate({ ...task, excusedUntil: new Date(excusedMs) }, at);
    if (late !== "in-time")
      return { kind: "stop", reason: lateReason(task, late === "hold" ? "held" : "missed") };

    const wish = { taskId: task.id, now: at, units, policy };
    const chosen = stateFor(task, wish);
    if (!chosen.ok) return parkOrStop(chosen.error, parkings);
    const state = chosen.value;
    if (!state || !isActive(state.standing, at)) {
      const account = state?.standing.account;
      const { reason } = inactiveAccount(account);
      return account?.status === "paused" && account.pausedUntil
        ? { kind: "pause", until: account.pausedUntil, reason }
        : { kind: "stop", reason };
    }
    const barred = decidePolicy(policy, timeZone, at, units, task.override) ?? decideGate(state.gate, wish);
    if (barred?.code === "too-close" && !task.pool) return { kind: "park", parking: barred, line: state };
    if (barred) return parkOrStop(barred, parkings);

    const costMicros = costLeft(task);
    const month = monthOf(at);
    const sumMicros = (spentMicros.get(month) ?? 0) + (charged.get(month) ?? 0) + costMicros;
    return sumMicros > (policy.monthlyBudgetMicros ?? Number.POSITIVE_INFINITY)
      ? { kind: "park", parking: parking("budget", startOfNextMonth(at), true, OVER_BUDGET) }
      : { kind: "go-out", state, costMicros };
  }

  function advance(pending: Pending): void {
    const { task, isOther } = pending;
    const at = new Date(pending.dueMs);
    const units = task.partCount - task.posted.length;
    if (isOther) {
      const state = states.get(task.accountId);
      if (state) goOut(pending, state, at, units);
      return;
    }
    const step = decide(pending, at, units);
    switch (step.kind) {
      case "go-out":
        charged.set(monthOf(at), (charged.get(monthOf(at)) ?? 0) + step.costMicros);
        goOut(pending, step.state, at, units);
        break;
      case "park":
        if (step.parking.code === "budget") beyondBudget ??= { id: task.id, at };
        if (step.line) joinLine(pending, step.line, step.parking);
        else park(pending, step.parking);
        break;
      case "pause":
        pending.parkings = 0;
        waitUntil(pending, step.until.getTime(), step.reason);
        break;
      case "stop":
        settle(pending, { kind: "stops", reason: step.reason });
        break;
    }
  }

  for (let turn = queue.pop(); turn; turn = queue.pop()) {
    const { who, dueMs } = turn;
    if ("task" in who) advance(who);
    else if (dueMs === who.opensMs) {
      const first = leaveLine(who);
      if (first) advance(first);
      callLine(who);
    }
  }
  for (const state of states.values()) closeDays(state, until.getTime());
  return {
    fates,
    days: new Map(
      [...states].map(([id, state]) => [
        id,
        state.days.filter(({ day }) => day < days.dayOf(until.getTime())),
      ]),
    ),
    chargedMicros: charged,
    ...(beyondBudget && { beyondBudget }),
  };
}

const OVER_BUDGET = "The project's budget for this month is used up by what X charges.";

/** What X charges for the parts that are not out yet, in millionths of a US dollar. */
export const costLeft = ({ costMicros, partCount, posted }: Task): number =>
  Math.ceil(costMicros / partCount) * (partCount - posted.length);

/** In UTC, as X bills. */
export const monthOf = (at: Date): string => at.toISOString().slice(0, 7);

const startOfNextMonth = (at: Date): Date => new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1));

interface Queued {
  readonly dueMs: number;
  /** Of those that are due at the same instant. */
  readonly order: string;
}

interface Queue<Item> {
  push(item: Item): void;
  /** The one that is due first. */
  first(): Item | undefined;
  pop(): Item | undefined;
}

/** A binary heap. */
function openQueue<Item extends Queued>(items: readonly Item[]): Queue<Item> {
  const isBefore = (a: Item, b: Item): boolean =>
    a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
  const heap = items.toSorted((a, b) => (isBefore(a, b) ? -1 : 1));
  const at = (index: number): Item | undefined => heap[index];

  return {
    push(item) {
      let index = heap.length;
      for (let parent = (index - 1) >> 1; index > 0; parent = (index - 1) >> 1) {
        const above = at(parent);
        if (!above || !isBefore(item, above)) break;
        heap[index] = above;
        index = parent;
      }
      heap[index] = item;
    },
    first: () => at(0),
    pop() {
      const first = at(0);
      const last = heap.pop();
      if (!first || !last || first === last) return first;
      let index = 0;
      for (;;) {
        const [left, right] = [at(2 * index + 1), at(2 * index + 2)];
        if (!left) break;
        const isRight = right !== undefined && isBefore(right, left);
        const below = isRight ? right : left;
        if (!isBefore(below, last)) break;
        heap[index] = below;
        index = 2 * index + (isRight ? 2 : 1);
      }
      heap[index] = last;
      return first;
    },
  };
}
