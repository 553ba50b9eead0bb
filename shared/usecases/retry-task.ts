import type { Project } from "#shared/domain/account.ts";
import { hashText } from "#shared/domain/duplicates/fingerprint.ts";
import { asAttemptId, asTaskId, type OwnerId, type TaskId } from "#shared/domain/ids.ts";
import { isInDoubt, resume, retime } from "#shared/domain/moves.ts";
import { noteSlot } from "#shared/domain/planning/board.ts";
import type { Plan } from "#shared/domain/planning/plan.ts";
import { isFlexible } from "#shared/domain/planning/strategy.ts";
import { parseMediaKey } from "#shared/domain/stored-media.ts";
import type { Content, Task, TaskStatus } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { MediumStore } from "#shared/ports/medium-store.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import {
  type ChangeOptions,
  type ChangeRefusal,
  type RearrangeDeps,
  rearrange,
  tryOwnTask,
} from "./change-own-task.ts";
import { createPlacePost, type PlacePostDeps, type PlaceRefusal } from "./place-post.ts";
import { type ShownTask, type ShowTasks, showStored } from "./show-tasks.ts";
import { hasUsedMedia } from "./update-task.ts";

export interface RetryTaskDeps extends PlacePostDeps, Omit<RearrangeDeps, "report" | "tasks"> {
  readonly tasks: Pick<
    TaskStore,
    "create" | "get" | "getContent" | "getClaim" | "getBoard" | "save" | "addLog"
  >;
  readonly accounts: Pick<AccountStore, "getProject">;
  readonly media: Pick<MediumStore, "use">;
  readonly show: ShowTasks;
}

export type RetryRefusal =
  /** X may have the post: it is never sent again before somebody has said that it is not there. */
  | { readonly reason: "in-flight" | "in-doubt"; readonly status: TaskStatus }
  /** Nothing failed: it is published, or was cancelled. */
  | { readonly reason: "final"; readonly status: TaskStatus }
  /** Nothing failed yet: it goes out by itself. */
  | { readonly reason: "not-failed"; readonly status: TaskStatus }
  /** A new task would post the first parts once more. */
  | { readonly reason: "parts-posted"; readonly posted: number; readonly partCount: number }
  /** One of its uploaded media was deleted since. */
  | { readonly reason: "media-gone"; readonly name: string }
  | Exclude<PlaceRefusal, { readonly reason: "stale" }>;

export interface RetriedTask extends ShownTask {
  /** How its slot was chosen, by its strategy. Absent: it is due now, or was retried before. */
  readonly plan?: Plan;
}

/**
 * Tries a post once more that did not go out: now, or at the next slot of its strategy.
 *
 * What has ended has ended: a failed or missed task stays what it is, and another task takes its place, which names it. It
 * has one such task, whoever asks how often. A held one goes on itself; a thread from where it stopped.
 */
export type RetryTask = (
  ownerId: OwnerId,
  id: TaskId,
  options?: ChangeOptions,
) => Promise<Result<RetriedTask, RetryRefusal | ChangeRefusal>>;

/** The task that retries another one has this. It is never given up. */
const retryClaimKey = (id: TaskId): string => `retry#${id}`;

