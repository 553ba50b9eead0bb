import { accountIdFor } from "#shared/domain/account.ts";
import { asTaskId } from "#shared/domain/ids.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import { type Content, TASK_STATUSES, type Task } from "#shared/domain/task.ts";
import { createPlacePost } from "#shared/usecases/place-post.ts";
import { createPlanSlot } from "#shared/usecases/plan-slot.ts";
import { createRescheduleTask } from "#shared/usecases/reschedule-task.ts";
import { createResolveTask } from "#shared/usecases/resolve-task.ts";
import { createRetryTask } from "#shared/usecases/retry-task.ts";
import { createShowTasks } from "#shared/usecases/show-tasks.ts";
import { createUpdateTask } from "#shared/usecases/update-task.ts";
import { freshTaskId } from "./builders.ts";
import { createInMemoryFingerprints } from "./in-memory-fingerprints.ts";
import { createInMemoryMedia } from "./in-memory-media.ts";
import { OWNER, setUpPublishing } from "./publishing.ts";

export const ACCOUNT = accountIdFor(OWNER, "main");
export const SECOND = accountIdFor(OWNER, "second");
export const START = new Date("2026-12-01T01:00:00.000Z");
export const at = (minutes: number): Date => new Date(START.getTime() + minutes * 60_000);

/** Everything that a person can do with one task, and everything that posts it. */
export async function setUpChanging({
  policy,
  timeZone = "UTC",
}: {
  readonly policy?: Policy;
  readonly timeZone?: string;
} = {}) {
  const world = await setUpPublishing({
    now: START,
    accountIds: [ACCOUNT, SECOND],
    timeZone,
    ...(policy && { policy }),
  });
  const { tasks, accounts, clock, arrange, faults } = world;
  const entropy = { newId: () => String(freshTaskId()), random: () => 0.5 };
  const report = (error: unknown): void => void faults.push(error);
  const fingerprints = createInMemoryFingerprints(clock);
  const stored = createInMemoryMedia(clock);
  const planSlot = createPlanSlot({ tasks, accounts, clock });
  const show = createShowTasks({ tasks, accounts });
  const deps = { ...world, entropy, report, fingerprints, planSlot, show, arrange };
  return {
    ...world,
    show,
    planSlot,
    fingerprints,
    /** Uploaded media. */
    stored,
    placePost: createPlacePost(deps),
    update: createUpdateTask(deps),
    reschedule: createRescheduleTask(deps),
    retry: createRetryTask({ ...deps, media: stored }),
    resolve: createResolveTask(deps),
    /** Of the main account, in ten minutes. */
    put: (over: Partial<Task> = {}, content: Partial<Content> = {}): Promise<Task> =>
      world.put({ accountId: ACCOUNT, slotAt: at(10), ...over }, content),
    contentOf: async (task: Pick<Task, "id">): Promise<Content | undefined> =>
      tasks.getContent(await world.read(task)),
    /** Makes a post by the way that a new one takes, so that it has its claims and its print. */
    async place(
      text: string,
      over: { readonly slotAt?: Date; readonly strategy?: "optimal" | "next-free" } = {},
    ) {
      const slotAt = over.slotAt ?? at(10);
      const placed = await createPlacePost(deps)({
        project: (await accounts.getProject(world.project.id)) ?? world.project,
        accountId: ACCOUNT,
        isAny: false,
        parts: [{ text }],
        media: [],
        strategy: over.strategy ?? "fixed",
        time: { publishAt: slotAt, slotAt },
        priority: 5,
        language: "en",
        latePolicy: { then: "missed", postWithinMs: 1_800_000 },
        maxRetries: 3,
        reuseMedia: false,
        source: { kind: "api" },
      });
      if (!placed.ok) throw new Error(placed.error.reason);
      return world.read(placed.value.task);
    },
    /** Wake-up calls that still mean something. */
    async calls(task: Pick<Task, "id">) {
      const { rev, arm } = await world.read(task);
      const sent = [
        ...world.dispatch.scheduled.map(({ message, at: when }) => ({ message, when })),
        ...world.dispatch.enqueued.map(({ message }) => ({ message, when: undefined })),
      ];
      return sent
        .filter(({ message }) => message.taskId === task.id && message.rev === rev && message.arm === arm)
        .map(({ message, when }) => ({ step: message.step, ...(when && { at: when }) }));
    },
  };
}

export const UNKNOWN_TASK = asTaskId("01ARZ3NDEKTSV4RRFFQ69G5FAV");

/** States in which nothing is out, and nobody is in doubt. */
export const WAITING = TASK_STATUSES.filter(
  (status) => !["posting", "unknown", "published", "failed", "missed", "cancelled"].includes(status),
);
