import * as z from "zod";
import type { Batch } from "#shared/domain/batch.ts";
import type { RealtimeStatus } from "#shared/domain/realtime-status.ts";
import { TASK_STATUSES, type Task } from "#shared/domain/task.ts";
import { instantInWords } from "#shared/domain/words.ts";

const count = z.int().nonnegative();
const status = {
  total: count,
  sent: count,
  pending: count.meta({ description: "Still to be sent; what is held waits for a person." }),
  failed: count.meta({ description: "Not sent, and will not be: failed, missed or cancelled." }),
  waitMs: count
    .optional()
    .meta({ description: "Until the next one is due, in ms. Absent when nothing is due by itself." }),
  throughputPerMinute: z
    .number()
    .nonnegative()
    .optional()
    .meta({ description: "Sent in a minute since the first. Absent until there is something to tell." }),
  estimatedCompletionAt: z.iso.datetime().optional().meta({
    description: "When the last one will be out if nothing comes in between; of what is over, when it was.",
  }),
  lastActivityAt: z.iso.datetime(),
};

/** How far a post or a thread is: it counts parts. */
export const taskStatusView = z.strictObject({
  taskId: z.ulid(),
  status: z.enum(TASK_STATUSES),
  ...status,
});

/** How far a batch is: it counts posts. */
export const batchStatusView = z.strictObject({
  batchId: z.string(),
  name: z.string(),
  ...status,
  looked: count.meta({
    description: "Posts that were looked at, at most 500. Fewer than `total`: the figures are estimates.",
  }),
});

const shown = ({ perMinute, completionAt, lastActivityAt, ...counts }: RealtimeStatus) => ({
  ...counts,
  ...(perMinute !== undefined && { throughputPerMinute: Math.round(perMinute * 100) / 100 }),
  ...(completionAt && { estimatedCompletionAt: instantInWords(completionAt) }),
  lastActivityAt: instantInWords(lastActivityAt),
});

export const toTaskStatusView = (
  { id, status: state }: Pick<Task, "id" | "status">,
  realtime: RealtimeStatus,
): z.output<typeof taskStatusView> => ({ taskId: id, status: state, ...shown(realtime) });

export const toBatchStatusView = (
  { id, name }: Batch,
  realtime: RealtimeStatus,
  looked: number,
): z.output<typeof batchStatusView> => ({ batchId: id, name, ...shown(realtime), looked });
