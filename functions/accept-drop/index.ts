/** Composition root of the drop folder's intake: the one file here that reads the environment and makes clients. */
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createSqsIntakeQueue } from "#shared/adapters/dispatch/intake-queue.ts";
import { createAwsTaskDispatch } from "#shared/adapters/dispatch/task-dispatch.ts";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoBatchStore } from "#shared/adapters/dynamodb/batch-store.ts";
import { createDynamoDropStore } from "#shared/adapters/dynamodb/drop-store.ts";
import { createDynamoFingerprintStore } from "#shared/adapters/dynamodb/fingerprint-store.ts";
import { createDynamoMediumStore } from "#shared/adapters/dynamodb/medium-store.ts";
import { createDynamoRecurrenceStore } from "#shared/adapters/dynamodb/recurrence-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { mediaInspector } from "#shared/adapters/media-inspection/media-inspector.ts";
import { createS3DropFolder } from "#shared/adapters/s3/drop-folder.ts";
import { createS3MediaBucket } from "#shared/adapters/s3/media-bucket.ts";
import { createS3MediaSource } from "#shared/adapters/s3/media-source.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { shareReads } from "#shared/adapters/system/share-reads.ts";
import { arrangementLimits, dispatchTargets } from "#shared/config/arrangement.ts";
import { loadConfig } from "#shared/config/load-config.ts";
import { createAcceptDrop } from "#shared/usecases/accept-drop.ts";
import { createAcceptUpload } from "#shared/usecases/accept-upload.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createExpandRecurrence } from "#shared/usecases/expand-recurrence.ts";
import { createInspectMedia } from "#shared/usecases/inspect-media.ts";
import { createKeepRecurrence } from "#shared/usecases/keep-recurrence.ts";
import { createPlacePost } from "#shared/usecases/place-post.ts";
import { createPlanSlot } from "#shared/usecases/plan-slot.ts";
import { configSchema } from "./config.ts";
import { createHandler } from "./handler.ts";

const config = loadConfig(configSchema, process.env);
const logger = new Logger();
const documents = DynamoDBDocumentClient.from(new DynamoDBClient(AWS_CLIENT));
const table = { documents, tableName: config.TABLE_NAME };
const sqs = new SQSClient(AWS_CLIENT);
const bucket = { s3: new S3Client(AWS_CLIENT), bucket: config.BUCKET_NAME };
const accounts = createDynamoAccountStore({ ...table, clock, entropy });
const tasks = createDynamoTaskStore({ ...table, clock, entropy });

const dispatch = createAwsTaskDispatch({
  scheduler: new SchedulerClient(AWS_CLIENT),
  sqs,
  clock,
  ...dispatchTargets(config),
});
const arrange = createArrangeTask({
  tasks,
  clock,
  dispatch,
  limits: arrangementLimits(config),
});
const recurrences = createDynamoRecurrenceStore({ ...table, clock, entropy });
const reportLater = (error: unknown): void => logger.error("left to the hourly expansion", { error });
const expand = createExpandRecurrence({
  recurrences,
  tasks,
  dispatch,
  arrange,
  clock,
  entropy,
  report: reportLater,
});

const inspect = createInspectMedia({ source: createS3MediaSource(bucket), inspector: mediaInspector });

export const handler = createHandler({
  clock,
  logger,
  acceptUpload: createAcceptUpload({
    media: createDynamoMediumStore({ ...table, clock, entropy }),
    inspect,
    bucket: createS3MediaBucket(bucket),
    clock,
  }),
  acceptDrop: createAcceptDrop({
    tasks,
    drops: createDynamoDropStore({ ...table, entropy }),
    // The files of a batch are looked at side by side, and most are of one project.
    accounts: {
      ...accounts,
      getSource: shareReads(accounts.getSource),
      getProject: shareReads(accounts.getProject),
      getAccount: shareReads(accounts.getAccount),
    },
    batches: createDynamoBatchStore({ ...table, clock, entropy }),
    folder: createS3DropFolder(bucket),
    intake: createSqsIntakeQueue({ sqs, queueUrl: config.INTAKE_QUEUE_URL }),
    inspect,
    placePost: createPlacePost({
      tasks,
      planSlot: createPlanSlot({ tasks, accounts, clock }),
      fingerprints: createDynamoFingerprintStore({ ...table, clock, entropy }),
      arrange,
      clock,
      entropy,
      report: (error, taskId) => logger.error("a task could not be arranged yet", { taskId, error }),
    }),
    keepRecurrence: createKeepRecurrence({ recurrences, expand, clock, report: reportLater }),
    clock,
    entropy,
    settleMs: config.SETTLE_SECONDS * 1_000,
  }),
});
