/**
 * What is measured, and how it follows from what was written to the table. An observation says what happened once; the
 * names here are those of the metrics.
 */
import { type Gate, QUARTER_LIMIT } from "./gate.ts";
import type { TaskId } from "./ids.ts";
import type { LogEntry } from "./log-entry.ts";
import type { Task } from "./task.ts";

/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html */
export type MeasureUnit = "Milliseconds" | "Count" | "Percent";

export interface Measure {
  readonly unit: MeasureUnit;
  /**
   * Fact whose every value is a metric of its own, at $0.30 a month: only one with few values known beforehand.
   * Users, accounts and tasks are facts of the line and never this.
   */
  readonly by?: "class";
}

const DEFINED = {
  AcceptToFirstPost: { unit: "Milliseconds" },
  WaitTime: { unit: "Milliseconds" },
  Lateness: { unit: "Milliseconds" },
  CompletionTime: { unit: "Milliseconds" },
  Posts: { unit: "Count" },
  DeliveryDelay: { unit: "Milliseconds" },
  IntentTime: { unit: "Milliseconds" },
  CallTime: { unit: "Milliseconds" },
  TransferTime: { unit: "Milliseconds" },
  ProcessingTime: { unit: "Milliseconds" },
  Failures: { unit: "Count", by: "class" },
  AccountUtilisation: { unit: "Percent" },
  TasksWithoutProgress: { unit: "Count" },
} as const satisfies Readonly<Record<string, Measure>>;

export type MeasureName = keyof typeof DEFINED;

/** Every metric there is, each explained in `docs/operations.md`. */
export const MEASURES: Readonly<Record<MeasureName, Measure>> = DEFINED;

/** What to look a value up by. No text of a post. */
export type Facts = Readonly<Record<string, string | number | Readonly<Record<string, number>>>>;

export interface Observation {
  /** When it happened, not when it was noticed. */
  readonly at: Date;
  readonly values: Readonly<Partial<Record<MeasureName, number>>>;
  readonly facts: Facts;
}

export type MeasuredTask = Pick<
  Task,
  | "id"
  | "ownerId"
  | "projectId"
  | "accountId"
  | "status"
  | "createdAt"
  | "slotAt"
  | "excusedUntil"
  | "sentAt"
  | "posted"
  | "partCount"
>;
export type MeasuredAttempt = Omit<LogEntry, "message"> & { readonly taskId: TaskId };
export type MeasuredGate = Pick<Gate, "accountId" | "quarter"> & {
  readonly reservations: readonly Pick<Gate["reservations"][number], "at">[];
};

/** One write to the table. `before` is absent when the item is new. */
export type StoredChange =
  | { readonly kind: "task"; readonly before?: MeasuredTask; readonly after: MeasuredTask }
  | { readonly kind: "attempt"; readonly after: MeasuredAttempt }
  | { readonly kind: "gate"; readonly before?: MeasuredGate; readonly after: MeasuredGate };

/** Undefined: nothing that is measured happened. */
export function observe(change: StoredChange): Observation | undefined {
  switch (change.kind) {
    case "task":
      return observeTask(change.after, change.before);
    case "attempt":
      return observeAttempt(change.after);
    case "gate":
      return observeGate(change.after, change.before);
  }
}

/** Named in the line, so that somebody can look at them; the others have the same trouble. */
const NAMED = 10;

/** For whoever looks through all tasks. Undefined: none stands still, and that is not worth a line a minute. */
export const observeStandstill = (tasks: readonly TaskId[], at: Date): Observation | undefined =>
  tasks.length === 0
    ? undefined
    : {
        at,
        values: { TasksWithoutProgress: tasks.length },
        facts: { taskIds: tasks.slice(0, NAMED).join(" ") },
      };

/** Parts that went out, and what the first and the last of them tell. A negative lateness is a bug, and is shown as one. */
function observeTask(after: MeasuredTask, before: MeasuredTask | undefined): Observation | undefined {
  const { id, ownerId, projectId, accountId, status, createdAt, slotAt, excusedUntil, sentAt, posted } =
    after;
  const posts = posted.length - (before?.posted.length ?? 0);
  const newest = posted.at(-1);
  if (!newest || posts <= 0) return undefined;

  const wantedAt = Math.max(slotAt.getTime(), createdAt.getTime());
  const first = before?.sentAt ? undefined : sentAt?.getTime();
  return {
    at: newest.sentAt,
    values: {
      Posts: posts,
      ...(first !== undefined && {
        WaitTime: first - wantedAt,
        Lateness: first - Math.max(slotAt.getTime(), excusedUntil?.getTime() ?? 0),
        ...(slotAt <= createdAt && { AcceptToFirstPost: first - createdAt.getTime() }),
      }),
      ...(status === "published" && { CompletionTime: newest.sentAt.getTime() - wantedAt }),
    },
    facts: { taskId: id, ownerId, projectId, accountId, parts: after.partCount },
  };
}

/** Phases with a metric of their own; all others are facts of the line. */
const MEASURED_PHASES = {
  intentMs: "IntentTime",
  callMs: "CallTime",
  transferMs: "TransferTime",
  statusMs: "ProcessingTime",
} as const satisfies Readonly<Record<string, MeasureName>>;

function observeAttempt(after: MeasuredAttempt): Observation | undefined {
  const { at, taskId, attemptId, step, via, status, class: failure, code, phases = {} } = after;
  const values: Partial<Record<MeasureName, number>> = {};
  if (failure !== undefined) values.Failures = 1;
  for (const [phase, name] of Object.entries(MEASURED_PHASES)) {
    const ms = phases[phase];
    if (ms !== undefined) values[name] = ms;
  }
  const delayMs = deliveryDelayMs(phases);
  if (delayMs !== undefined) values.DeliveryDelay = delayMs;
  if (Object.keys(values).length === 0) return undefined;
  return {
    at,
    values,
    facts: {
      taskId,
      attemptId,
      step,
      status,
      phases,
      ...(via && { via }),
      ...(failure && { class: failure }),
      ...(code && { code }),
    },
  };
}

/** How long after the due second the publisher was woken, in ms; 0 when it was there before, as it should be. */
function deliveryDelayMs({ latenessMs, waitedMs, intentMs }: Readonly<Record<string, number>>) {
  if (latenessMs === undefined || waitedMs === undefined || intentMs === undefined) return undefined;
  return Math.max(0, latenessMs - waitedMs - intentMs);
}

/** The share of X's own quota that the account has used or reserved, each time that it takes more. */
function observeGate(after: MeasuredGate, before: MeasuredGate | undefined): Observation | undefined {
  const { accountId, quarter, reservations } = after;
  if (!quarter) return undefined;
  const isSameWindow = before?.quarter?.startAt.getTime() === quarter.startAt.getTime();
  if (quarter.used <= (isSameWindow ? (before?.quarter?.used ?? 0) : 0)) return undefined;
  return {
    at: new Date(Math.max(quarter.startAt.getTime(), ...reservations.map(({ at }) => at.getTime()))),
    values: { AccountUtilisation: (100 * quarter.used) / QUARTER_LIMIT },
    facts: { accountId, used: quarter.used },
  };
}
