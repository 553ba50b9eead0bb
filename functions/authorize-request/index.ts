/** Composition root of the authorizer: the one file here that reads the environment and makes clients. */
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createDynamoAuditStore } from "#shared/adapters/dynamodb/audit-store.ts";
import { createDynamoKeyStore } from "#shared/adapters/dynamodb/key-store.ts";
import { createDynamoSessionStore } from "#shared/adapters/dynamodb/session-store.ts";
import { createDynamoUserStore } from "#shared/adapters/dynamodb/user-store.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { loadConfig } from "#shared/config/load-config.ts";
import { createAuthorizeRequest } from "#shared/usecases/authorize-request.ts";
import { createAuthorizeSession } from "#shared/usecases/authorize-session.ts";
import { createNoteDenial } from "#shared/usecases/note-denial.ts";
import { createRecordAudit } from "#shared/usecases/record-audit.ts";
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
const users = createDynamoUserStore(table);
const report = (error: unknown): void => logger.warn("the use of a key or session was not noted", { error });

export const handler = createHandler({
  logger,
  authorizeRequest: createAuthorizeRequest({ keys: createDynamoKeyStore(table), users, clock, report }),
  authorizeSession: createAuthorizeSession({
    sessions: createDynamoSessionStore(table),
    users,
    clock,
    report,
  }),
  noteDenial: createNoteDenial({
    recordAudit: createRecordAudit({ audit: createDynamoAuditStore(table), clock, entropy }),
    clock,
  }),
});
