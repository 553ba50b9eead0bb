/** What the routes of the API do, made of ports: the deployed ones, or those of a test. */
import { composeRouter, type RouterPorts } from "#functions/middleware/compose-router.ts";
import type { ArrangementLimits } from "#shared/domain/arrangement.ts";
import type { WebhookUrlRules } from "#shared/domain/webhook-url.ts";
import type { BatchStore } from "#shared/ports/batch-store.ts";
import type { CredentialsRegister } from "#shared/ports/credentials-register.ts";
import type { DraftStore } from "#shared/ports/draft-store.ts";
import type { FingerprintStore } from "#shared/ports/fingerprint-store.ts";
import type { IntakeQueue } from "#shared/ports/intake-queue.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";
import type { MediaBucket } from "#shared/ports/media-bucket.ts";
import type { MediumStore } from "#shared/ports/medium-store.ts";
import type { OwnerStore } from "#shared/ports/owner-store.ts";
import type { PasswordHasher } from "#shared/ports/password-hasher.ts";
import type { PoolCounts } from "#shared/ports/pool-counts.ts";
import type { RecurrenceStore } from "#shared/ports/recurrence-store.ts";
import type { RunStore } from "#shared/ports/run-store.ts";
import type { AttemptStore, SessionStore } from "#shared/ports/session-store.ts";
import type { SettingsStore } from "#shared/ports/settings-store.ts";
import type { SharedCounters } from "#shared/ports/shared-counters.ts";
import type { TaskDispatch } from "#shared/ports/task-dispatch.ts";
import type { UploadForms } from "#shared/ports/upload-forms.ts";
import type { UserStore } from "#shared/ports/user-store.ts";
import type { WebhookQueue } from "#shared/ports/webhook-queue.ts";
import type { WebhookStore } from "#shared/ports/webhook-store.ts";
import type { WebhookSecretEraser } from "#shared/ports/webhook-vault.ts";
import type { WorkQueues } from "#shared/ports/work-queues.ts";
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
import { createDeleteJob } from "#shared/usecases/delete-job.ts";
import { createDeleteMedium } from "#shared/usecases/delete-medium.ts";
import { createDeleteProject } from "#shared/usecases/delete-project.ts";
import { createDeleteRecurrence } from "#shared/usecases/delete-recurrence.ts";
import { createDisconnectAccount } from "#shared/usecases/disconnect-account.ts";
import { createEndAccess } from "#shared/usecases/end-access.ts";
import { createEndSession, createListSessions } from "#shared/usecases/end-session.ts";
import { createExpandRecurrence } from "#shared/usecases/expand-recurrence.ts";
import { createFindConflicts, createReadConflicts } from "#shared/usecases/find-conflicts.ts";
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
import type { About } from "#shared/usecases/read-info.ts";
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
import { createRedriveQueue } from "#shared/usecases/redrive-queue.ts";
import { createReplanProject } from "#shared/usecases/replan-project.ts";
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
import type { ServeApiHandlerDeps } from "./handler.ts";
import type { OpenApiRouteDeps } from "./openapi-routes.ts";

export interface ApiPorts extends RouterPorts, OpenApiRouteDeps {
  readonly credentials: CredentialsRegister;
  readonly batches: BatchStore;
  readonly runs: RunStore;
  readonly jobs: JobStore;
  readonly recurrences: RecurrenceStore;
  readonly drafts: DraftStore;
  readonly media: MediumStore;
  readonly bucket: MediaBucket;
  readonly forms: UploadForms;
  readonly counts: PoolCounts;
  readonly fingerprints: FingerprintStore;
  readonly counters: SharedCounters;
  readonly dispatch: TaskDispatch;
  readonly limits: ArrangementLimits;
  readonly intake: Pick<IntakeQueue, "scan">;
  readonly queues: WorkQueues;
  readonly settingsStore: SettingsStore;
  readonly keys: KeyStore;
  readonly users: UserStore & OwnerStore;
  readonly sessions: SessionStore & AttemptStore;
  readonly hasher: PasswordHasher;
  readonly webhooks: WebhookStore;
  readonly eraser: WebhookSecretEraser;
  readonly webhookQueue: WebhookQueue;
  readonly urls: WebhookUrlRules;
  readonly about: About;
  readonly randomBytes: (size: number) => Uint8Array;
  /** Of what was left to the sweeper, or to the next look. */
  readonly report: (error: unknown) => void;
}

