import { approved, approving, type Draft, decideApproval } from "#shared/domain/draft.ts";
import { asTaskId, type TaskId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { DraftStore } from "#shared/ports/draft-store.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { changeOwnDraft, type OwnDraft, type OwnDraftRefusal } from "./change-draft.ts";
import type { CreatedTask, CreateTask, CreateTaskRefusal, NewTask } from "./create-task.ts";
import { projectNames } from "./project-names.ts";
import { readOwnTask, type ShowTasks, showTask } from "./show-tasks.ts";

export interface ApproveDraftDeps {
  readonly drafts: Pick<DraftStore, "get" | "save">;
  readonly tasks: Pick<TaskStore, "get">;
  readonly accounts: Pick<AccountStore, "getProject">;
  readonly createTask: CreateTask;
  readonly show: ShowTasks;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

/** What a post needs besides what the draft says. */
export interface ApprovalWish
  extends Omit<NewTask, "ownerId" | "id" | "project" | "texts" | "language" | "media"> {
  /** Another task of a draft that is approved already. */
  readonly again: boolean;
}

export type ApproveRefusal =
  | OwnDraftRefusal
  /** No task can be made of it. @param project - name of the draft's */
  | { readonly reason: "refused"; readonly why: CreateTaskRefusal; readonly project: string }
  | { readonly reason: "approved"; readonly taskId: TaskId };

/**
 * Makes a task of a draft, once.
 *
 * The task's id is written into the draft first, on the condition that nobody changed it; then the task is made under
 * that id, on the condition that there is none; then the draft is marked. Whoever finds a draft that is not marked goes
 * on with its id: so an answer that was lost, a process that died, or two requests at once never make a second task.
 *
 * @param newId - of the task. Absent: any. A draft that was approved with it is answered with its task
 * @throws whatever the table throws; the next approval finds the task, if it was made
 */
export type ApproveDraft = (
  which: OwnDraft,
  wish: ApprovalWish,
  newId?: TaskId,
) => Promise<Result<CreatedTask, ApproveRefusal>>;

/** A draft whose task has an id. */
interface Begun {
  readonly draft: Draft;
  readonly taskId: TaskId;
}

export function createApproveDraft(deps: ApproveDraftDeps): ApproveDraft {
  const { drafts, tasks, accounts, createTask, show, clock, entropy } = deps;

  async function begin(
    which: OwnDraft,
    again: boolean,
    newId: TaskId | undefined,
  ): Promise<Result<Begun, ApproveRefusal>> {
    let taskId = newId ?? asTaskId(entropy.newId());
    const begun = await changeOwnDraft(drafts, which, (draft): Result<Draft, ApproveRefusal> => {
      const decision = decideApproval(draft, again);
      if (decision.kind === "approved") return err({ reason: "approved", taskId: decision.taskId });
      if (decision.kind === "resume") taskId = decision.taskId;
      return ok(approving(draft, taskId, clock.now()));
    });
    return begun.ok ? ok({ draft: begun.value.after, taskId }) : begun;
  }

  /** Marks the draft, unless somebody else did, deleted it, or began another approval since. */
  async function finish(which: Pick<OwnDraft, "ownerId" | "id">, taskId: TaskId): Promise<void> {
    await changeOwnDraft(drafts, which, (draft) =>
      draft.nextTaskId === taskId ? ok(approved(draft, clock.now())) : err({ reason: "settled" as const }),
    );
  }

  async function make(
    draft: Draft,
    wish: Omit<ApprovalWish, "again">,
    id: TaskId,
  ): Promise<Result<CreatedTask, ApproveRefusal>> {
    const { ownerId, projectId, text, thread, language, media } = draft;
    const made = await findTask(ownerId, id);
    if (made) return ok(made);
    const project = await projectNames(accounts)(projectId);
    const texts = thread ?? [text ?? ""];
    try {
      const created = await createTask({ ...wish, ownerId, id, project, texts, language, media });
      return created.ok ? created : err({ reason: "refused", why: created.error, project });
    } catch (error) {
      // Another request with the same id was faster, or only the answer was lost.
      const task = await findTask(ownerId, id);
      if (task) return ok(task);
      throw error;
    }
  }

  async function findTask(ownerId: OwnDraft["ownerId"], taskId: TaskId): Promise<CreatedTask | undefined> {
    const task = await readOwnTask(tasks, ownerId, taskId);
    return task && showTask(show, task);
  }

  return async ({ ownerId, id, ifVersion }, { again, ...wish }, newId) => {
    const before = newId === undefined ? undefined : await drafts.get(ownerId, id);
    if (newId !== undefined && before?.taskId === newId) {
      const made = await findTask(ownerId, newId);
      if (made) return ok(made);
    }
    // A request that is repeated has changed the version itself.
    const isRepeated = newId !== undefined && before?.nextTaskId === newId;
    const which = { ownerId, id, ifVersion: isRepeated ? undefined : ifVersion };
    const begun = await begin(which, again, newId);
    if (!begun.ok) return begun;
    const { draft, taskId } = begun.value;
    const created = await make(draft, wish, taskId);
    if (created.ok) await finish(which, taskId);
    return created;
  };
}
