/** Composition root of the expansion of recurrences: the one file here that reads the environment and makes clients. */
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createAwsTaskDispatch } from "#shared/adapters/dispatch/task-dispatch.ts";
import { createDynamoRecurrenceStore } from "#shared/adapters/dynamodb/recurrence-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { arrangementLimits, dispatchTargets } from "#shared/config/arrangement.ts";
import { loadConfig } from "#shared/config/load-config.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createExpandRecurrence } from "#shared/usecases/expand-recurrence.ts";
import { createExpandRecurrences } from "#shared/usecases/expand-recurrences.ts";
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
const tasks = createDynamoTaskStore(table);
const recurrences = createDynamoRecurrenceStore(table);
const dispatch = createAwsTaskDispatch({
  scheduler: new SchedulerClient(AWS_CLIENT),
  sqs: new SQSClient(AWS_CLIENT),
  clock,
  ...dispatchTargets(config),
});
const arrange = createArrangeTask({
  tasks,
  dispatch,
  clock,
  limits: arrangementLimits(config),
});
const expand = createExpandRecurrence({
  recurrences,
  tasks,
  dispatch,
  arrange,
  clock,
  entropy,
  report: (error) => logger.warn("left to the sweeper, or to the next expansion", { error }),
});

export const handler = createHandler({
  expandRecurrences: createExpandRecurrences({ recurrences, expand, clock }),
  clock,
  logger,
});
