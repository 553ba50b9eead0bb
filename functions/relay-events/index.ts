/** Composition root of what is told and measured from the stream: the one file here that reads the environment and makes clients. */
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createSqsWebhookQueue } from "#shared/adapters/dispatch/webhook-queue.ts";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoBatchStore } from "#shared/adapters/dynamodb/batch-store.ts";
import { createDynamoDropStore } from "#shared/adapters/dynamodb/drop-store.ts";
import { createDynamoSettingsStore } from "#shared/adapters/dynamodb/settings-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { createDynamoTotalsStore } from "#shared/adapters/dynamodb/totals-store.ts";
import { createDynamoWebhookStore } from "#shared/adapters/dynamodb/webhook-store.ts";
import { createEmbeddedMetrics } from "#shared/adapters/metrics/embedded-metrics.ts";
import { createS3OutcomeFolder } from "#shared/adapters/s3/outcome-folder.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { createCachedSettings } from "#shared/adapters/system/cached-settings.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { loadConfig } from "#shared/config/load-config.ts";
import { createAnnounceChange } from "#shared/usecases/announce-change.ts";
import { createCountBatch } from "#shared/usecases/count-batch.ts";
import { createCountChanges } from "#shared/usecases/count-totals.ts";
import { createRecordMeasures } from "#shared/usecases/record-measures.ts";
import { createRelayOutcome } from "#shared/usecases/relay-outcome.ts";
import { configSchema } from "./config.ts";
import { createHandler } from "./handler.ts";

const config = loadConfig(configSchema, process.env);
const documents = DynamoDBDocumentClient.from(new DynamoDBClient(AWS_CLIENT));
const table = { documents, tableName: config.TABLE_NAME };
const logger = new Logger();

export const handler = createHandler({
  logger,
  countBatch: createCountBatch({ batches: createDynamoBatchStore({ ...table, clock, entropy }) }),
  announceChange: createAnnounceChange({
    webhooks: createDynamoWebhookStore({ ...table, clock, entropy }),
    accounts: createDynamoAccountStore({ ...table, clock, entropy }),
    queue: createSqsWebhookQueue({
      sqs: new SQSClient(AWS_CLIENT),
      queueUrl: config.WEBHOOK_QUEUE_URL,
      clock,
    }),
    clock,
  }),
  recordMeasures: createRecordMeasures({
    measures: createEmbeddedMetrics({
      namespace: config.METRICS_NAMESPACE,
      // Not through the logger: its level could silence the metrics, and an alarm with them.
      writeLine: (line) => process.stdout.write(`${line}\n`),
    }),
  }),
  countChanges: createCountChanges({
    totals: createDynamoTotalsStore({ ...table, clock }),
    settings: createCachedSettings({
      store: createDynamoSettingsStore({ ...table, clock, entropy }),
      clock,
      report: (error) => logger.warn("older settings stay in force", { error }),
    }),
    clock,
  }),
  relayOutcome: createRelayOutcome({
    tasks: createDynamoTaskStore({ ...table, clock, entropy }),
    drops: createDynamoDropStore({ ...table, entropy }),
    accounts: createDynamoAccountStore({ ...table, clock, entropy }),
    outcomes: createS3OutcomeFolder({ s3: new S3Client(AWS_CLIENT), bucket: config.BUCKET_NAME }),
  }),
});
