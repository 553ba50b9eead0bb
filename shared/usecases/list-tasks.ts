import { createHash } from "node:crypto";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { TaskStatus } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { TaskQuery, TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { findAccount, findProject, type UnknownAccount, type UnknownProject } from "./find-project.ts";
import type { ShownTask, ShowTasks } from "./show-tasks.ts";

export interface ListTasksDeps {
  readonly tasks: Pick<TaskStore, "list">;
  readonly accounts: AccountStore;
  readonly show: ShowTasks;
}

export type TaskFilter =
  | { readonly by: "owner" }
  | { readonly by: "project"; readonly project: string; readonly status: TaskStatus }
  | { readonly by: "account"; readonly account: string };

export interface ListTasksRequest {
  readonly ownerId: OwnerId;
  readonly filter: TaskFilter;
  /** 1 to 100. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
}

export interface TaskList {
  /** Earliest slot first. Indexes lag: what was just changed may be shown as it was, or not yet. */
  readonly items: readonly ShownTask[];
  /** Absent: the last page. */
  readonly next?: string;
}

export type ListTasksRefusal = UnknownProject | UnknownAccount | { readonly reason: "bad-cursor" };

export type ListTasks = (wanted: ListTasksRequest) => Promise<Result<TaskList, ListTasksRefusal>>;

/** Lists an owner's tasks by one index query, so that a page costs the same however many tasks there are. */
export function createListTasks({ tasks, accounts, show }: ListTasksDeps): ListTasks {
  async function subjectOf(
    ownerId: OwnerId,
    filter: TaskFilter,
  ): Promise<Result<TaskSubject, ListTasksRefusal>> {
    switch (filter.by) {
      case "owner":
        return ok({ by: "owner", ownerId });
      case "project": {
        const project = await findProject(accounts, ownerId, filter.project);
        return project.ok
          ? ok({ by: "project", projectId: project.value.id, status: filter.status })
          : project;
      }
      case "account": {
        const account = await findAccount(accounts, ownerId, filter.account);
        return account.ok ? ok({ by: "account", accountId: account.value.id }) : account;
      }
    }
  }

  return async ({ ownerId, filter, limit, cursor }) => {
    const subject = await subjectOf(ownerId, filter);
    if (!subject.ok) return subject;
    const list = `${ownerId}\n${JSON.stringify(subject.value)}`;
    const after = cursor === undefined ? undefined : readCursor(list, cursor);
    if (cursor !== undefined && after === undefined) return err({ reason: "bad-cursor" });
    const page = await tasks.list({ ...subject.value, limit, ...(after !== undefined && { after }) });
    const items = await show(page.items.filter((task) => task.ownerId === ownerId));
    return ok({ items, ...(page.next !== undefined && { next: formatCursor(list, page.next) }) });
  };
}

type WithoutPaging<Query> = Query extends unknown ? Omit<Query, "limit" | "after"> : never;
type TaskSubject = WithoutPaging<TaskQuery>;

/** Where pages of the task store start: `<slot>#<id>`. Anything else never reaches it. */
const POSITION = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#[0-9A-Z]{26}$/;
const CHECK_LENGTH = 12;

/**
 * A cursor is bound to its list. It protects nothing: a position in the owner's own list is no secret, and which list
 * is read is decided by the key. It only keeps a cursor of one list from silently skipping tasks of another.
 */
const checkOf = (list: string, position: string): string =>
  createHash("sha256").update(`${list}\n${position}`).digest("base64url").slice(0, CHECK_LENGTH);

const formatCursor = (list: string, position: string): string =>
  `${Buffer.from(position).toString("base64url")}.${checkOf(list, position)}`;

function readCursor(list: string, cursor: string): string | undefined {
  const position = Buffer.from(cursor.split(".")[0] ?? "", "base64url").toString();
  return POSITION.test(position) && formatCursor(list, position) === cursor ? position : undefined;
}
