import type { Account, Project } from "#shared/domain/account.ts";
import { ANY_ACCOUNT } from "#shared/domain/account-pool.ts";
import { mediaClaimKey } from "#shared/domain/claim.ts";
import { asAttemptId, type OwnerId, type TaskId } from "#shared/domain/ids.ts";
import { edit, type Treatment, treat } from "#shared/domain/moves.ts";
import type { Plan } from "#shared/domain/planning/plan.ts";
import { isFlexible, type Strategy } from "#shared/domain/planning/strategy.ts";
import { checkThreadSpan } from "#shared/domain/policy.ts";
import { checkPost } from "#shared/domain/post-text.ts";
import {
  type Content,
  DEFAULT_LATE_POLICY,
  type LatePolicy,
  type ReconcilePolicy,
  type Task,
} from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { TaskDispatch } from "#shared/ports/task-dispatch.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { ArrangeTask } from "./arrange-task.ts";
import {
  type ChangeOptions,
  type ChangeRefusal,
  type StandsAgainst,
  takeBackCalls,
  tryOwnTask,
  whatStandsAgainst,
} from "./change-own-task.ts";
import { findAccount, type UnknownAccount } from "./find-project.ts";
import { createPlacePost, type PlacePostDeps, type PlaceRefusal } from "./place-post.ts";
import { type ShownTask, type ShowTasks, showStored, showTask } from "./show-tasks.ts";

