import * as z from "zod";
import { asRunId, type Run, type RunItem, type RunSummary } from "#shared/domain/run.ts";
import { TASK_STATUSES } from "#shared/domain/task.ts";
import { instantInWords } from "#shared/domain/words.ts";
import { cursorField, nextField } from "./paging.ts";

export const runPath = z.strictObject({ id: z.ulid().transform(asRunId) });

export const readRunQuery = z.strictObject({
  cursor: cursorField.transform(Number).optional(),
});

/** A run that was noted. Nothing is published inside the request. */
export const runAccepted = z.strictObject({
  runId: z.ulid(),
  /** Where the run is read. */
  href: z.string(),
});

const count = z.int().nonnegative();

export const runItemView = z.strictObject({
  taskId: z.ulid(),
  /** `waiting` for capacity, `open` at the publishers, or how it ended. */
  outcome: z.enum(["waiting", "open", "succeeded", "failed", "errored", "skipped"]),
  /** Of the task, when it was looked at last. */
  status: z.enum(TASK_STATUSES),
  /** Newest entry of the task's log when the item ended: its `at` and `attemptId`, with `#` between them. */
  logId: z.string().optional(),
  /** The platform's ids of its media. */
  mediaIds: z.array(z.string()),
  /** Why it did not succeed. */
  error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  handedAt: z.iso.datetime().optional(),
  durationMs: count.optional(),
});

/** A run, with up to 100 of its items, in the order in which they were found. */
export const runView = z.strictObject({
  id: z.ulid(),
  status: z.enum(["queued", "running", "ended"]),
  /** Nothing failed and nothing errored. Absent until it has ended. */
  success: z.boolean().optional(),
  message: z.string(),
  total: count,
  succeeded: count,
  /** By a rule, by the platform, or held for a person. */
  failed: count,
  /** By a fault of ours. */
  errored: count,
  /** Not due any more, taken by others, parked, or not ended in time. */
  skipped: count,
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime().optional(),
  durationMs: count.optional(),
  /** Mean time of an item, from the hand-over to its last change. */
  averageMs: count.optional(),
  items: z.array(runItemView),
  next: nextField,
});

const itemView = ({
  taskId,
  state,
  outcome,
  status,
  logId,
  mediaIds,
  error,
  handedAt,
  durationMs,
}: RunItem): z.output<typeof runItemView> => ({
  taskId,
  outcome: outcome ?? (state === "open" ? "open" : "waiting"),
  status,
  ...(logId !== undefined && { logId }),
  mediaIds: [...mediaIds],
  ...(error && { error: { ...error } }),
  ...(handedAt && { handedAt: instantInWords(handedAt) }),
  ...(durationMs !== undefined && { durationMs }),
});

/** What it takes to show a run. */
interface ShownRun {
  readonly run: Run;
  readonly summary: RunSummary;
  readonly items: readonly RunItem[];
  readonly next?: number;
}

export const toRunView = ({
  run: { id, status, total, counts, createdAt, startedAt, endedAt },
  summary,
  items,
  next,
}: ShownRun): z.output<typeof runView> => ({
  id,
  status,
  ...summary,
  total,
  ...counts,
  createdAt: instantInWords(createdAt),
  ...(startedAt && { startedAt: instantInWords(startedAt) }),
  ...(endedAt && { endedAt: instantInWords(endedAt) }),
  items: items.map(itemView),
  ...(next !== undefined && { next: String(next) }),
});
