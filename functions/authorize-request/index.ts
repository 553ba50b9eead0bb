/** Composition root of the authorizer: the one file here that reads the environment and makes clients. */
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createDynamoKeyStore } from "#shared/adapters/dynamodb/key-store.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { loadConfig } from "#shared/config/load-config.ts";
import { createAuthorizeRequest } from "#shared/usecases/authorize-request.ts";
import { configSchema } from "./config.ts";
import { createHandler } from "./handler.ts";

const config = loadConfig(configSchema, process.env);
const logger = new Logger();

export const handler = createHandler({
  logger,
  authorizeRequest: createAuthorizeRequest({
    keys: createDynamoKeyStore({
      documents: DynamoDBDocumentClient.from(new DynamoDBClient(AWS_CLIENT)),
      tableName: config.TABLE_NAME,
      clock,
      entropy,
    }),
    clock,
    report: (error) => logger.warn("the use of a key was not noted", { error }),
  }),
});
