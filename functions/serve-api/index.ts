/** Composition root of the HTTP API: the one file here that reads the environment and makes clients. */
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createAwsTaskDispatch } from "#shared/adapters/dispatch/task-dispatch.ts";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoBatchStore } from "#shared/adapters/dynamodb/batch-store.ts";
import { createDynamoFingerprintStore } from "#shared/adapters/dynamodb/fingerprint-store.ts";
import { createDynamoJobStore } from "#shared/adapters/dynamodb/job-store.ts";
import { createDynamoRecurrenceStore } from "#shared/adapters/dynamodb/recurrence-store.ts";
import { createDynamoRunStore } from "#shared/adapters/dynamodb/run-store.ts";
import { createDynamoSharedCounters } from "#shared/adapters/dynamodb/shared-counters.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { arrangementLimits, dispatchTargets } from "#shared/config/arrangement.ts";
import { loadConfig } from "#shared/config/load-config.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createCancelTask } from "#shared/usecases/cancel-task.ts";
import { createChangeJob } from "#shared/usecases/change-job.ts";
import { createChangeOccurrence } from "#shared/usecases/change-occurrence.ts";
import { createChangePolicy } from "#shared/usecases/change-policy.ts";
import { createChangeRecurrence } from "#shared/usecases/change-recurrence.ts";
import { createCheckHealth } from "#shared/usecases/check-health.ts";
import { createCreateJob } from "#shared/usecases/create-job.ts";
import { createCreateRecurrence } from "#shared/usecases/create-recurrence.ts";
import { createCreateTask } from "#shared/usecases/create-task.ts";
import { createCreateTasks } from "#shared/usecases/create-tasks.ts";
import { createDeleteJob } from "#shared/usecases/delete-job.ts";
import { createDeleteRecurrence } from "#shared/usecases/delete-recurrence.ts";
import { createExpandRecurrence } from "#shared/usecases/expand-recurrence.ts";
import { createFindConflicts, createReadConflicts } from "#shared/usecases/find-conflicts.ts";
import { createListJobs } from "#shared/usecases/list-jobs.ts";
import { createListRecurrences } from "#shared/usecases/list-recurrences.ts";
import { createListTasks } from "#shared/usecases/list-tasks.ts";
import { createMovePlanned } from "#shared/usecases/move-planned.ts";
import { createPlacePost } from "#shared/usecases/place-post.ts";
import { createPlanSlot } from "#shared/usecases/plan-slot.ts";
import { createPublishNow } from "#shared/usecases/publish-now.ts";
import { createReadBatch } from "#shared/usecases/read-batch.ts";
import { createReadJob } from "#shared/usecases/read-job.ts";
import { createReadJobHistory } from "#shared/usecases/read-job-history.ts";
import { createListPolicyVersions, createReadPolicy } from "#shared/usecases/read-policy.ts";
import { createReadRecurrence } from "#shared/usecases/read-recurrence.ts";
import { createReadRun } from "#shared/usecases/read-run.ts";
import { createReadTask } from "#shared/usecases/read-task.ts";
import { createReplanProject } from "#shared/usecases/replan-project.ts";
import { createShowTasks } from "#shared/usecases/show-tasks.ts";
import { createSimulateCalendar } from "#shared/usecases/simulate-calendar.ts";
import { createStartRun } from "#shared/usecases/start-run.ts";
import { createSuggestSlots } from "#shared/usecases/suggest-slots.ts";
import { createSwitchJob } from "#shared/usecases/switch-job.ts";
import { createTriggerJob } from "#shared/usecases/trigger-job.ts";
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
const jobs = createDynamoJobStore(table);
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
const show = createShowTasks({ tasks, accounts });
const report = (error: unknown): void => logger.warn("left to the sweeper, or to the next look", { error });
const planSlot = createPlanSlot({ tasks, accounts, clock });
const fingerprints = createDynamoFingerprintStore(table);
const placePost = createPlacePost({ tasks, planSlot, fingerprints, arrange, clock, entropy, report });
const deps = {
  tasks,
  accounts,
  batches,
  runs,
  jobs,
  dispatch,
  arrange,
  placePost,
  show,
  clock,
  entropy,
  report,
};
const createTask = createCreateTask(deps);
const recurrences = createDynamoRecurrenceStore(table);
const expand = createExpandRecurrence({ ...deps, recurrences });
const recurring = { ...deps, recurrences, expand };
const looking = {
  ...deps,
  fingerprints,
  counters: createDynamoSharedCounters(table),
};
const findConflicts = createFindConflicts(looking);

export const handler = createHandler({
  createTask,
  createTasks: createCreateTasks({ createTask }),
  listTasks: createListTasks(deps),
  readTask: createReadTask(deps),
  readConflicts: createReadConflicts({ ...deps, findConflicts }),
  cancelTask: createCancelTask(deps),
  publishNow: createPublishNow(deps),
  readPolicy: createReadPolicy(deps),
  changePolicy: createChangePolicy(deps),
  listPolicyVersions: createListPolicyVersions(deps),
  replanProject: createReplanProject({ ...deps, movePlanned: createMovePlanned(deps) }),
  simulateCalendar: createSimulateCalendar(looking),
  suggestSlots: createSuggestSlots({ ...deps, planSlot }),
  readBatch: createReadBatch(deps),
  startRun: createStartRun(deps),
  readRun: createReadRun(deps),
  createJob: createCreateJob(deps),
  listJobs: createListJobs(deps),
  readJob: createReadJob(deps),
  changeJob: createChangeJob(deps),
  switchJob: createSwitchJob(deps),
  triggerJob: createTriggerJob(deps),
  deleteJob: createDeleteJob(deps),
  readJobHistory: createReadJobHistory(deps),
  createRecurrence: createCreateRecurrence(recurring),
  listRecurrences: createListRecurrences(recurring),
  readRecurrence: createReadRecurrence(recurring),
  changeRecurrence: createChangeRecurrence(recurring),
  deleteRecurrence: createDeleteRecurrence(recurring),
  changeOccurrence: createChangeOccurrence(recurring),
  checkHealth: createCheckHealth(deps),
  stage: config.STAGE,
  logger,
});
