/** An account's gate against what its tasks say. */
import type { Disagreement } from "./consistency.ts";
import { type Gate, type GateWindow, giveBack, type Reservation, writeOff } from "./gate.ts";
import { asAttemptId } from "./ids.ts";
import { isActive, isInFlight, type Task } from "./task.ts";

/** Lengths of the gate's windows, in ms. */
const WINDOW_MS = { quarter: 15 * 60_000, day: 24 * 3_600_000 } as const;
const WINDOWS = ["quarter", "day"] as const;
type WindowName = (typeof WINDOWS)[number];
/** A post is at most this much later than its reservation: the call's freshness, and how far X's clock may be ahead. */
const SENT_AFTER_MS = 60_000;

export interface GateEvidence {
  readonly gate: Gate;
  /** Those of the account that posted, may be posting, or have a place; read while the gate stayed as it is. */
  readonly tasks: readonly Task[];
}

export interface GateComparison {
  readonly disagreements: readonly Disagreement[];
  /** The gate as it should be, one version on; absent when nothing disagrees. */
  readonly mended?: Gate;
}

/** A thread keeps its place from its first part to its last. */
const keepsPlace = (task: Task | undefined): boolean =>
  task !== undefined && (isInFlight(task.status) || (task.posted.length > 0 && isActive(task.status)));

/**
 * The place is free again. What the task posted from it stays counted; where nobody can tell what became of it, all of it
 * does: a window may say more than the facts, never less, and it ends by itself.
 */
function freed(gate: Gate, held: Reservation, task: Task | undefined): Gate {
  if (!task || task.inDoubtSince || task.status === "held") return writeOff(gate, held.taskId);
  const postedBefore = task.partCount - held.units;
  const used = Math.min(held.units, Math.max(held.used, task.posted.length - postedBefore));
  const corrected = gate.reservations.map((one) => (one === held ? { ...held, used } : one));
  return giveBack({ ...gate, reservations: corrected }, held.taskId);
}

const startOf = ({ startedAt, updatedAt }: Task): Date => startedAt ?? updatedAt;

/** @param gate - with its windows, in which the place is counted */
function placeOf(task: Task, gate: Gate): Reservation {
  const at = startOf(task);
  return {
    taskId: task.id,
    attemptId: task.attemptId ?? asAttemptId("unknown"),
    at,
    units: task.partCount - task.posted.length,
    used: 0,
    quarterAt: gate.quarter?.startAt ?? at,
    dayAt: gate.day?.startAt ?? at,
  };
}

/** Posts that were certainly reserved in the window, and what places in it have left. Posts near its start are left out. */
function factsIn(name: WindowName, { startAt }: GateWindow, gate: Gate, tasks: readonly Task[]): number {
  let facts = 0;
  for (const { units, used, quarterAt, dayAt } of gate.reservations) {
    const countedAt = name === "quarter" ? quarterAt : dayAt;
    if (countedAt.getTime() === startAt.getTime()) facts += units - used;
  }
  for (const { sentAt } of tasks.flatMap(({ posted }) => posted))
    if (sentAt.getTime() - SENT_AFTER_MS >= startAt.getTime()) facts++;
  return facts;
}

/** Where the gate has no window although something was posted or is on its way: as it would have begun. */
function withWindows(gate: Gate, tasks: readonly Task[], now: Date): Gate {
  const begun = tasks.flatMap((task) => [
    ...task.posted.map(({ sentAt }) => sentAt.getTime()),
    ...(isInFlight(task.status) ? [startOf(task).getTime()] : []),
  ]);
  let next = gate;
  for (const name of WINDOWS) {
    const first = Math.min(...begun.filter((at) => at + WINDOW_MS[name] > now.getTime()));
    if (!gate[name] && Number.isFinite(first))
      next = { ...next, [name]: { startAt: new Date(first - SENT_AFTER_MS), used: 0 } };
  }
  return next;
}

/** Compares both ways; the mended gate is never more generous than the facts. */
export function compareGate({ gate, tasks }: GateEvidence, now: Date): GateComparison {
  const about = { kind: "account", id: gate.accountId } as const;
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const disagreements: Disagreement[] = [];
  let mended = withWindows(gate, tasks, now);

  for (const held of gate.reservations) {
    const task = byId.get(held.taskId);
    if (keepsPlace(task)) continue;
    mended = freed(mended, held, task);
    disagreements.push({
      code: "place-leaked",
      severity: "degraded",
      about,
      message: `Its gate keeps a place for task ${held.taskId}, which is ${task?.status ?? "gone"}.`,
      remedy: "Let it be repaired: npm run admin -- check --repair.",
      repair: "give the place back",
    });
  }
  for (const task of tasks) {
    const hasPlace = gate.reservations.some(({ taskId }) => taskId === task.id);
    if (!isInFlight(task.status) || hasPlace) continue;
    mended = {
      ...mended,
      ownerId: mended.ownerId ?? task.ownerId,
      reservations: [...mended.reservations, placeOf(task, mended)],
    };
    disagreements.push({
      code: "place-missing",
      severity: "severe",
      about,
      message: `Task ${task.id} is ${task.status}, and the account's gate keeps no place for it: another post may come too close.`,
      remedy: "Let it be repaired: npm run admin -- check --repair.",
      repair: "keep a place for it",
    });
  }

  const newest = tasks
    .flatMap(({ posted }) => posted)
    .toSorted((a, b) => b.sentAt.getTime() - a.sentAt.getTime())[0];
  if (newest && (!gate.lastPostAt || newest.sentAt > gate.lastPostAt)) {
    mended = { ...mended, lastPostAt: newest.sentAt, lastPostId: newest.postId };
    disagreements.push({
      code: "last-post-behind",
      severity: "severe",
      about,
      message: `Its gate names ${gate.lastPostAt?.toISOString() ?? "no post"} as the last one, and ${newest.postId} went out at ${newest.sentAt.toISOString()}.`,
      remedy: "Let it be repaired: npm run admin -- check --repair.",
      repair: "name the newest post",
    });
  }

  for (const name of WINDOWS) {
    const window = mended[name];
    if (!window || window.startAt.getTime() + WINDOW_MS[name] <= now.getTime()) continue;
    const facts = factsIn(name, window, mended, tasks);
    if (window.used >= facts) continue;
    mended = { ...mended, [name]: { startAt: window.startAt, used: facts } };
    disagreements.push({
      code: "window-below",
      severity: "severe",
      about,
      message: `Its gate counts ${window.used} posts since ${window.startAt.toISOString()} (${name}), and there are ${facts}.`,
      remedy: "Let it be repaired: npm run admin -- check --repair.",
      repair: "count what is known",
    });
  }
  return disagreements.length === 0
    ? { disagreements }
    : { disagreements, mended: { ...mended, version: gate.version + 1 } };
}
