import * as z from "zod";
import {
  CONFLICT_CODES,
  type Conflict,
  MAX_COLLISIONS,
  MAX_SUGGESTIONS,
} from "#shared/domain/planning/conflicts.ts";
import type { Task } from "#shared/domain/task.ts";
import { instantInWords } from "#shared/domain/words.ts";

/** A way out: a free slot of the account, or something to change. */
const suggestionView = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("slot"),
    accountId: z.string(),
    at: z.iso.datetime(),
    /** Why this one. */
    message: z.string(),
  }),
  z.strictObject({ kind: z.literal("fix"), message: z.string() }),
]);

export const conflictView = z.strictObject({
  code: z.enum(CONFLICT_CODES),
  /** `blocks`: it would break a rule, or be refused. `warns`: it goes out, but later or less well than meant. */
  severity: z.enum(["blocks", "warns"]),
  message: z.string(),
  remedy: z.string(),
  /** Other posts that it collides with, nearest first. None: it collides with a rule. */
  with: z
    .array(
      z.strictObject({
        /** Of a task. */
        id: z.string(),
        at: z.iso.datetime().optional(),
        /** Of the texts, estimated, in [0, 1]. */
        similarity: z.number().min(0).max(1).optional(),
        /** Name of the file that both have. */
        medium: z.string().optional(),
      }),
    )
    .max(MAX_COLLISIONS),
  /** From this instant on it is not in the way any more. */
  until: z.iso.datetime().optional(),
  /** Best first. */
  suggestions: z.array(suggestionView).max(MAX_SUGGESTIONS),
});

/** What is in the way of a task at its slot: what blocks comes first. */
export const conflictsView = z.strictObject({
  taskId: z.ulid(),
  slotAt: z.iso.datetime(),
  conflicts: z.array(conflictView),
});

export const toConflictView = (conflict: Conflict): z.output<typeof conflictView> => ({
  code: conflict.code,
  severity: conflict.severity,
  message: conflict.message,
  remedy: conflict.remedy,
  with: conflict.with.map(({ id, at, similarity, medium }) => ({
    id,
    ...(at && { at: instantInWords(at) }),
    ...(similarity !== undefined && { similarity: Number(similarity.toFixed(2)) }),
    ...(medium !== undefined && { medium }),
  })),
  ...(conflict.until && { until: instantInWords(conflict.until) }),
  suggestions: conflict.suggestions.map((suggestion) =>
    suggestion.kind === "slot" ? { ...suggestion, at: instantInWords(suggestion.at) } : { ...suggestion },
  ),
});

export const toConflictsView = (
  { id, slotAt }: Pick<Task, "id" | "slotAt">,
  conflicts: readonly Conflict[],
): z.output<typeof conflictsView> => ({
  taskId: id,
  slotAt: instantInWords(slotAt),
  conflicts: conflicts.map(toConflictView),
});
