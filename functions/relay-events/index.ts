/** Composition root of what is told and measured from the stream: the one file here that reads the environment and makes clients. */
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoBatchStore } from "#shared/adapters/dynamodb/batch-store.ts";
import { createDynamoDropStore } from "#shared/adapters/dynamodb/drop-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { createEmbeddedMetrics } from "#shared/adapters/metrics/embedded-metrics.ts";
import { createS3OutcomeFolder } from "#shared/adapters/s3/outcome-folder.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { loadConfig } from "#shared/config/load-config.ts";
import { createCountBatch } from "#shared/usecases/count-batch.ts";
import { createRecordMeasures } from "#shared/usecases/record-measures.ts";
import { createRelayOutcome } from "#shared/usecases/relay-outcome.ts";
import { configSchema } from "./config.ts";
import { createHandler } from "./handler.ts";

const config = loadConfig(configSchema, process.env);
const documents = DynamoDBDocumentClient.from(new DynamoDBClient(AWS_CLIENT));
const table = { documents, tableName: config.TABLE_NAME };

export const handler = createHandler({
  logger: new Logger(),
  countBatch: createCountBatch({ batches: createDynamoBatchStore({ ...table, clock, entropy }) }),
  recordMeasures: createRecordMeasures({
    measures: createEmbeddedMetrics({
      namespace: config.METRICS_NAMESPACE,
      // Not through the logger: its level could silence the metrics, and an alarm with them.
      writeLine: (line) => process.stdout.write(`${line}\n`),
    }),
  }),
  relayOutcome: createRelayOutcome({
    tasks: createDynamoTaskStore({ ...table, clock, entropy }),
    drops: createDynamoDropStore({ ...table, entropy }),
    accounts: createDynamoAccountStore({ ...table, clock, entropy }),
    outcomes: createS3OutcomeFolder({ s3: new S3Client(AWS_CLIENT), bucket: config.BUCKET_NAME }),
  }),
});