export function createRetryTask(deps: RetryTaskDeps): RetryTask {
  const { tasks, accounts, planSlot, show, clock, entropy, report } = deps;

  /** A held task goes on. */
  async function goOn(task: Task, project: Project, content: Content) {
    const now = clock.now();
    const planned = await nextSlot(task, project, content, now);
    if (planned && !planned.ok) return err({ reason: "no-free-slot" as const, why: planned.error });
    const { plan, board } = planned?.value ?? {};
    const next =
      task.posted.length > 0
        ? resume(task, now)
        : retime(task, now, {
            publishAt: task.publishAt,
            slotAt: plan?.at ?? now,
            strategy: plan?.strategy ?? task.strategy,
            ...(task.pool === "open" && plan && { chosen: plan.accountId }),
          });
    const saved = await tasks.save(next, {
      log: logOf(next, now),
      ...(plan &&
        board && {
          board: noteSlot(
            board,
            { taskId: task.id, at: plan.at, parts: task.partCount, priority: task.priority },
            now,
          ),
        }),
    });
    if (!saved.ok) return "overtaken" as const;
    const shown = await rearrange({ ...deps, report: (error) => report(error, task.id) }, task, next);
    return ok({ ...shown, ...(plan && { plan }) });
  }

  async function nextSlot(task: Task, project: Project, content: Content, now: Date) {
    const { strategy = "fixed", posted } = task;
    if (!isFlexible(strategy) || posted.length > 0) return undefined;
    const seed = hashText(content.original ?? content.parts);
    return planSlot(project, {
      id: task.id,
      strategy,
      from: now,
      accountIds: task.pool === "open" ? project.accountIds : [task.accountId],
      parts: task.partCount,
      priority: task.priority,
      ...(seed !== undefined && { seed }),
    });
  }

  /** Another task takes the place of one that has ended. */
  async function replace(ended: Task, project: Project, content: Content) {
    const key = retryClaimKey(ended.id);
    const known = await tasks.getClaim(key);
    const before = known && (await tasks.get(known));
    if (before) return ok(await showStored(tasks, show, before));

    const now = clock.now();
    const { strategy = "fixed" } = ended;
    const asRetry = (task: Task): Task => ({ ...task, retryOf: ended.id });
    const place = createPlacePost({
      ...deps,
      arrange: (task, media) => deps.arrange(asRetry(task), media),
      tasks: {
        ...tasks,
        create: (task, made, together = {}) =>
          tasks.create(asRetry(task), made, {
            ...together,
            claims: [...(together.claims ?? []), { key }],
          }),
      },
    });
    const id = asTaskId(entropy.newId());
    // From here on nobody deletes them. A file that was dropped is no medium of its own.
    for (const { key: object, name } of content.media) {
      const whose = parseMediaKey(object);
      const used = whose && (await deps.media.use(whose.ownerId, whose.id, id, now));
      if (used && !used.ok) return err({ reason: "media-gone" as const, name });
    }
    const post = {
      project,
      accountId: ended.accountId,
      isAny: ended.pool !== undefined,
      // What was written for it was paid for.
      parts: content.parts,
      writing: ended.toWrite ? content.writing : undefined,
      media: content.media,
      strategy: isFlexible(strategy) ? strategy : "immediate",
      time: { publishAt: now, slotAt: now },
      priority: ended.priority,
      language: ended.language,
      latePolicy: ended.latePolicy,
      reconcile: ended.reconcile,
      maxRetries: ended.maxRetries,
      batchId: ended.batchId,
      reuseMedia: await hasUsedMedia(tasks, ended, content),
      // Its file's outcome, or its occurrence, is told by the task that has ended.
      source: { kind: "api" as const },
    };
    const placed = await place(post, { id });
    if (!placed.ok) {
      const { error } = placed;
      // Somebody else retried it at the same time, and so has its text.
      if (error.reason === "stale" || (await tasks.getClaim(key))) return "overtaken" as const;
      return err(error);
    }
    const { task, plan } = placed.value;
    await tasks
      .addLog(ended.id, { ...logOf(ended, now), message: `The task ${task.id} tries it once more.` })
      .catch((error: unknown) => report(error, ended.id));
    return ok({ ...(await showStored(tasks, show, asRetry(task))), ...(plan && { plan }) });
  }

  const logOf = ({ status }: Task, at: Date) => ({
    at,
    attemptId: asAttemptId(entropy.newId()),
    step: "change" as const,
    status,
    code: "retried",
  });

  return (ownerId, id, options = {}) =>
    tryOwnTask<RetriedTask, RetryRefusal>(tasks, ownerId, id, options, async (task) => {
      const against = whyNotRetried(task);
      if (against) return err(against);
      const [project, content] = await Promise.all([
        accounts.getProject(task.projectId),
        tasks.getContent(task),
      ]);
      if (!project || !content) throw new RangeError(`task ${id} has no project or no content`);
      return task.status === "held" ? goOn(task, project, content) : replace(task, project, content);
    });
}

function whyNotRetried(task: Task): Exclude<RetryRefusal, PlaceRefusal> | undefined {
  const { status, posted, partCount } = task;
  switch (status) {
    case "held":
      return isInDoubt(task) ? { reason: "in-doubt", status } : undefined;
    case "failed":
    case "missed":
      return posted.length > 0 ? { reason: "parts-posted", posted: posted.length, partCount } : undefined;
    case "published":
    case "cancelled":
      return { reason: "final", status };
    case "posting":
    case "unknown":
      return { reason: "in-flight", status };
    case "draft":
    case "pending":
    case "preparing":
    case "ready":
    case "retrying":
      return { reason: "not-failed", status };
  }
}
