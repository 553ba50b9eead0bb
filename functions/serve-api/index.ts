/** Composition root of the HTTP API: the one file here that reads the environment and makes clients. */

import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createSqsIntakeQueue } from "#shared/adapters/dispatch/intake-queue.ts";
import { createAwsTaskDispatch } from "#shared/adapters/dispatch/task-dispatch.ts";
import { createSqsWebhookQueue } from "#shared/adapters/dispatch/webhook-queue.ts";
import { createSqsWorkQueues } from "#shared/adapters/dispatch/work-queues.ts";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoAuditStore } from "#shared/adapters/dynamodb/audit-store.ts";
import { createDynamoBatchStore } from "#shared/adapters/dynamodb/batch-store.ts";
import { createDynamoCredentialsRegister } from "#shared/adapters/dynamodb/credentials-vault.ts";
import { createDynamoCursorSealKey } from "#shared/adapters/dynamodb/cursor-seal-key.ts";
import { createDynamoDraftStore } from "#shared/adapters/dynamodb/draft-store.ts";
import { createDynamoFingerprintStore } from "#shared/adapters/dynamodb/fingerprint-store.ts";
import { createDynamoIdempotencyStore } from "#shared/adapters/dynamodb/idempotency-store.ts";
import { createDynamoJobStore } from "#shared/adapters/dynamodb/job-store.ts";
import { createDynamoKeyStore } from "#shared/adapters/dynamodb/key-store.ts";
import { createDynamoMediumStore } from "#shared/adapters/dynamodb/medium-store.ts";
import { createDynamoPoolCounts } from "#shared/adapters/dynamodb/pool-counts.ts";
import { createDynamoRecurrenceStore } from "#shared/adapters/dynamodb/recurrence-store.ts";
import { createDynamoRequestBudgetStore } from "#shared/adapters/dynamodb/request-budget-store.ts";
import { createDynamoRunStore } from "#shared/adapters/dynamodb/run-store.ts";
import { createDynamoSessionStore } from "#shared/adapters/dynamodb/session-store.ts";
import { createDynamoSettingsStore } from "#shared/adapters/dynamodb/settings-store.ts";
import { createDynamoSharedCounters } from "#shared/adapters/dynamodb/shared-counters.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { createDynamoTotalsStore } from "#shared/adapters/dynamodb/totals-store.ts";
import { createDynamoUserStore } from "#shared/adapters/dynamodb/user-store.ts";
import { createDynamoWebhookStore } from "#shared/adapters/dynamodb/webhook-store.ts";
import { createDynamoSecretEraser } from "#shared/adapters/dynamodb/webhook-vault.ts";
import { createS3MediaBucket } from "#shared/adapters/s3/media-bucket.ts";
import { createS3UploadForms } from "#shared/adapters/s3/upload-forms.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { createCachedSettings } from "#shared/adapters/system/cached-settings.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { createScryptHasher } from "#shared/adapters/system/password-hasher.ts";
import { arrangementLimits, dispatchTargets } from "#shared/config/arrangement.ts";
import { loadConfig } from "#shared/config/load-config.ts";
import { composeApi } from "./compose-api.ts";
import { configSchema } from "./config.ts";
import { createHandler } from "./handler.ts";

const config = loadConfig(configSchema, process.env);
const logger = new Logger();
const report = (error: unknown): void => logger.warn("left to the sweeper, or to the next look", { error });
const reportAside = (error: unknown): void => logger.warn("a request was answered without it", { error });
const table = {
  documents: DynamoDBDocumentClient.from(new DynamoDBClient(AWS_CLIENT)),
  tableName: config.TABLE_NAME,
  clock,
  entropy,
};
const sqs = new SQSClient(AWS_CLIENT);
const bucket = { s3: new S3Client(AWS_CLIENT), bucket: config.BUCKET_NAME };
const settingsStore = createDynamoSettingsStore(table);

export const handler = createHandler(
  composeApi({
    tasks: createDynamoTaskStore(table),
    accounts: createDynamoAccountStore(table),
    credentials: createDynamoCredentialsRegister(table),
    batches: createDynamoBatchStore(table),
    runs: createDynamoRunStore(table),
    jobs: createDynamoJobStore(table),
    recurrences: createDynamoRecurrenceStore(table),
    drafts: createDynamoDraftStore(table),
    media: createDynamoMediumStore(table),
    bucket: createS3MediaBucket(bucket),
    forms: createS3UploadForms({ ...bucket, clock }),
    counts: createDynamoPoolCounts(table),
    fingerprints: createDynamoFingerprintStore(table),
    counters: createDynamoSharedCounters(table),
    dispatch: createAwsTaskDispatch({
      scheduler: new SchedulerClient(AWS_CLIENT),
      sqs,
      clock,
      ...dispatchTargets(config),
    }),
    limits: arrangementLimits(config),
    intake: createSqsIntakeQueue({ sqs, queueUrl: config.INTAKE_QUEUE_URL }),
    queues: createSqsWorkQueues({
      sqs,
      clock,
      queues: {
        intake: { url: config.INTAKE_QUEUE_URL, deadLettersUrl: config.INTAKE_DEAD_LETTERS_URL },
        prepare: { url: config.PREPARE_QUEUE_URL, deadLettersUrl: config.PREPARE_DEAD_LETTERS_URL },
        publish: { url: config.PUBLISH_QUEUE_URL, deadLettersUrl: config.PUBLISH_DEAD_LETTERS_URL },
        webhooks: { url: config.WEBHOOK_QUEUE_URL, deadLettersUrl: config.WEBHOOK_DEAD_LETTERS_URL },
      },
      backgroundUrl: config.BACKGROUND_DEAD_LETTERS_URL,
    }),
    settingsStore,
    settings: createCachedSettings({ store: settingsStore, clock, report }),
    totals: createDynamoTotalsStore(table),
    about: { version: config.RELEASE, stage: config.STAGE, region: config.REGION, node: process.version },
    keys: createDynamoKeyStore(table),
    users: createDynamoUserStore(table),
    sessions: createDynamoSessionStore(table),
    hasher: createScryptHasher(),
    audit: createDynamoAuditStore(table),
    idempotency: createDynamoIdempotencyStore(table),
    requestBudgets: createDynamoRequestBudgetStore(table),
    sealKey: createDynamoCursorSealKey(table),
    webhooks: createDynamoWebhookStore(table),
    eraser: createDynamoSecretEraser(table),
    webhookQueue: createSqsWebhookQueue({ sqs, queueUrl: config.WEBHOOK_QUEUE_URL, clock }),
    urls: { allowLoopback: config.ALLOW_LOOPBACK_WEBHOOKS },
    readBeside: (name) => readFile(new URL(name, import.meta.url), "utf8"),
    randomBytes: (size) => randomBytes(size),
    clock,
    entropy,
    logger,
    report,
    reportAside,
  }),
);
