/** Composition root of the sweeper: the one file here that reads the environment and makes clients. */
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createSqsIntakeQueue } from "#shared/adapters/dispatch/intake-queue.ts";
import { createAwsTaskDispatch } from "#shared/adapters/dispatch/task-dispatch.ts";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoDropStore } from "#shared/adapters/dynamodb/drop-store.ts";
import { createDynamoJobStore } from "#shared/adapters/dynamodb/job-store.ts";
import { createDynamoMediaProgressStore } from "#shared/adapters/dynamodb/media-progress-store.ts";
import { createDynamoRunStore } from "#shared/adapters/dynamodb/run-store.ts";
import { createDynamoSettingsStore } from "#shared/adapters/dynamodb/settings-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { createEmbeddedMetrics } from "#shared/adapters/metrics/embedded-metrics.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { createCachedSettings } from "#shared/adapters/system/cached-settings.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { arrangementLimits, dispatchTargets } from "#shared/config/arrangement.ts";
import { loadConfig } from "#shared/config/load-config.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createOrderTasks } from "#shared/usecases/dispatch-fairly.ts";
import { createFillDays } from "#shared/usecases/fill-days.ts";
import { createMovePlanned } from "#shared/usecases/move-planned.ts";
import { createResumeAccount } from "#shared/usecases/resume-account.ts";
import { createRunDueJob } from "#shared/usecases/run-due-job.ts";
import { createRunDueTasks } from "#shared/usecases/run-due-tasks.ts";
import { createStartRun } from "#shared/usecases/start-run.ts";
import { createSweepTasks } from "#shared/usecases/sweep-tasks.ts";
import { configSchema } from "./config.ts";
import { createHandler } from "./handler.ts";

const config = loadConfig(configSchema, process.env);
const documents = DynamoDBDocumentClient.from(new DynamoDBClient(AWS_CLIENT));
const sqs = new SQSClient(AWS_CLIENT);
const table = { documents, tableName: config.TABLE_NAME };
const tasks = createDynamoTaskStore({ ...table, clock, entropy });
const accounts = createDynamoAccountStore({ ...table, clock, entropy });
const dispatch = createAwsTaskDispatch({
  scheduler: new SchedulerClient(AWS_CLIENT),
  sqs,
  clock,
  ...dispatchTargets(config),
});
const arrange = createArrangeTask({
  tasks,
  dispatch,
  clock,
  limits: arrangementLimits(config),
});

const order = createOrderTasks({ accounts });
const runs = createDynamoRunStore({ ...table, clock, entropy });
const intake = createSqsIntakeQueue({ sqs, queueUrl: config.INTAKE_QUEUE_URL });
const logger = new Logger();
const report = (error: unknown): void => logger.warn("left to the next sweep", { error });
const movePlanned = createMovePlanned({ tasks, dispatch, arrange, clock, entropy, report });

export const handler = createHandler({
  clock,
  logger,
  measures: createEmbeddedMetrics({
    namespace: config.METRICS_NAMESPACE,
    // Not through the logger: its level could silence the metrics, and an alarm with them.
    writeLine: (line) => process.stdout.write(`${line}\n`),
  }),
  sweepTasks: createSweepTasks({
    tasks,
    drops: createDynamoDropStore({ ...table, entropy }),
    accounts,
    dispatch,
    resumeAccount: createResumeAccount({ tasks, accounts, arrange, clock, entropy }),
    intake,
    arrange,
    order,
    runDueTasks: createRunDueTasks({
      tasks,
      media: createDynamoMediaProgressStore(table),
      runs,
      order,
      arrange,
      clock,
      entropy,
    }),
    runDueJob: createRunDueJob({
      jobs: createDynamoJobStore({ ...table, clock, entropy }),
      runs,
      accounts,
      intake,
      startRun: createStartRun({ runs, clock, entropy }),
      fillDays: createFillDays({ tasks, accounts, movePlanned, clock }),
      clock,
    }),
    settings: createCachedSettings({
      store: createDynamoSettingsStore({ ...table, clock, entropy }),
      clock,
      report,
    }),
    clock,
    entropy,
  }),
});