export function composeApi(ports: ApiPorts): ServeApiHandlerDeps {
  const { tasks, accounts, keys, users, sessions, clock, entropy, about, readBeside } = ports;
  const router = composeRouter(ports);
  const show = createShowTasks({ tasks, accounts });
  const planSlot = createPlanSlot({ tasks, accounts, clock });
  const arrange = createArrangeTask(ports);
  const placePost = createPlacePost({ ...ports, planSlot, arrange });
  const deps = { ...ports, arrange, placePost, show };
  const uploads = createPostMedia(ports);
  const createTask = limitActiveTasks({
    ...ports,
    createTask: createCreateTask({ ...deps, uploads: { ...uploads, ...entropy } }),
  });
  const recurring = { ...deps, expand: createExpandRecurrence(deps) };
  const findConflicts = createFindConflicts(ports);
  const access = {
    ...ports,
    recordAudit: router.recordAudit,
    countAttempts: createCountAttempts({ attempts: sessions, clock }),
    endAccess: createEndAccess({ sessions, keys }),
    report: ports.reportAside,
  };
  const hooking = { ...ports, queue: ports.webhookQueue };

  return {
    listWebhooks: createListWebhooks(hooking),
    readWebhook: createReadWebhook(hooking),
    updateWebhook: createUpdateWebhook(hooking),
    deleteWebhook: createDeleteWebhook(hooking),
    resumeWebhook: createResumeWebhook(hooking),
    pingWebhook: createPingWebhook(hooking),
    listDeliveries: createListDeliveries(hooking),
    replayDelivery: createReplayDelivery(hooking),
    createTask,
    createTasks: createCreateTasks({ ...ports, createTask }),
    listTasks: createListTasks(deps),
    readTask: createReadTask(deps),
    readConflicts: createReadConflicts({ ...deps, findConflicts }),
    cancelTask: createCancelTask(deps),
    publishNow: createPublishNow(deps),
    readTaskLog: createReadTaskLog(deps),
    readTaskStatus: createReadTaskStatus(deps),
    readBatchStatus: createReadBatchStatus(deps),
    updateTask: createUpdateTask({ ...deps, planSlot }),
    rescheduleTask: createRescheduleTask({ ...deps, planSlot }),
    retryTask: createRetryTask({ ...deps, planSlot }),
    resolveTask: createResolveTask(deps),
    createProject: createCreateProject(deps),
    listProjects: createListProjects(deps),
    readProject: createReadProject(deps),
    changeProject: createChangeProject(deps),
    deleteProject: createDeleteProject(deps),
    createSource: createCreateSource(deps),
    listSources: createListSources(deps),
    readSource: createReadSource(deps),
    changeSource: createChangeSource(deps),
    deleteSource: createDeleteSource(deps),
    scanSource: createScanSource(deps),
    listAccounts: createListAccounts(deps),
    readAccount: createReadAccount(deps),
    readAccountQuota: createReadAccountQuota(ports),
    readAccountHealth: createReadAccountHealth(deps),
    pauseAccount: createPauseAccount(deps),
    resumeOwnAccount: createResumeOwnAccount(deps),
    disconnectAccount: createDisconnectAccount(deps),
    readPolicy: createReadPolicy(deps),
    changePolicy: createChangePolicy(deps),
    listPolicyVersions: createListPolicyVersions(deps),
    replanProject: createReplanProject({ ...deps, movePlanned: createMovePlanned(deps) }),
    simulateCalendar: createSimulateCalendar({ ...ports, uploads }),
    suggestSlots: createSuggestSlots({ ...deps, planSlot }),
    createDraft: createCreateDraft(ports),
    listDrafts: createListDrafts(ports),
    readDraft: createReadDraft(ports),
    changeDraft: createChangeDraft(ports),
    deleteDraft: createDeleteDraft(ports),
    approveDraft: createApproveDraft({ ...deps, createTask }),
    createMedium: createCreateMedium(ports),
    listMedia: createListMedia(ports),
    readMedium: createReadMedium(ports),
    deleteMedium: createDeleteMedium(ports),
    listPool: createListPool(deps),
    readPoolStats: createReadPoolStats(ports),
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
    readSettings: createReadSettings(ports),
    writeSettings: createWriteSettings(ports),
    listSettingVersions: createListSettingVersions(ports),
    rollbackSettings: createRollbackSettings(ports),
    checkHealth: createCheckHealth(ports),
    checkReadiness: createCheckReadiness(ports),
    readMetrics: createReadMetrics(ports),
    readInfo: createReadInfo(ports),
    readQueueStatus: createReadQueueStatus(ports),
    redriveQueue: createRedriveQueue(ports),
    keys,
    users,
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
    ...router,
    readBeside,
    stage: about.stage,
  };
}
