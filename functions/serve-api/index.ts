/** Composition root of the HTTP API: the one file here that reads the environment and makes clients. */

import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Logger } from "@aws-lambda-powertools/logger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createHttpAudit } from "#functions/middleware/http-audit.ts";
import { createCheckReach } from "#functions/middleware/http-reach.ts";
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
import { createAcceptInvitation } from "#shared/usecases/accept-invitation.ts";
import { createApproveDraft } from "#shared/usecases/approve-draft.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createCancelTask } from "#shared/usecases/cancel-task.ts";
import { createChangeDraft, createDeleteDraft } from "#shared/usecases/change-draft.ts";
import { createChangeJob } from "#shared/usecases/change-job.ts";
import { createChangeOccurrence } from "#shared/usecases/change-occurrence.ts";
import { createChangePolicy } from "#shared/usecases/change-policy.ts";
import { createChangeProject } from "#shared/usecases/change-project.ts";
import { createChangeRecurrence } from "#shared/usecases/change-recurrence.ts";
import { createChangeSource, createDeleteSource } from "#shared/usecases/change-source.ts";
import { createCheckHealth } from "#shared/usecases/check-health.ts";
import { createCheckReadiness } from "#shared/usecases/check-readiness.ts";
import { createCountAttempts } from "#shared/usecases/count-attempts.ts";
import { createCountRequest } from "#shared/usecases/count-totals.ts";
import { createCreateDraft } from "#shared/usecases/create-draft.ts";
import { createCreateJob } from "#shared/usecases/create-job.ts";
import { createCreateKey } from "#shared/usecases/create-key.ts";
import { createCreateMedium } from "#shared/usecases/create-medium.ts";
import { createCreateProject } from "#shared/usecases/create-project.ts";
import { createCreateRecurrence } from "#shared/usecases/create-recurrence.ts";
import { createCreateSource } from "#shared/usecases/create-source.ts";
import { createCreateTask } from "#shared/usecases/create-task.ts";
import { createCreateTasks } from "#shared/usecases/create-tasks.ts";
import { createCreateUser } from "#shared/usecases/create-user.ts";
import { createCursorSeal } from "#shared/usecases/cursor-seal.ts";
import { createDeleteJob } from "#shared/usecases/delete-job.ts";
import { createDeleteMedium } from "#shared/usecases/delete-medium.ts";
import { createDeleteProject } from "#shared/usecases/delete-project.ts";
import { createDeleteRecurrence } from "#shared/usecases/delete-recurrence.ts";
import { createDisconnectAccount } from "#shared/usecases/disconnect-account.ts";
import { createEndAccess } from "#shared/usecases/end-access.ts";
import { createEndSession, createListSessions } from "#shared/usecases/end-session.ts";
import { createExpandRecurrence } from "#shared/usecases/expand-recurrence.ts";
import { createFindConflicts, createReadConflicts } from "#shared/usecases/find-conflicts.ts";
import { createFindTaskPlace } from "#shared/usecases/find-task-place.ts";
import { createRunOnce } from "#shared/usecases/idempotency.ts";
import { limitActiveTasks } from "#shared/usecases/limit-active-tasks.ts";
import { createListAudit } from "#shared/usecases/list-audit.ts";
import { createListJobs } from "#shared/usecases/list-jobs.ts";
import { createListPool } from "#shared/usecases/list-pool.ts";
import { createListRecurrences } from "#shared/usecases/list-recurrences.ts";
import { createListTasks } from "#shared/usecases/list-tasks.ts";
import { createMovePlanned } from "#shared/usecases/move-planned.ts";
import { createPlacePost } from "#shared/usecases/place-post.ts";
import { createPlanSlot } from "#shared/usecases/plan-slot.ts";
import { createPublishNow } from "#shared/usecases/publish-now.ts";
import { createListAccounts, createReadAccount } from "#shared/usecases/read-account.ts";
import { createReadAccountHealth } from "#shared/usecases/read-account-health.ts";
import { createReadAccountQuota } from "#shared/usecases/read-account-quota.ts";
import { createReadBatch } from "#shared/usecases/read-batch.ts";
import { createReadBatchStatus } from "#shared/usecases/read-batch-status.ts";
import { createListDrafts, createReadDraft } from "#shared/usecases/read-draft.ts";
import { createReadInfo } from "#shared/usecases/read-info.ts";
import { createReadJob } from "#shared/usecases/read-job.ts";
import { createReadJobHistory } from "#shared/usecases/read-job-history.ts";
import { createListMedia, createReadMedium } from "#shared/usecases/read-medium.ts";
import { createReadMetrics } from "#shared/usecases/read-metrics.ts";
import { createListPolicyVersions, createReadPolicy } from "#shared/usecases/read-policy.ts";
import { createReadPoolStats } from "#shared/usecases/read-pool-stats.ts";
import { createListProjects, createReadProject } from "#shared/usecases/read-project.ts";
import { createReadQueueStatus } from "#shared/usecases/read-queue-status.ts";
import { createReadRecurrence } from "#shared/usecases/read-recurrence.ts";
import { createReadRun } from "#shared/usecases/read-run.ts";
import { createListSettingVersions, createReadSettings } from "#shared/usecases/read-settings.ts";
import { createListSources, createReadSource } from "#shared/usecases/read-source.ts";
import { createReadTask } from "#shared/usecases/read-task.ts";
import { createReadTaskLog } from "#shared/usecases/read-task-log.ts";
import { createReadTaskStatus } from "#shared/usecases/read-task-status.ts";
import { createListWebhooks, createReadWebhook } from "#shared/usecases/read-webhooks.ts";
import { createRecordAudit } from "#shared/usecases/record-audit.ts";
import { createRedriveQueue } from "#shared/usecases/redrive-queue.ts";
import { createReplanProject } from "#shared/usecases/replan-project.ts";
import { createSpendRequest } from "#shared/usecases/request-budget.ts";
import { createRescheduleTask } from "#shared/usecases/reschedule-task.ts";
import { createResolveTask } from "#shared/usecases/resolve-task.ts";
import { createRetryTask } from "#shared/usecases/retry-task.ts";
import { createRevokeKey } from "#shared/usecases/revoke-key.ts";
import { createRollbackSettings } from "#shared/usecases/rollback-settings.ts";
import { createRotateKey } from "#shared/usecases/rotate-key.ts";
import { createScanSource } from "#shared/usecases/scan-source.ts";
import { createShowTasks } from "#shared/usecases/show-tasks.ts";
import { createSignIn } from "#shared/usecases/sign-in.ts";
import { createSimulateCalendar } from "#shared/usecases/simulate-calendar.ts";
import { createStartRun } from "#shared/usecases/start-run.ts";
import { createSuggestSlots } from "#shared/usecases/suggest-slots.ts";
import { createPauseAccount, createResumeOwnAccount } from "#shared/usecases/switch-account.ts";
import { createSwitchJob } from "#shared/usecases/switch-job.ts";
import { createPostMedia } from "#shared/usecases/take-media.ts";
import { createTriggerJob } from "#shared/usecases/trigger-job.ts";
import { createUpdateTask } from "#shared/usecases/update-task.ts";
import { createDeleteUser, createUpdateUser } from "#shared/usecases/update-user.ts";
import {
  createDeleteWebhook,
  createResumeWebhook,
  createUpdateWebhook,
} from "#shared/usecases/update-webhook.ts";
import { createVerifyAudit } from "#shared/usecases/verify-audit.ts";
import {
  createListDeliveries,
  createPingWebhook,
  createReplayDelivery,
} from "#shared/usecases/webhook-deliveries.ts";
import { createWriteSettings } from "#shared/usecases/write-settings.ts";
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
const credentials = createDynamoCredentialsRegister(table);
const batches = createDynamoBatchStore(table);
const runs = createDynamoRunStore(table);
const jobs = createDynamoJobStore(table);
const sqs = new SQSClient(AWS_CLIENT);
const intake = createSqsIntakeQueue({ sqs, queueUrl: config.INTAKE_QUEUE_URL });
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
const bucket = { s3: new S3Client(AWS_CLIENT), bucket: config.BUCKET_NAME };
const stored = {
  ...deps,
  drafts: createDynamoDraftStore(table),
  media: createDynamoMediumStore(table),
  bucket: createS3MediaBucket(bucket),
  forms: createS3UploadForms({ ...bucket, clock }),
  counts: createDynamoPoolCounts(table),
};
const settingsStore = createDynamoSettingsStore(table);
const settings = createCachedSettings({ store: settingsStore, clock, report });
const createTask = limitActiveTasks({
  ...stored,
  settings,
  createTask: createCreateTask({ ...deps, uploads: { ...createPostMedia(stored), ...entropy } }),
});
const recurrences = createDynamoRecurrenceStore(table);
const expand = createExpandRecurrence({ ...deps, recurrences });
const recurring = { ...deps, recurrences, expand };
const looking = {
  ...deps,
  fingerprints,
  counters: createDynamoSharedCounters(table),
};
const findConflicts = createFindConflicts(looking);

