import type { DynamoDBBatchResponse } from "aws-lambda";
import * as z from "zod";
import { runBatch } from "#functions/middleware/record-batch.ts";
import type { FunctionLogger } from "#functions/middleware/task-messages.ts";
import { asProjectId, asTaskId } from "#shared/domain/ids.ts";
import type { ChangedDrop, RelayOutcome, RelayReport } from "#shared/usecases/relay-outcome.ts";

/** Outcomes written at the same time; each takes a few small reads and one write. */
const CONCURRENCY = 10;

export interface RelayEventsHandlerDeps {
  readonly relayOutcome: RelayOutcome;
  readonly logger: FunctionLogger;
}

const text = z.object({ S: z.string() });
const number = z.object({ N: z.string().transform(Number) });

const streamEvent = z.object({
  Records: z.array(
    z.object({
      dynamodb: z.object({
        SequenceNumber: z.string(),
        /** Absent: the item was deleted. */
        NewImage: z.record(z.string(), z.unknown()).optional(),
      }),
    }),
  ),
});

/** Attributes as the stream has them. Items are named by `entity`; everything else is read from the table. */
const dropImage = z.object({
  entity: z.object({ S: z.literal("drop") }),
  project: text,
  base: text,
  version: number,
});
const taskImage = z.object({
  entity: z.object({ S: z.literal("task") }),
  id: text,
  version: number,
  projectId: text,
  source: z.object({ M: z.object({ kind: z.object({ S: z.literal("drop") }), base: text }) }),
});

/** Undefined: a task that no file asked for, or another item. */
function changedDrop(image: unknown): ChangedDrop | undefined {
  const drop = dropImage.safeParse(image);
  if (drop.success) {
    const { project, base, version } = drop.data;
    return { project: project.S, base: base.S, version: version.N };
  }
  const task = taskImage.safeParse(image);
  if (!task.success) return undefined;
  const { projectId, source, id, version } = task.data;
  return {
    projectId: asProjectId(projectId.S),
    base: source.M.base.S,
    taskId: asTaskId(id.S),
    version: version.N,
  };
}

const keyOf = (changed: ChangedDrop): string =>
  JSON.stringify(["project" in changed ? changed.project : [changed.projectId], changed.base]);

/** Takes changes from the table's stream and brings outcome files up to date. */
export const createHandler =
  ({ relayOutcome, logger }: RelayEventsHandlerDeps) =>
  async (event: unknown): Promise<DynamoDBBatchResponse> => {
    const records = streamEvent.parse(event).Records.flatMap(({ dynamodb }) => {
      const changed = changedDrop(dynamodb.NewImage);
      return changed ? [{ id: dynamodb.SequenceNumber, changed, key: keyOf(changed) }] : [];
    });
    const newest = new Map(records.map(({ key, changed }) => [key, changed]));
    const counts: Record<RelayReport, number> = { written: 0, superseded: 0, nothing: 0 };
    const done = new Map<string, RelayReport>();
    const { batchItemFailures } = await runBatch(
      records,
      { idOf: ({ id }) => id, groupOf: ({ key }) => key, concurrency: CONCURRENCY, logger },
      async ({ changed, key }) => {
        // What is read is the state of now, so one look serves all changes of the batch.
        if (done.has(key)) return;
        const report = await relayOutcome(newest.get(key) ?? changed);
        done.set(key, report);
        counts[report]++;
      },
    );
    logger.info("outcomes relayed", { records: records.length, ...counts });
    return { batchItemFailures: [...batchItemFailures] };
  };
