import type { DynamoDBBatchResponse } from "aws-lambda";
import * as z from "zod";
import { runBatch } from "#functions/middleware/record-batch.ts";
import type { FunctionLogger } from "#functions/middleware/task-messages.ts";
import type { StoredChange } from "#shared/domain/measures.ts";
import type { AnnounceChange, AnnouncedChange } from "#shared/usecases/announce-change.ts";
import type { CountBatch } from "#shared/usecases/count-batch.ts";
import type { CountChanges } from "#shared/usecases/count-totals.ts";
import type { RecordMeasures } from "#shared/usecases/record-measures.ts";
import type { ChangedDrop, RelayOutcome, RelayReport } from "#shared/usecases/relay-outcome.ts";
import { announcedChange, changedDrop, countedTask, type Images, storedChange } from "./images.ts";

/** Outcomes written at the same time; each takes a few small reads and one write. */
const CONCURRENCY = 10;

export interface RelayEventsHandlerDeps {
  readonly relayOutcome: RelayOutcome;
  readonly countBatch: CountBatch;
  readonly announceChange: AnnounceChange;
  readonly recordMeasures: RecordMeasures;
  readonly countChanges: CountChanges;
  readonly logger: FunctionLogger;
}

/** Absent: there was none, or there is none any more. */
const image = z.unknown().optional();

const streamEvent = z.object({
  Records: z.array(
    z.object({
      dynamodb: z
        .object({
          SequenceNumber: z.string(),
          /** Seconds. */
          ApproximateCreationDateTime: z.number(),
          NewImage: image,
          OldImage: image,
        })
        .transform(({ SequenceNumber, ApproximateCreationDateTime, NewImage, OldImage }) => ({
          id: SequenceNumber,
          at: new Date(ApproximateCreationDateTime * 1_000),
          images: { before: OldImage, after: NewImage } satisfies Images,
        })),
    }),
  ),
});

const keyOf = (changed: ChangedDrop): string =>
  JSON.stringify([
    "project" in changed ? changed.project : [changed.projectId, changed.folder ?? ""],
    changed.base,
  ]);

/**
 * Takes changes from the table's stream, brings outcome files and the counts of batches up to date, hands what happened
 * to webhooks, and measures it.
 *
 * The stream delivers everything from the first failure on again, so only what came before it is measured now. What
 * is given up on with a failure is not measured; an invocation that dies after its lines were written is measured twice.
 */
export const createHandler =
  ({
    relayOutcome,
    countBatch,
    announceChange,
    recordMeasures,
    countChanges,
    logger,
  }: RelayEventsHandlerDeps) =>
  async (event: unknown): Promise<DynamoDBBatchResponse> => {
    const records = streamEvent.parse(event).Records.map(({ dynamodb }) => dynamodb);
    const told = records.flatMap(({ id, images }) => {
      const changed = changedDrop(images);
      return changed ? [{ id, changed, key: keyOf(changed) }] : [];
    });
    const newest = new Map(told.map(({ key, changed }) => [key, changed]));
    const counts: Record<RelayReport, number> = { written: 0, superseded: 0, nothing: 0 };
    const done = new Map<string, RelayReport>();
    const { batchItemFailures } = await runBatch(
      told,
      { idOf: ({ id }) => id, groupOf: ({ key }) => key, concurrency: CONCURRENCY, logger },
      async ({ changed, key }) => {
        // What is read is the state of now, so one look serves all changes of the batch.
        if (done.has(key)) return;
        const report = await relayOutcome(newest.get(key) ?? changed);
        done.set(key, report);
        counts[report]++;
      },
    );
    const counted = records.flatMap(({ id, images }) => {
      const task = countedTask(images);
      return task ? [{ id, ...task }] : [];
    });
    const byBatch = Map.groupBy(counted, ({ batchId }) => batchId);
    const ofBatches = await runBatch(
      [...byBatch].map(([batchId, tasks]) => ({ batchId, tasks })),
      { idOf: ({ batchId }) => batchId, groupOf: ({ batchId }) => batchId, concurrency: CONCURRENCY, logger },
      async ({ batchId, tasks }) => {
        const changes = tasks.map(({ change }) => change);
        await countBatch(batchId, changes);
      },
    );
    const news = records.flatMap(({ id, at, images }) => {
      const change = announceable(id, at, images);
      return change ? [{ id, change }] : [];
    });
    let announced = 0;
    const ofWebhooks = await runBatch(
      news,
      { idOf: ({ id }) => id, groupOf: ({ change }) => change.after.id, concurrency: CONCURRENCY, logger },
      async ({ change }) => {
        announced += await announceChange(change);
      },
    );
    const uncounted = new Set(ofBatches.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const failed = new Set([
      ...batchItemFailures.map(({ itemIdentifier }) => itemIdentifier),
      ...ofWebhooks.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier),
      ...counted.filter(({ batchId }) => uncounted.has(batchId)).map(({ id }) => id),
    ]);
    const firstFailed = records.findIndex(({ id }) => failed.has(id));
    const settled = firstFailed < 0 ? records : records.slice(0, firstFailed);
    const changes = settled.flatMap(({ id, images }) => measurable(id, images) ?? []);
    const observations = recordMeasures(changes);
    try {
      await countChanges(changes);
    } catch (error) {
      logger.error("what happened was not counted", { code: "internal", error });
    }
    logger.info("outcomes relayed", { records: told.length, ...counts, announced, observations });
    const inOrder = records.filter(({ id }) => failed.has(id));
    return { batchItemFailures: inOrder.map(({ id }) => ({ itemIdentifier: id })) };

    /** A figure that is missing must not keep outcomes from being told. */
    function measurable(id: string, images: Images): StoredChange | undefined {
      try {
        return storedChange(images);
      } catch (error) {
        logger.error("an item could not be measured", { id, code: "internal", error });
        return undefined;
      }
    }

    /** Nor must an item that has not its shape keep others from being announced. */
    function announceable(id: string, at: Date, images: Images): AnnouncedChange | undefined {
      try {
        return announcedChange(images, at);
      } catch (error) {
        logger.error("a change could not be announced", { id, code: "internal", error });
        return undefined;
      }
    }
  };