const { version: node } = process;
const system = {
  ...deps,
  settingsStore,
  settings,
  totals: createDynamoTotalsStore(table),
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
  about: { version: config.RELEASE, stage: config.STAGE, region: config.REGION, node },
};
const reportAside = (error: unknown): void => logger.warn("a request was answered without it", { error });

const audit = createDynamoAuditStore(table);
const recordAudit = createRecordAudit({ audit, clock, entropy });
const keys = createDynamoKeyStore(table);
const sessions = createDynamoSessionStore(table);
const access = {
  accounts,
  keys,
  users: createDynamoUserStore(table),
  sessions,
  audit,
  recordAudit,
  hasher: createScryptHasher(),
  countAttempts: createCountAttempts({ attempts: sessions, clock }),
  endAccess: createEndAccess({ sessions, keys }),
  clock,
  entropy,
  randomBytes: (size: number) => randomBytes(size),
  report: reportAside,
};

const hooking = {
  webhooks: createDynamoWebhookStore(table),
  eraser: createDynamoSecretEraser(table),
  queue: createSqsWebhookQueue({ sqs, queueUrl: config.WEBHOOK_QUEUE_URL, clock }),
  accounts,
  urls: { allowLoopback: config.ALLOW_LOOPBACK_WEBHOOKS },
  clock,
  entropy,
};

