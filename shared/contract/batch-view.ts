import * as z from "zod";
import { type Batch, percentDone, totalOf } from "#shared/domain/batch.ts";
import { asBatchId } from "#shared/domain/ids.ts";
import { instantInWords } from "#shared/domain/words.ts";

export const batchPath = z.strictObject({
  id: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .transform(asBatchId),
});

const count = z.int().nonnegative();

/** A batch and where its tasks stand. The counts follow the tasks by seconds. */
export const batchView = z.strictObject({
  id: z.string(),
  name: z.string(),
  createdAt: z.iso.datetime(),
  total: count,
  counts: z.strictObject({
    /** Nobody works on them: they wait for their slot, or are held for a person. */
    pending: count,
    processing: count,
    /** Published, failed, missed or cancelled. */
    done: count,
  }),
  /** Whole percent, rounded down. */
  percentDone: z.int().min(0).max(100),
});

export const toBatchView = ({ id, name, createdAt, counts }: Batch): z.output<typeof batchView> => ({
  id,
  name,
  createdAt: instantInWords(createdAt),
  total: totalOf(counts),
  counts: { ...counts },
  percentDone: percentDone(counts),
});
