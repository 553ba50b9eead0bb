/** Composition root of the HTTP API: the one file here that reads the environment and makes clients. */
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createAwsTaskDispatch } from "#shared/adapters/dispatch/task-dispatch.ts";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoBatchStore } from "#shared/adapters/dynamodb/batch-store.ts";
import { createDynamoRunStore } from "#shared/adapters/dynamodb/run-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { loadConfig } from "#shared/config/load-config.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createCancelTask } from "#shared/usecases/cancel-task.ts";
import { createCheckHealth } from "#shared/usecases/check-health.ts";
import { createCreateTask } from "#shared/usecases/create-task.ts";
import { createListTasks } from "#shared/usecases/list-tasks.ts";
import { createPublishNow } from "#shared/usecases/publish-now.ts";
import { createReadBatch } from "#shared/usecases/read-batch.ts";
import { createReadRun } from "#shared/usecases/read-run.ts";
import { createReadTask } from "#shared/usecases/read-task.ts";
import { createShowTasks } from "#shared/usecases/show-tasks.ts";
import { createStartRun } from "#shared/usecases/start-run.ts";
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
const accounts = createDynamoAccountStore(table);
const batches = createDynamoBatchStore(table);
const runs = createDynamoRunStore(table);
const dispatch = createAwsTaskDispatch({
  scheduler: new SchedulerClient(AWS_CLIENT),
  sqs: new SQSClient(AWS_CLIENT),
  clock,
  groupName: config.SCHEDULE_GROUP,
  schedulerRoleArn: config.SCHEDULER_ROLE_ARN,
  functionArns: { prepare: config.PREPARE_FUNCTION_ARN, publish: config.PUBLISH_FUNCTION_ARN },
  queueUrls: { prepare: config.PREPARE_QUEUE_URL, publish: config.PUBLISH_QUEUE_URL },
});
const arrange = createArrangeTask({
  tasks,
  dispatch,
  clock,
  limits: {
    holdLeadMs: config.HOLD_LEAD_SECONDS * 1_000,
    nearLimitMs: config.NEAR_LIMIT_SECONDS * 1_000,
    prepareLeads: config.PREPARE_LEADS,
  },
});
const show = createShowTasks({ tasks, accounts });
const report = (error: unknown): void => logger.warn("left to the sweeper, or to the next look", { error });
const deps = { tasks, accounts, batches, runs, dispatch, arrange, show, clock, entropy, report };

export const handler = createHandler({
  createTask: createCreateTask(deps),
  listTasks: createListTasks(deps),
  readTask: createReadTask(deps),
  cancelTask: createCancelTask(deps),
  publishNow: createPublishNow(deps),
  readBatch: createReadBatch(deps),
  startRun: createStartRun(deps),
  readRun: createReadRun(deps),
  checkHealth: createCheckHealth(deps),
  stage: config.STAGE,
  logger,
});