export const handler = createHandler({
  listWebhooks: createListWebhooks(hooking),
  readWebhook: createReadWebhook(hooking),
  updateWebhook: createUpdateWebhook(hooking),
  deleteWebhook: createDeleteWebhook(hooking),
  resumeWebhook: createResumeWebhook(hooking),
  pingWebhook: createPingWebhook(hooking),
  listDeliveries: createListDeliveries(hooking),
  replayDelivery: createReplayDelivery(hooking),
  createTask,
  createTasks: createCreateTasks({ createTask, settings }),
  listTasks: createListTasks(deps),
  readTask: createReadTask(deps),
  readConflicts: createReadConflicts({ ...deps, findConflicts }),
  cancelTask: createCancelTask(deps),
  publishNow: createPublishNow(deps),
  readTaskLog: createReadTaskLog(deps),
  readTaskStatus: createReadTaskStatus(deps),
  readBatchStatus: createReadBatchStatus(deps),
  updateTask: createUpdateTask({ ...deps, planSlot, fingerprints }),
  rescheduleTask: createRescheduleTask({ ...deps, planSlot }),
  retryTask: createRetryTask({ ...deps, planSlot, fingerprints, media: stored.media }),
  resolveTask: createResolveTask(looking),
  createProject: createCreateProject(deps),
  listProjects: createListProjects(deps),
  readProject: createReadProject(deps),
  changeProject: createChangeProject(deps),
  deleteProject: createDeleteProject({ ...deps, recurrences }),
  createSource: createCreateSource(deps),
  listSources: createListSources(deps),
  readSource: createReadSource(deps),
  changeSource: createChangeSource(deps),
  deleteSource: createDeleteSource(deps),
  scanSource: createScanSource({ ...deps, intake }),
  listAccounts: createListAccounts(deps),
  readAccount: createReadAccount(deps),
  readAccountQuota: createReadAccountQuota(looking),
  readAccountHealth: createReadAccountHealth({ ...deps, credentials }),
  pauseAccount: createPauseAccount(deps),
  resumeOwnAccount: createResumeOwnAccount({ ...deps, credentials }),
  disconnectAccount: createDisconnectAccount({ ...deps, credentials }),
  readPolicy: createReadPolicy(deps),
  changePolicy: createChangePolicy(deps),
  listPolicyVersions: createListPolicyVersions(deps),
  replanProject: createReplanProject({ ...deps, movePlanned: createMovePlanned(deps) }),
  simulateCalendar: createSimulateCalendar({ ...looking, uploads: createPostMedia(stored) }),
  suggestSlots: createSuggestSlots({ ...deps, planSlot }),
  createDraft: createCreateDraft(stored),
  listDrafts: createListDrafts(stored),
  readDraft: createReadDraft(stored),
  changeDraft: createChangeDraft(stored),
  deleteDraft: createDeleteDraft(stored),
  approveDraft: createApproveDraft({ ...stored, createTask }),
  createMedium: createCreateMedium(stored),
  listMedia: createListMedia(stored),
  readMedium: createReadMedium(stored),
  deleteMedium: createDeleteMedium(stored),
  listPool: createListPool(deps),
  readPoolStats: createReadPoolStats(stored),
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
  readSettings: createReadSettings(system),
  writeSettings: createWriteSettings(system),
  listSettingVersions: createListSettingVersions(system),
  rollbackSettings: createRollbackSettings(system),
  checkHealth: createCheckHealth(system),
  checkReadiness: createCheckReadiness(system),
  readMetrics: createReadMetrics(system),
  readInfo: createReadInfo(system),
  readQueueStatus: createReadQueueStatus(system),
  redriveQueue: createRedriveQueue(system),
  countRequest: createCountRequest({ ...system, report: reportAside }),
  readBeside: (name) => readFile(new URL(name, import.meta.url), "utf8"),
  spendRequest: createSpendRequest({
    requestBudgets: createDynamoRequestBudgetStore(table),
    settings,
    clock,
    report: reportAside,
  }),
  runOnce: createRunOnce({
    idempotency: createDynamoIdempotencyStore(table),
    clock,
    entropy,
    report: reportAside,
  }),
  cursorSeal: createCursorSeal({ sealKey: createDynamoCursorSealKey(table) }),
  keys: access.keys,
  users: access.users,
  createKey: createCreateKey(access),
  revokeKey: createRevokeKey(access),
  rotateKey: createRotateKey(access),
  createUser: createCreateUser(access),
  updateUser: createUpdateUser(access),
  deleteUser: createDeleteUser(access),
  signIn: createSignIn(access),
  acceptInvitation: createAcceptInvitation(access),
  listSessions: createListSessions(access),
  endSession: createEndSession(access),
  listAudit: createListAudit(access),
  verifyAudit: createVerifyAudit(access),
  checkReach: createCheckReach(createFindTaskPlace(deps)),
  audit: createHttpAudit({ recordAudit, logger }),
  stage: config.STAGE,
  clock,
  logger,
});
