import { type Project, projectVersionOf } from "#shared/domain/account.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import { isFinal, TASK_STATUSES } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import type { RecurrenceStore } from "#shared/ports/recurrence-store.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { StaleVersion } from "./change-own-account.ts";
import { findProject, type UnknownProject } from "./find-project.ts";
import { type ShownProject, type ShowProjectDeps, showProject } from "./read-project.ts";

const PAGE = 100;
const OPEN_STATUSES = TASK_STATUSES.filter((status) => !isFinal(status));

export interface DeleteProjectDeps {
  readonly accounts: ShowProjectDeps &
    Pick<AccountStore, "getProjectByFolder" | "listProjects" | "removeProject">;
  readonly tasks: Pick<TaskStore, "list">;
  readonly recurrences: Pick<RecurrenceStore, "listByOwner">;
  readonly jobs: Pick<JobStore, "getRegister" | "get">;
}

/** What still needs the project. */
export type ProjectUse = "tasks" | "recurrences" | "jobs";

export type DeleteProjectRefusal =
  | UnknownProject
  | StaleVersion
  | { readonly reason: "in-use"; readonly by: readonly ProjectUse[] };

export type DeleteProject = (
  ownerId: OwnerId,
  name: string,
  ifVersion: number | undefined,
) => Promise<Result<ShownProject, DeleteProjectRefusal>>;

/**
 * Deletes a project that nothing needs any more: no task that may still be posted, no recurrence, no job. Its name can be
 * taken again, its folders by this owner. What it posted stays in the lists. A task that comes into being in this very
 * moment is held when it is due, see `PROJECT_GONE`.
 */
export function createDeleteProject({
  accounts,
  tasks,
  recurrences,
  jobs,
}: DeleteProjectDeps): DeleteProject {
  async function hasTasks({ id: projectId }: Project): Promise<boolean> {
    const pages = await Promise.all(
      OPEN_STATUSES.map((status) => tasks.list({ by: "project", projectId, status, limit: 1 })),
    );
    return pages.some(({ items }) => items.length > 0);
  }

  async function hasRecurrences({ id, ownerId }: Project): Promise<boolean> {
    let after: string | undefined;
    do {
      const page = await recurrences.listByOwner(ownerId, {
        limit: PAGE,
        ...(after !== undefined && { after }),
      });
      if (page.items.some(({ projectId }) => projectId === id)) return true;
      after = page.next;
    } while (after !== undefined);
    return false;
  }

  async function hasJobs({ ownerId, name }: Project): Promise<boolean> {
    const { entries } = await jobs.getRegister(ownerId);
    const found = await Promise.all(entries.map(({ id }) => jobs.get(id)));
    return found.some(
      (job) => job && !job.deletedAt && "project" in job.action && job.action.project === name,
    );
  }

  return async (ownerId, name, ifVersion) => {
    const found = await findProject(accounts, ownerId, name);
    if (!found.ok) return found;
    const project = found.value;
    const version = projectVersionOf(project);
    if (ifVersion !== undefined && ifVersion !== version) return err({ reason: "stale", version });
    const [withTasks, withRecurrences, withJobs] = await Promise.all([
      hasTasks(project),
      hasRecurrences(project),
      hasJobs(project),
    ]);
    const by: readonly ProjectUse[] = [
      ...(withTasks ? (["tasks"] as const) : []),
      ...(withRecurrences ? (["recurrences"] as const) : []),
      ...(withJobs ? (["jobs"] as const) : []),
    ];
    if (by.length > 0) return err({ reason: "in-use", by });
    const shown = await showProject(accounts, project);
    const removed = await accounts.removeProject(project);
    return removed.ok ? ok(shown) : err({ reason: "stale", version: version + 1 });
  };
}
