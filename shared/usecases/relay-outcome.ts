import type { ProjectId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { DropStore } from "#shared/ports/drop-store.ts";
import type { OutcomeFolder } from "#shared/ports/outcome-folder.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";

export interface RelayOutcomeDeps {
  readonly tasks: Pick<TaskStore, "get" | "getContent">;
  readonly drops: Pick<DropStore, "get">;
  readonly accounts: Pick<AccountStore, "getAccount" | "getProject">;
  readonly outcomes: OutcomeFolder;
}

/** What changed: a drop, named by its folder, or the task of a drop, which knows its project by id. */
export type ChangedDrop =
  | { readonly project: string; readonly base: string }
  | { readonly projectId: ProjectId; readonly base: string };

/** `nothing`: there is no drop, or nothing to say about it yet. */
export type RelayReport = "written" | "superseded" | "nothing";

export type RelayOutcome = (changed: ChangedDrop) => Promise<RelayReport>;

/**
 * Tells people what became of what they dropped.
 *
 * A change is only a hint: the drop and its task are read as they are now, the drop first, and the newest of several
 * writers wins. So repeated, late and reordered changes do no harm.
 *
 * @throws DependencyFault when the bucket does not answer
 */
export function createRelayOutcome({ tasks, drops, accounts, outcomes }: RelayOutcomeDeps): RelayOutcome {
  return async (changed) => {
    const project =
      "project" in changed ? changed.project : (await accounts.getProject(changed.projectId))?.name;
    const drop = project === undefined ? undefined : await drops.get(project, changed.base);
    if (!drop) return "nothing";
    const task = drop.taskId && (await tasks.get(drop.taskId));
    if (!task) return drop.reason ? outcomes.put({ drop }) : "nothing";

    const [content, account] = await Promise.all([
      tasks.getContent(task.id, task.contentRev),
      accounts.getAccount(task.accountId),
    ]);
    if (!content) throw new RangeError(`task ${task.id} has no content of revision ${task.contentRev}`);
    return outcomes.put({ drop, post: { task, content, account: account?.name ?? task.accountId } });
  };
}
