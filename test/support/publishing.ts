import { vi } from "vitest";
import type { Account, Project } from "#shared/domain/account.ts";
import { ARRANGEMENT_LIMITS } from "#shared/domain/arrangement.ts";
import { type AccountId, asAccountId, asAttemptId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import { DEFAULT_SETTINGS, type Settings } from "#shared/domain/settings.ts";
import type { Content, Task, TaskStep } from "#shared/domain/task.ts";
import type { PostOutcome, PostPublisher, PostRequest, TimelinePost } from "#shared/ports/post-publisher.ts";
import type { ReceivedTaskMessage } from "#shared/ports/task-dispatch.ts";
import { WAKE_SHARDS } from "#shared/ports/task-store.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createOrderTasks } from "#shared/usecases/dispatch-fairly.ts";
import { createFillDays } from "#shared/usecases/fill-days.ts";
import { createMovePlanned } from "#shared/usecases/move-planned.ts";
import { createPublishPost } from "#shared/usecases/publish-post.ts";
import { createReconcilePost } from "#shared/usecases/reconcile-post.ts";
import { createResumeAccount } from "#shared/usecases/resume-account.ts";
import { createRunDueJob } from "#shared/usecases/run-due-job.ts";
import { createRunDueTasks } from "#shared/usecases/run-due-tasks.ts";
import { createStartRun } from "#shared/usecases/start-run.ts";
import { createSweepTasks } from "#shared/usecases/sweep-tasks.ts";
import { createVerifyAccount } from "#shared/usecases/verify-account.ts";
import { aContent, aTask } from "./builders.ts";
import { manualClock } from "./clock.ts";
import { createInMemoryAccounts } from "./in-memory-accounts.ts";
import { createInMemoryCircuits, createInMemoryCounters } from "./in-memory-counters.ts";
import { createInMemoryDispatch, createInMemoryIntakeQueue } from "./in-memory-dispatch.ts";
import { createInMemoryJobs } from "./in-memory-jobs.ts";
import { createInMemoryRuns } from "./in-memory-runs.ts";
import { createInMemorySlots } from "./in-memory-slots.ts";
import { createInMemoryStore } from "./in-memory-store.ts";

export const OWNER = asOwnerId("owner-1");
export const PROJECT = asProjectId("project-1");
export const MAIN = asAccountId("account-1");

export interface SentPost {
  readonly accountId: AccountId;
  readonly request: PostRequest;
  readonly at: Date;
}

export interface PublishingOptions {
  readonly now?: Date;
  readonly policy?: Policy;
  readonly timeZone?: string;
  /** @default only the main account */
  readonly accountIds?: readonly AccountId[];
  /** What differs from the defaults. */
  readonly settings?: Partial<Settings>;
}

/**
 * One project of one owner, and every use case between a stored task and its post, as they are deployed, over ports in
 * memory. X accepts every post unless the test says otherwise, and shows none.
 */
export async function setUpPublishing({
  now = new Date("2026-12-01T01:00:00.000Z"),
  policy,
  timeZone = "UTC",
  accountIds = [MAIN],
  settings: set = {},
}: PublishingOptions = {}) {
  const clock = manualClock(now);
  const accounts = createInMemoryAccounts();
  const runs = createInMemoryRuns(clock);
  const jobs = createInMemoryJobs(clock);
  const store = createInMemoryStore(clock, () => [
    ...accounts.due(),
    ...jobs.due(),
    ...Array.from({ length: WAKE_SHARDS }, (_, shard) => runs.listDue(shard, clock.now())).flat(),
  ]);
  const { tasks, media } = store;
  const dispatch = createInMemoryDispatch();
  const intake = createInMemoryIntakeQueue();
  const counters = createInMemoryCounters();
  const circuits = createInMemoryCircuits();
  const slots = createInMemorySlots(clock);
  const settings = { current: async (): Promise<Settings> => ({ ...DEFAULT_SETTINGS, ...set }) };
  let serial = 0;
  const entropy = { newId: () => `id-${++serial}`, random: () => 0.5 };

  const project: Project = {
    id: PROJECT,
    ownerId: OWNER,
    name: "default",
    timeZone,
    accountIds,
    defaultAccountId: accountIds[0] ?? MAIN,
    ...(policy && { policy }),
  };
  await accounts.addProject(project);
  for (const id of accountIds)
    await accounts.saveAccount({
      id,
      ownerId: OWNER,
      name: id,
      maxTextLength: 280,
      status: "active",
      version: 1,
    });

  const sent: SentPost[] = [];
  const timeline: TimelinePost[] = [];
  const publisher = {
    warmUp: vi.fn<PostPublisher["warmUp"]>(async () => ({ ok: true })),
    create: vi.fn<PostPublisher["create"]>(async (accountId, request): Promise<PostOutcome> => {
      sent.push({ accountId, request, at: clock.now() });
      clock.advance(40);
      return { kind: "posted", postId: `post-${sent.length}` };
    }),
    readTimeline: vi.fn<PostPublisher["readTimeline"]>(async () => ({ ok: true, posts: timeline })),
  };

  const world = {
    tasks,
    media,
    accounts,
    publisher,
    counters,
    circuits,
    slots,
    settings,
    dispatch,
    clock,
    entropy,
    holdLeadMs: ARRANGEMENT_LIMITS.holdLeadMs,
  };
  const arrange = createArrangeTask({ tasks, dispatch, clock, limits: ARRANGEMENT_LIMITS });
  const resumeAccount = createResumeAccount({ tasks, accounts, arrange, clock, entropy });
  const publishPost = createPublishPost(world);
  const reconcilePost = createReconcilePost(world);
  const verifyAccount = createVerifyAccount(world);
  const order = createOrderTasks({ accounts });
  const faults: unknown[] = [];
  const report = (error: unknown): void => void faults.push(error);
  const movePlanned = createMovePlanned({ tasks, dispatch, arrange, clock, entropy, report });
  const fillDays = createFillDays({ tasks, accounts, movePlanned, clock });
  const sweepTasks = createSweepTasks({
    tasks,
    drops: store.drops,
    accounts,
    intake,
    dispatch,
    arrange,
    resumeAccount,
    runDueTasks: createRunDueTasks({ tasks, media, runs, order, arrange, clock, entropy }),
    runDueJob: createRunDueJob({
      jobs,
      runs,
      accounts,
      intake,
      startRun: createStartRun({ runs, clock, entropy }),
      fillDays,
      clock,
    }),
    order,
    settings,
    clock,
    entropy,
  });

  async function read({ id }: Pick<Task, "id">): Promise<Task> {
    const found = await tasks.get(id);
    if (!found) throw new Error("the task is gone");
    return found;
  }

  /** The message that wakes the step of the task as it is now, unless the test names another. */
  async function messageOf(
    task: Pick<Task, "id">,
    step: TaskStep,
    over: Partial<ReceivedTaskMessage> = {},
  ): Promise<ReceivedTaskMessage> {
    const { id: taskId, rev, arm, posted } = await read(task);
    return { taskId, rev, arm, step, part: posted.length, via: "queue", ...over };
  }
  const invocation = (timeoutMs: number) => ({
    attemptId: asAttemptId(`attempt-${++serial}`),
    deadlineAt: new Date(clock.now().getTime() + timeoutMs),
  });

  return {
    ...store,
    ...world,
    project,
    intake,
    runs,
    jobs,
    sent,
    timeline,
    faults,
    arrange,
    resumeAccount,
    movePlanned,
    fillDays,
    publishPost,
    reconcilePost,
    read,
    messageOf,
    invocation,

    /** Stores a task as if it had lived a while. */
    async put(over: Partial<Task> = {}, content: Partial<Content> = {}): Promise<Task> {
      const task = aTask({
        ...(content.media && { mediaCount: content.media.length }),
        ...(content.parts && { partCount: content.parts.length }),
        ...over,
      });
      await tasks.create(task, aContent(task, content));
      return task;
    },
    async account(id: AccountId = MAIN): Promise<Account> {
      const found = await accounts.getAccount(id);
      if (!found) throw new Error(`there is no account ${id}`);
      return found;
    },
    gate: (id: AccountId = MAIN) => tasks.getGate(id),
    setPolicy: (next: Policy) => accounts.setPolicy(PROJECT, next),

    publish: async (task: Pick<Task, "id">, over: Partial<ReceivedTaskMessage> = {}, timeoutMs = 90_000) =>
      publishPost(await messageOf(task, "publish", over), invocation(timeoutMs)),
    settle: async (task: Pick<Task, "id">, over: Partial<ReceivedTaskMessage> = {}) =>
      reconcilePost(await messageOf(task, "settle", over), invocation(90_000)),
    verify: async (task: Pick<Task, "id">, over: Partial<ReceivedTaskMessage> = {}) =>
      verifyAccount(await messageOf(task, "verify", over), invocation(90_000)),
    sweep: (deadline = new Date(8.64e15)) => sweepTasks(deadline, report),
  };
}

export type Publishing = Awaited<ReturnType<typeof setUpPublishing>>;
