import type { Project } from "#shared/domain/account.ts";
import type { AccountId, OwnerId, ProjectId, TaskId } from "#shared/domain/ids.ts";
import type { Content, Task } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";

/** A task with everything that a person wants to see of it. */
export interface ShownTask {
  readonly task: Task;
  readonly content: Content;
  /** Names, as people know them. */
  readonly project: string;
  readonly account: string;
  /** Of the project: IANA name. */
  readonly timeZone: string;
}

export interface ShowTasksDeps {
  readonly tasks: Pick<TaskStore, "getContents">;
  readonly accounts: Pick<AccountStore, "getProject" | "getAccount">;
}

/** In the order given. */
export type ShowTasks = (found: readonly Task[]) => Promise<readonly ShownTask[]>;

/**
 * Texts are read together; every project and account once, however many tasks share it. One that is gone is shown by its
 * id, and in UTC.
 */
export function createShowTasks({ tasks, accounts }: ShowTasksDeps): ShowTasks {
  return async (found) => {
    const projects = new Map<ProjectId, Promise<Pick<Project, "name" | "timeZone">>>();
    const names = new Map<AccountId, Promise<string>>();
    const projectOf = (id: ProjectId) =>
      remember(projects, id, async () => (await accounts.getProject(id)) ?? { name: id, timeZone: "UTC" });
    const accountOf = (id: AccountId) =>
      remember(names, id, async () => (await accounts.getAccount(id))?.name ?? id);

    const reading = tasks.getContents(found);
    return Promise.all(
      found.map(async (task) => {
        const [contents, project, account] = await Promise.all([
          reading,
          projectOf(task.projectId),
          accountOf(task.accountId),
        ]);
        const content = contents.get(task.id);
        if (!content) throw new RangeError(`task ${task.id} has no content of revision ${task.contentRev}`);
        return { task, content, project: project.name, account, timeZone: project.timeZone };
      }),
    );
  };
}

/** Shows one task. */
export async function showTask(show: ShowTasks, task: Task): Promise<ShownTask> {
  const [shown] = await show([task]);
  if (!shown) throw new RangeError(`task ${task.id} was not shown`);
  return shown;
}

/** Shows a task that was just written, as it is by now: arranging it has written it once more. */
export const showStored = async (
  tasks: Pick<TaskStore, "get">,
  show: ShowTasks,
  written: Task,
): Promise<ShownTask> => showTask(show, (await tasks.get(written.id)) ?? written);

/** A task of this owner. Another owner's is the same as one that does not exist. */
export async function readOwnTask(
  tasks: Pick<TaskStore, "get">,
  ownerId: OwnerId,
  id: TaskId,
): Promise<Task | undefined> {
  const task = await tasks.get(id);
  return task?.ownerId === ownerId ? task : undefined;
}

function remember<Key, Value>(memory: Map<Key, Promise<Value>>, key: Key, read: () => Promise<Value>) {
  const known = memory.get(key) ?? read();
  memory.set(key, known);
  return known;
}
