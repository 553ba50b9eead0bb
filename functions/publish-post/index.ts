/** Composition root of the publisher: the one file here that reads the environment and makes clients. */
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createAwsTaskDispatch } from "#shared/adapters/dispatch/task-dispatch.ts";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoCircuitStore } from "#shared/adapters/dynamodb/circuit-store.ts";
import { createDynamoCredentialsVault } from "#shared/adapters/dynamodb/credentials-vault.ts";
import { createDynamoMediaProgressStore } from "#shared/adapters/dynamodb/media-progress-store.ts";
import { createDynamoPublisherSlots } from "#shared/adapters/dynamodb/publisher-slots.ts";
import { createDynamoSettingsStore } from "#shared/adapters/dynamodb/settings-store.ts";
import { createDynamoSharedCounters } from "#shared/adapters/dynamodb/shared-counters.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { createKmsEnvelope } from "#shared/adapters/kms/envelope.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { createCachedSettings } from "#shared/adapters/system/cached-settings.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { createXPostPublisher } from "#shared/adapters/x/post-publisher.ts";
import { createXAgent } from "#shared/adapters/x/x-client.ts";
import { createXSessions } from "#shared/adapters/x/x-sessions.ts";
import { loadConfig } from "#shared/config/load-config.ts";
import { createPublishPost } from "#shared/usecases/publish-post.ts";
import { createReconcilePost } from "#shared/usecases/reconcile-post.ts";
import { createVerifyAccount } from "#shared/usecases/verify-account.ts";
import { configSchema } from "./config.ts";
import { createHandler } from "./handler.ts";

const config = loadConfig(configSchema, process.env);
const documents = DynamoDBDocumentClient.from(new DynamoDBClient(AWS_CLIENT));
const table = { documents, tableName: config.TABLE_NAME };
const scheduler = new SchedulerClient(AWS_CLIENT);
const sqs = new SQSClient(AWS_CLIENT);
const envelope = createKmsEnvelope({ kms: new KMSClient(AWS_CLIENT), keyId: config.CREDENTIALS_KEY_ID });
const agent = createXAgent(config.X_ENDPOINT, { keepAlive: true });
const sessions = createXSessions({
  vault: createDynamoCredentialsVault({ ...table, envelope }),
  clock,
  entropy,
  agent,
});
const accounts = createDynamoAccountStore({ ...table, clock, entropy });
const publisher = createXPostPublisher({
  sessions,
  accounts,
  clock,
  agent,
  // A socket that went stale while the function was frozen would lose the answer to a post.
  postAgent: createXAgent(config.X_ENDPOINT, { keepAlive: false }),
});

const logger = new Logger();
const world = {
  tasks: createDynamoTaskStore({ ...table, clock, entropy }),
  media: createDynamoMediaProgressStore(table),
  accounts,
  publisher,
  counters: createDynamoSharedCounters({ ...table, entropy }),
  circuits: createDynamoCircuitStore({ ...table, entropy }),
  slots: createDynamoPublisherSlots({ ...table, clock, entropy }),
  settings: createCachedSettings({
    store: createDynamoSettingsStore({ ...table, clock, entropy }),
    clock,
    report: (error) => logger.warn("older settings stay in force", { error }),
  }),
  clock,
  entropy,
  holdLeadMs: config.HOLD_LEAD_SECONDS * 1_000,
};

const dispatchOf = (functionArn: string) =>
  createAwsTaskDispatch({
    scheduler,
    sqs,
    clock,
    groupName: config.SCHEDULE_GROUP,
    schedulerRoleArn: config.SCHEDULER_ROLE_ARN,
    functionArns: { publish: functionArn },
    queueUrls: { prepare: config.PREPARE_QUEUE_URL, publish: config.PUBLISH_QUEUE_URL },
  });

export const handler = createHandler({
  clock,
  entropy,
  logger,
  publishPost: (functionArn) => createPublishPost({ ...world, dispatch: dispatchOf(functionArn) }),
  reconcilePost: (functionArn) => createReconcilePost({ ...world, dispatch: dispatchOf(functionArn) }),
  verifyAccount: createVerifyAccount(world),
});
