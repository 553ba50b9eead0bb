import type { OwnerId } from "#shared/domain/ids.ts";
import { POOL_STATUSES } from "#shared/domain/publish-pool.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { findProject, type UnknownProject } from "./find-project.ts";
import { mergeTaskPages } from "./merge-task-pages.ts";
import type { ShownTask, ShowTasks } from "./show-tasks.ts";

export interface ListPoolDeps {
  readonly tasks: Pick<TaskStore, "list">;
  readonly accounts: AccountStore;
  readonly show: ShowTasks;
}

export interface ListPoolRequest {
  readonly ownerId: OwnerId;
  /** Name of a project. Absent: all of them. */
  readonly project?: string | undefined;
  /** 1 to 100. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
}

export interface PoolPage {
  /** What is still to be published, earliest slot first. Indexes lag by about a second. */
  readonly items: readonly ShownTask[];
  /** Absent: the last page. */
  readonly next?: string;
}

export type ListPoolRefusal = UnknownProject | { readonly reason: "bad-cursor" };

export type ListPool = (wanted: ListPoolRequest) => Promise<Result<PoolPage, ListPoolRefusal>>;

/** Index partitions read side by side. */
const AT_ONCE = 12;
const POSITION = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#[0-9A-HJKMNP-TV-Z]{26}$/;

/** The projects of an owner that a request is about. */
export async function findProjects(
  accounts: AccountStore,
  ownerId: OwnerId,
  name: string | undefined,
): Promise<Result<Awaited<ReturnType<AccountStore["listProjects"]>>, UnknownProject>> {
  if (name === undefined) return ok(await accounts.listProjects(ownerId));
  const project = await findProject(accounts, ownerId, name);
  return project.ok ? ok([project.value]) : project;
}

/** Several things at a time. */
export async function inGroups<Given, Done>(
  given: readonly Given[],
  size: number,
  work: (one: Given) => Promise<Done>,
): Promise<readonly Done[]> {
  const done: Done[] = [];
  for (let start = 0; start < given.length; start += size)
    done.push(...(await Promise.all(given.slice(start, start + size).map(work))));
  return done;
}

/**
 * Merges one page of each project and status: what was published long ago is never read, so a page costs the same
 * however old the owner's pool is.
 */
export function createListPool({ tasks, accounts, show }: ListPoolDeps): ListPool {
  return async ({ ownerId, project, limit, cursor }) => {
    if (cursor !== undefined && !POSITION.test(cursor)) return err({ reason: "bad-cursor" });
    const projects = await findProjects(accounts, ownerId, project);
    if (!projects.ok) return projects;
    const partitions = projects.value.flatMap(({ id }) => POOL_STATUSES.map((status) => ({ id, status })));
    const pages = await inGroups(partitions, AT_ONCE, ({ id, status }) =>
      tasks.list({
        by: "project",
        projectId: id,
        status,
        limit,
        ...(cursor !== undefined && { after: cursor }),
      }),
    );
    const { items: shown, next } = mergeTaskPages(pages, limit);
    const items = await show(shown.filter((task) => task.ownerId === ownerId));
    return ok({ items, ...(next !== undefined && { next }) });
  };
}
