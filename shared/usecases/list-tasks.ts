import type { OwnerId } from "#shared/domain/ids.ts";
import { TASK_STATUSES, type Task, type TaskStatus } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Page, TaskStore } from "#shared/ports/task-store.ts";
import { ok, type Result } from "#shared/result.ts";
import { findAccount, findProject, type UnknownAccount, type UnknownProject } from "./find-project.ts";
import { mergeTaskPages, positionOf } from "./merge-task-pages.ts";
import type { ShownTask, ShowTasks } from "./show-tasks.ts";

/** Tasks that are looked through together where not all of a list are wanted. */
const LOOKED_PAGE = 100;
/** After so many of these the page is answered as it is, even if it is empty: its `next` goes on. */
const MAX_LOOKED_PAGES = 10;

export interface ListTasksDeps {
  readonly tasks: Pick<TaskStore, "list">;
  readonly accounts: AccountStore;
  readonly show: ShowTasks;
}

/** Whatever is given has to fit. */
export interface TaskFilter {
  /** Names. */
  readonly project?: string | undefined;
  readonly account?: string | undefined;
  readonly status?: TaskStatus | undefined;
  /** Of slots; `until` itself is not included. */
  readonly from?: Date | undefined;
  readonly until?: Date | undefined;
}

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
  /** Absent: the last page. A page may have fewer items than were asked for, and be followed by others. */
  readonly next?: string;
}

export type ListTasksRefusal = UnknownProject | UnknownAccount;

export type ListTasks = (wanted: ListTasksRequest) => Promise<Result<TaskList, ListTasksRefusal>>;

/** One of the lists that the indexes keep, and what of it is wanted. */
interface TaskSelection {
  /** @param after - a position: only what comes after it */
  readonly read: (limit: number, after: string | undefined) => Promise<Page<Task>>;
  /** Absent: all of it. */
  readonly fits?: (task: Task) => boolean;
}

/**
 * Lists an owner's tasks by the narrowest index there is, so that a page costs the same however many tasks others have:
 *
 * - a project in one status: one query; in all of them: one for each status, merged
 * - an account, or all of the owner: one query; what does not fit is passed over, at most 1,000 tasks for one page
 */
export function createListTasks({ tasks, accounts, show }: ListTasksDeps): ListTasks {
  const listBy =
    (subject: Subject) =>
    (limit: number, after: string | undefined): Promise<Page<Task>> =>
      tasks.list({ ...subject, limit, ...(after !== undefined && { after }) });

  async function sourceOf(
    ownerId: OwnerId,
    { project: projectName, account: accountName, status }: TaskFilter,
  ): Promise<Result<TaskSelection, ListTasksRefusal>> {
    const project = projectName === undefined ? undefined : await findProject(accounts, ownerId, projectName);
    if (project && !project.ok) return project;
    const projectId = project?.value.id;
    if (accountName !== undefined) {
      const account = await findAccount(accounts, ownerId, accountName, project?.value);
      if (!account.ok) return account;
      const fits = (task: Task) =>
        (status === undefined || task.status === status) &&
        (projectId === undefined || task.projectId === projectId);
      return ok({
        read: listBy({ by: "account", accountId: account.value.id }),
        ...((status ?? projectId) !== undefined && { fits }),
      });
    }
    if (projectId === undefined)
      return ok({
        read: listBy({ by: "owner", ownerId }),
        ...(status !== undefined && { fits: (task: Task) => task.status === status }),
      });
    if (status !== undefined) return ok({ read: listBy({ by: "project", projectId, status }) });
    const lists = TASK_STATUSES.map((one) => listBy({ by: "project", projectId, status: one }));
    return ok({
      read: async (limit, after) =>
        mergeTaskPages(await Promise.all(lists.map((read) => read(limit, after))), limit),
    });
  }

  return async ({ ownerId, filter, limit, cursor }) => {
    const source = await sourceOf(ownerId, filter);
    if (!source.ok) return source;
    const { until } = filter;
    const start = cursor ?? (filter.from && beginningAt(filter.from));
    const page = await readPage(source.value, { limit, start, until });
    const items = await show(page.items.filter((task) => task.ownerId === ownerId));
    return ok({ items, ...(page.next !== undefined && { next: page.next }) });
  };
}

type Subject =
  | { readonly by: "owner"; readonly ownerId: OwnerId }
  | { readonly by: "project"; readonly projectId: Task["projectId"]; readonly status: TaskStatus }
  | { readonly by: "account"; readonly accountId: Task["accountId"] };

/** Before every task of that instant. */
const beginningAt = (from: Date): string => `${from.toISOString()}#${"0".repeat(26)}`;

/** Reads on until it is known what follows the page, the list or the range is over, or enough was looked through. */
async function readPage(
  { read, fits }: TaskSelection,
  {
    limit,
    start,
    until,
  }: { readonly limit: number; readonly start: string | undefined; readonly until: Date | undefined },
): Promise<Page<Task>> {
  const items: Task[] = [];
  let after = start;
  for (let pages = 0; pages < MAX_LOOKED_PAGES; pages++) {
    // One more than is shown: only what is seen to follow is promised.
    const page = await read(fits ? LOOKED_PAGE : limit + 1, after);
    for (const task of page.items) {
      if (until && task.slotAt >= until) return { items };
      if (fits && !fits(task)) continue;
      const last = items[limit - 1];
      if (last) return { items, next: positionOf(last) };
      items.push(task);
    }
    if (page.next === undefined) return { items };
    after = page.next;
  }
  return { items, ...(after !== undefined && { next: after }) };
}
