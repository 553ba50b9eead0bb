import * as z from "zod";
import { FAILURE_CLASSES } from "#shared/domain/failure.ts";
import { LOG_STEPS, type LogEntry } from "#shared/domain/log-entry.ts";
import { TASK_STATUSES } from "#shared/domain/task.ts";
import { instantInWords } from "#shared/domain/words.ts";
import { cursorField, limitField, nextField } from "./paging.ts";
import { taskAnswer } from "./task-answer.ts";

/** What one attempt did. Oldest first in a log; kept for 90 days. */
export const logEntryView = z.strictObject({
  at: z.iso.datetime(),
  /** Entries of one attempt share it. */
  attemptId: z.string(),
  step: z.enum(LOG_STEPS),
  via: z.enum(["scheduler", "queue"]).optional(),
  /** The state it left the task in. */
  status: z.enum(TASK_STATUSES),
  class: z.enum([...FAILURE_CLASSES, "unknown"]).optional(),
  code: z.string().optional(),
  message: z.string().optional(),
  /** Durations by name, in ms. */
  phases: z.record(z.string(), z.number()).optional(),
  /** The platform's id of what was made. */
  externalId: z.string().optional(),
});

/** A task with its log. */
export const taskDetail = z.strictObject({ ...taskAnswer.shape, log: z.array(logEntryView) });

/** Query of `GET …/log`. */
export const readTaskLogQuery = z.strictObject({ limit: limitField, cursor: cursorField.optional() });

/** Oldest first. */
export const taskLogPage = z.strictObject({ items: z.array(logEntryView), next: nextField });

export const toLogEntryView = ({ at, phases, ...entry }: LogEntry): z.output<typeof logEntryView> => ({
  at: instantInWords(at),
  ...entry,
  ...(phases && { phases: { ...phases } }),
});
