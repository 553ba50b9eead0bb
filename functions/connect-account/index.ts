/** Composition root of the connections to X: the one file here that reads the environment and makes clients. */
import { randomBytes } from "node:crypto";
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { composeRouter } from "#functions/middleware/compose-router.ts";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoAuditStore } from "#shared/adapters/dynamodb/audit-store.ts";
import { createDynamoConnectionStore } from "#shared/adapters/dynamodb/connection-store.ts";
import { createDynamoCredentialsVault } from "#shared/adapters/dynamodb/credentials-vault.ts";
import { createDynamoCursorSealKey } from "#shared/adapters/dynamodb/cursor-seal-key.ts";
import { createDynamoIdempotencyStore } from "#shared/adapters/dynamodb/idempotency-store.ts";
import { createDynamoMediumStore } from "#shared/adapters/dynamodb/medium-store.ts";
import { createDynamoRequestBudgetStore } from "#shared/adapters/dynamodb/request-budget-store.ts";
import { createDynamoSettingsStore } from "#shared/adapters/dynamodb/settings-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { createDynamoTotalsStore } from "#shared/adapters/dynamodb/totals-store.ts";
import { createDynamoUserStore } from "#shared/adapters/dynamodb/user-store.ts";
import { createDynamoWebhookStore } from "#shared/adapters/dynamodb/webhook-store.ts";
import { createDynamoWebhookVault } from "#shared/adapters/dynamodb/webhook-vault.ts";
import { createKmsEnvelope } from "#shared/adapters/kms/envelope.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { createCachedSettings } from "#shared/adapters/system/cached-settings.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { createXAccountConsent } from "#shared/adapters/x/account-consent.ts";
import { createXAccountVerifier } from "#shared/adapters/x/account-verifier.ts";
import { createXAgent } from "#shared/adapters/x/x-client.ts";
import { createXSessions } from "#shared/adapters/x/x-sessions.ts";
import { loadConfig } from "#shared/config/load-config.ts";
import { formatWebhookSecret, SECRET_BYTES } from "#shared/domain/webhook-signature.ts";
import { createConnectByTokens } from "#shared/usecases/connect-by-tokens.ts";
import { createCreateWebhook } from "#shared/usecases/create-webhook.ts";
import { createFinishConnection } from "#shared/usecases/finish-connection.ts";
import { createKeepConnection } from "#shared/usecases/keep-connection.ts";
import { createRotateWebhookSecret } from "#shared/usecases/rotate-webhook-secret.ts";
import { createStartConnection } from "#shared/usecases/start-connection.ts";
import { createVerifyConnection } from "#shared/usecases/verify-connection.ts";
import { configSchema } from "./config.ts";
import { createHandler } from "./handler.ts";

const config = loadConfig(configSchema, process.env);
const logger = new Logger();
const table = {
  documents: DynamoDBDocumentClient.from(new DynamoDBClient(AWS_CLIENT)),
  tableName: config.TABLE_NAME,
  clock,
  entropy,
};
const envelope = createKmsEnvelope({ kms: new KMSClient(AWS_CLIENT), keyId: config.CREDENTIALS_KEY_ID });
const agent = createXAgent(config.X_ENDPOINT, { keepAlive: true });
const accounts = createDynamoAccountStore(table);
const vault = createDynamoCredentialsVault({ ...table, envelope });
const connections = createDynamoConnectionStore({ ...table, envelope });
const consent = createXAccountConsent({ clock, agent });
const sessions = createXSessions({ vault, clock, entropy, agent });
const users = createDynamoUserStore(table);
const keep = createKeepConnection({ accounts, vault, clock });
const reportAside = (error: unknown): void => logger.warn("a request was answered without it", { error });

const secrets = {
  webhooks: createDynamoWebhookStore(table),
  vault: createDynamoWebhookVault({ ...table, envelope }),
  newSecret: () => formatWebhookSecret(randomBytes(SECRET_BYTES)),
  clock,
};

export const handler = createHandler({
  createWebhook: createCreateWebhook({
    ...secrets,
    accounts,
    urls: { allowLoopback: config.ALLOW_LOOPBACK_WEBHOOKS },
    entropy,
  }),
  rotateWebhookSecret: createRotateWebhookSecret(secrets),
  startConnection: createStartConnection({
    accounts,
    connections,
    vault,
    clock,
    randomBytes: (size) => randomBytes(size),
    website: config.X_WEBSITE,
  }),
  finishConnection: createFinishConnection({ connections, consent, keep, users, clock, entropy }),
  connectByTokens: createConnectByTokens({ accounts, consent, keep }),
  verifyConnection: createVerifyConnection({
    accounts,
    verifier: createXAccountVerifier({ sessions, clock, agent }),
    clock,
  }),
  ...composeRouter({
    tasks: createDynamoTaskStore(table),
    accounts,
    media: createDynamoMediumStore(table),
    totals: createDynamoTotalsStore(table),
    requestBudgets: createDynamoRequestBudgetStore(table),
    settings: createCachedSettings({ store: createDynamoSettingsStore(table), clock, report: reportAside }),
    idempotency: createDynamoIdempotencyStore(table),
    sealKey: createDynamoCursorSealKey(table),
    audit: createDynamoAuditStore(table),
    clock,
    entropy,
    logger,
    reportAside,
  }),
});
