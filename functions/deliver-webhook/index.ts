/** Composition root of what calls webhooks: the one file here that reads the environment and makes clients. */
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createSqsWebhookQueue } from "#shared/adapters/dispatch/webhook-queue.ts";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { createDynamoWebhookStore } from "#shared/adapters/dynamodb/webhook-store.ts";
import { createDynamoWebhookVault } from "#shared/adapters/dynamodb/webhook-vault.ts";
import { reachRule } from "#shared/adapters/http/reachable-address.ts";
import { createWebhookSender } from "#shared/adapters/http/webhook-sender.ts";
import { createKmsEnvelope } from "#shared/adapters/kms/envelope.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { loadConfig } from "#shared/config/load-config.ts";
import { createDeliverWebhook } from "#shared/usecases/deliver-webhook.ts";
import { configSchema } from "./config.ts";
import { createHandler } from "./handler.ts";

const config = loadConfig(configSchema, process.env);
const table = {
  documents: DynamoDBDocumentClient.from(new DynamoDBClient(AWS_CLIENT)),
  tableName: config.TABLE_NAME,
  clock,
  entropy,
};
const envelope = createKmsEnvelope({ kms: new KMSClient(AWS_CLIENT), keyId: config.CREDENTIALS_KEY_ID });

export const handler = createHandler({
  logger: new Logger(),
  deliverWebhook: createDeliverWebhook({
    webhooks: createDynamoWebhookStore(table),
    vault: createDynamoWebhookVault({ ...table, envelope }),
    tasks: createDynamoTaskStore(table),
    accounts: createDynamoAccountStore(table),
    sender: createWebhookSender({
      mayReach: reachRule({ allowLoopback: config.ALLOW_LOOPBACK_WEBHOOKS }),
      clock,
    }),
    queue: createSqsWebhookQueue({
      sqs: new SQSClient(AWS_CLIENT),
      queueUrl: config.WEBHOOK_QUEUE_URL,
      clock,
    }),
    clock,
    entropy,
  }),
});