export interface UpdateTaskDeps extends PlacePostDeps {
  readonly tasks: Pick<TaskStore, "create" | "get" | "getContent" | "getClaim" | "save">;
  readonly accounts: AccountStore;
  readonly dispatch: Pick<TaskDispatch, "unschedule">;
  readonly show: ShowTasks;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/** What is left out stays. */
export interface TaskPatch {
  /** One per part. They go out as they are: nothing is written for the post any more. */
  readonly texts?: readonly string[] | undefined;
  /** A name, as people know it, or `any`. */
  readonly account?: string | undefined;
  readonly priority?: number | undefined;
  readonly language?: string | undefined;
  /** `null`: the project's. */
  readonly latePolicy?: LatePolicy | null | undefined;
  /** `null`: the project's. */
  readonly reconcile?: ReconcilePolicy | null | undefined;
  readonly maxRetries?: number | undefined;
}

const TEXT_CODES = ["empty-post", "empty-part", "too-many-parts", "invalid-text", "text-too-long"] as const;

export type UpdateRefusal =
  | StandsAgainst
  | UnknownAccount
  | {
      readonly reason: "bad-text";
      readonly code: (typeof TEXT_CODES)[number];
      readonly message: string;
      /** The first one that does not fit, from 0; absent: the text as a whole. */
      readonly part?: number;
    }
  | { readonly reason: "thread-meets-blackout"; readonly message: string }
  | Exclude<PlaceRefusal, { readonly reason: "stale" }>;

export interface UpdatedTask extends ShownTask {
  /** Absent: it keeps its slot. */
  readonly plan?: Plan;
}

/**
 * Changes a task that is not out: what it says and where (a new revision, checked as a new post is), or how it is treated.
 * It keeps its slot, but for a planned one that goes to another account or becomes a longer thread. A held task stays
 * held. Repeating it changes nothing more.
 */
export type UpdateTask = (
  ownerId: OwnerId,
  id: TaskId,
  patch: TaskPatch,
  options?: ChangeOptions,
) => Promise<Result<UpdatedTask, UpdateRefusal | ChangeRefusal>>;

export function createUpdateTask(deps: UpdateTaskDeps): UpdateTask {
  const { tasks, accounts, dispatch, show, clock, entropy, report } = deps;

  return (ownerId, id, patch, options = {}) =>
    tryOwnTask<UpdatedTask, UpdateRefusal>(tasks, ownerId, id, options, async (task) => {
      const against = whatStandsAgainst(task);
      if (against) return err(against);
      const [project, content] = await Promise.all([
        accounts.getProject(task.projectId),
        tasks.getContent(task),
      ]);
      if (!project || !content) throw new RangeError(`task ${id} has no project or no content`);

      const { policy } = project;
      const { latePolicy = task.latePolicy, reconcile = task.reconcile } = patch;
      const treatment: Treatment = {
        priority: patch.priority ?? task.priority,
        language: patch.language ?? task.language,
        latePolicy: latePolicy ?? policy?.latePolicy ?? DEFAULT_LATE_POLICY,
        reconcile: reconcile === null ? policy?.reconcile : reconcile,
        maxRetries: patch.maxRetries ?? task.maxRetries,
      };

      const found = await findPlace(task, project, patch.account);
      if (!found.ok) return found;
      const { account, isAny, moves } = found.value;

      const writing = patch.texts || !task.toWrite ? undefined : content.writing;
      const texts = patch.texts ?? content.parts.map(({ text }) => text);
      const limits = {
        maxTextLength: account.maxTextLength,
        hasMedia: content.media.length > 0 || writing?.mode === "generate",
      };
      const checked = patch.texts === undefined && !moves ? ok(content.parts) : checkPost(texts, limits);
      if (!checked.ok) return badText(checked.error, texts, limits);
      const parts = checked.value;

      const saysTheSame = sameTexts(parts, content.parts) && (patch.texts === undefined || !task.toWrite);
      if (saysTheSame && !moves) {
        if (isTreatedSo(task, treatment)) return ok(await showTask(show, task));
        const now = clock.now();
        const next = treat(task, now, treatment);
        const saved = await tasks.save(next, { log: logOf(next, now) });
        return saved.ok ? ok(await showStored(tasks, show, next)) : "overtaken";
      }

      const strategy = replannedBy(task, { parts, moves });
      const tooLong =
        strategy === "fixed" &&
        parts.length > task.partCount &&
        checkThreadSpan(project.policy, project.timeZone, task.slotAt, parts.length);
      if (tooLong) return err({ reason: "thread-meets-blackout", message: tooLong.message });

      const { maxRetries, ...treated } = treatment;
      const asEdit = (revised: Task): Task => edit(task, revised, { maxRetries, keepsPool: !moves });
      const placed = await placeEdit(deps, asEdit)(
        {
          ...treated,
          maxRetries,
          project,
          accountId: account.id,
          isAny,
          parts,
          writing,
          media: content.media,
          strategy,
          time: { publishAt: task.publishAt, slotAt: task.slotAt },
          reuseMedia: await hasUsedMedia(tasks, task, content),
          source: task.source,
        },
        { revises: task },
      );
      if (!placed.ok) {
        const { error } = placed;
        return error.reason === "stale" ? "overtaken" : err(error);
      }
      await takeBackCalls(dispatch, task, (error) => report(error, id));
      const shown = await showStored(tasks, show, asEdit(placed.value.task));
      return ok({ ...shown, ...(placed.value.plan && { plan: placed.value.plan }) });
    });

  /** Where it is posted: as before, or where the owner wants it now. */
  async function findPlace(
    { ownerId, accountId, pool }: Task,
    project: Project,
    wanted: string | undefined,
  ): Promise<Result<Place, UnknownAccount>> {
    if (wanted === undefined || (wanted === ANY_ACCOUNT && pool !== undefined)) {
      const account = await accounts.getAccount(accountId);
      if (!account) return err({ reason: "unknown-account", name: accountId });
      return ok({ account, isAny: pool === "open", moves: false });
    }
    if (wanted === ANY_ACCOUNT) {
      const account = await accounts.getAccount(project.defaultAccountId);
      if (account?.ownerId !== ownerId)
        return err({ reason: "unknown-account", name: project.defaultAccountId });
      return ok({ account, isAny: true, moves: true });
    }
    const named = await findAccount(accounts, ownerId, wanted, project);
    if (!named.ok) return named;
    const moves = named.value.id !== accountId || pool !== undefined;
    return ok({ account: named.value, isAny: false, moves });
  }

  function logOf(next: Task, at: Date) {
    return {
      at,
      attemptId: asAttemptId(entropy.newId()),
      step: "change",
      status: next.status,
      code: "edited",
    } as const;
  }
}

interface Place {
  /** Its limits count. */
  readonly account: Account;
  readonly isAny: boolean;
  /** Not as before. */
  readonly moves: boolean;
}

/** Places revisions as those of dropped files are placed, each as the edit that it is. */
function placeEdit(deps: PlacePostDeps, asEdit: (revised: Task) => Task) {
  const arrange: ArrangeTask = async (revised, media) => {
    const task = asEdit(revised);
    // Nothing wakes a held task. What this answers is only told on.
    if (task.status === "held") return { publish: { by: "queue", delayMs: 0 }, firstAt: task.slotAt };
    return deps.arrange(task, media);
  };
  return createPlacePost({
    ...deps,
    arrange,
    tasks: {
      ...deps.tasks,
      save(revised, together = {}) {
        const next = asEdit(revised);
        const { log } = together;
        return deps.tasks.save(next, {
          ...together,
          ...(log && { log: { code: "edited", ...log, step: "change", status: next.status } }),
        });
      },
    },
  });
}

const sameTexts = (parts: Content["parts"], others: Content["parts"]): boolean =>
  parts.length === others.length && parts.every(({ text }, index) => text === others[index]?.text);

const isTreatedSo = (task: Task, wanted: Treatment): boolean =>
  task.priority === wanted.priority &&
  task.language === wanted.language &&
  task.maxRetries === wanted.maxRetries &&
  task.reconcile === wanted.reconcile &&
  task.latePolicy.then === wanted.latePolicy.then &&
  task.latePolicy.postWithinMs === wanted.latePolicy.postWithinMs;

/** A slot that was chosen for one account and so many parts need not be free for another, or for more. */
function replannedBy(
  { strategy = "fixed", status, partCount }: Task,
  { parts, moves }: { readonly parts: Content["parts"]; readonly moves: boolean },
): Strategy {
  const isAffected = status !== "held" && (moves || parts.length > partCount);
  return isFlexible(strategy) && isAffected ? strategy : "fixed";
}

/** Whether its owner wanted a medium posted once more that another task has. */
export async function hasUsedMedia(
  tasks: Pick<TaskStore, "getClaim">,
  { id, projectId }: Pick<Task, "id" | "projectId">,
  { media }: Pick<Content, "media">,
): Promise<boolean> {
  const holders = await Promise.all(
    media.map(({ sha256 }) => tasks.getClaim(mediaClaimKey(projectId, sha256))),
  );
  return holders.some((holder) => holder !== undefined && holder !== id);
}

function badText(
  { code, message }: { readonly code: string; readonly message: string },
  texts: readonly string[],
  limits: Parameters<typeof checkPost>[1],
) {
  const known = TEXT_CODES.find((one) => one === code);
  if (!known) throw new RangeError(`no answer is known for ${code}`);
  const isOfOnePart = texts.length > 1 && known !== "too-many-parts";
  const part = isOfOnePart ? texts.findIndex((text) => !checkPost([text], limits).ok) : -1;
  return err({ reason: "bad-text" as const, code: known, message, ...(part >= 0 && { part }) });
}
