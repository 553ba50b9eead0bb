import type { ProjectId, TaskId } from "#shared/domain/ids.ts";
import { type Outcome, type OutcomeVersion, versionOf } from "#shared/domain/outcome.ts";
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
  | { readonly project: string; readonly base: string; readonly version: number }
  | {
      readonly projectId: ProjectId;
      /** Absent: the folder of the project's name. */
      readonly folder?: string;
      readonly base: string;
      readonly taskId: TaskId;
      readonly version: number;
    };

/** `nothing`: there is no drop, or nothing to say about it yet. */
export type RelayReport = "written" | "superseded" | "nothing";

export type RelayOutcome = (changed: ChangedDrop) => Promise<RelayReport>;

/** Outcomes of which the newest version is remembered; a life of a post has some six changes, close together. */
const REMEMBERED = 10_000;

interface Told {
  readonly version: OutcomeVersion;
  readonly taskId: TaskId | undefined;
}

/**
 * Tells people what became of what they dropped.
 *
 * A change is only a hint: the drop and its task are read as they are now, the drop first, and the newest of several
 * writers wins. So repeated, late and reordered changes do no harm. A change that an outcome written from here
 * shows already costs nothing.
 *
 * @throws DependencyFault when the bucket does not answer
 */
export function createRelayOutcome({ tasks, drops, accounts, outcomes }: RelayOutcomeDeps): RelayOutcome {
  /** A project keeps its name for ever. */
  const folders = new Map<ProjectId, string>();
  /** Oldest first. */
  const told = new Map<string, Told>();

  async function folderOf(id: ProjectId): Promise<string | undefined> {
    const folder = folders.get(id) ?? (await accounts.getProject(id))?.name;
    if (folder !== undefined) folders.set(id, folder);
    return folder;
  }

  async function write(outcome: Outcome): Promise<RelayReport> {
    const { drop, post } = outcome;
    const report = await outcomes.put(outcome);
    const key = keyOf(drop.project, drop.base);
    told.delete(key);
    told.set(key, { version: versionOf(outcome), taskId: post?.task.id });
    const [oldest] = told.keys();
    if (told.size > REMEMBERED && oldest !== undefined) told.delete(oldest);
    return report;
  }

  return async (changed) => {
    const project =
      "project" in changed ? changed.project : (changed.folder ?? (await folderOf(changed.projectId)));
    if (project === undefined) return "nothing";
    if (isTold(told.get(keyOf(project, changed.base)), changed)) return "superseded";
    const drop = await drops.get(project, changed.base);
    if (!drop) return "nothing";
    const task = drop.taskId && (await tasks.get(drop.taskId));
    if (!task) return drop.reason ? write({ drop }) : "nothing";

    const [content, account, owner] = await Promise.all([
      tasks.getContent(task),
      accounts.getAccount(task.accountId),
      accounts.getProject(task.projectId),
    ]);
    if (!content) throw new RangeError(`task ${task.id} has no content of revision ${task.contentRev}`);
    return write({
      drop,
      post: { task, content, account: account?.name ?? task.accountId, timeZone: owner?.timeZone ?? "UTC" },
    });
  };
}

const keyOf = (project: string, base: string): string => `${project}/${base}`;

const isTold = (told: Told | undefined, changed: ChangedDrop): boolean => {
  if (!told) return false;
  if ("project" in changed) return changed.version <= told.version.drop;
  return changed.taskId === told.taskId && changed.version <= told.version.task;
};
