import type { OwnerId, TaskId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { readOwnTask } from "./show-tasks.ts";

export interface FindTaskPlaceDeps {
  readonly tasks: Pick<TaskStore, "get">;
  readonly accounts: Pick<AccountStore, "getAccount" | "getProject">;
}

/** Names. */
export interface TaskPlace {
  readonly project: string;
  readonly account: string;
}

/** Where a task belongs; undefined: no task of the owner, or its project or account is gone. */
export type FindTaskPlace = (ownerId: OwnerId, id: TaskId) => Promise<TaskPlace | undefined>;

export function createFindTaskPlace({ tasks, accounts }: FindTaskPlaceDeps): FindTaskPlace {
  return async (ownerId, id) => {
    const task = await readOwnTask(tasks, ownerId, id);
    if (!task) return undefined;
    const [project, account] = await Promise.all([
      accounts.getProject(task.projectId),
      accounts.getAccount(task.accountId),
    ]);
    return project && account && { project: project.name, account: account.name };
  };
}
