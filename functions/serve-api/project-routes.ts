import { callerInWords } from "#functions/middleware/http-caller.ts";
import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { toProjectCreated, toProjectView } from "#shared/contract/project-view.ts";
import { quote } from "#shared/domain/words.ts";
import type { ChangeProject } from "#shared/usecases/change-project.ts";
import type { CreateProject } from "#shared/usecases/create-project.ts";
import type { DeleteProject } from "#shared/usecases/delete-project.ts";
import type { ListProjects, ReadProject } from "#shared/usecases/read-project.ts";
import { unknownAccount } from "./create-refusal.ts";
import { changedSince } from "./stale-version.ts";

export interface ProjectRouteDeps {
  readonly createProject: CreateProject;
  readonly listProjects: ListProjects;
  readonly readProject: ReadProject;
  readonly changeProject: ChangeProject;
  readonly deleteProject: DeleteProject;
}

const NO_PROJECT = {
  problem: "project-not-found",
  detail: "No project of this key's owner has this name.",
} as const;

const noAccount = (name: string) =>
  unknownAccount(`There is no account ${quote(name)}.`, { pointer: "/accounts" });
const foreignDefault = (name: string) =>
  unknownAccount(`The account ${quote(name)} is none of the project's.`, { pointer: "/defaultAccount" });

type ProjectRoutes = Pick<
  RouteHandlers,
  "createProject" | "listProjects" | "readProject" | "updateProject" | "deleteProject"
>;

/** Projects: which answer each outcome is. */
export const createProjectRoutes = (usecases: ProjectRouteDeps): ProjectRoutes => ({
  async createProject({ caller, body, newId }): Promise<RouteAnswer<"createProject">> {
    const wish = { ...body, by: callerInWords(caller), id: newId };
    const created = await usecases.createProject(caller.ownerId, wish);
    if (created.ok) {
      const project = toProjectCreated(created.value);
      return { status: 201, body: project, headers: { location: `/api/v1/projects/${project.name}` } };
    }
    const { error } = created;
    switch (error.reason) {
      case "unknown-account":
        return noAccount(error.name);
      case "foreign-default":
        return foreignDefault(error.name);
      case "name-taken": {
        const detail = `There is a project ${quote(body.name)} already.`;
        return { problem: "project-name-taken", detail, errors: [{ pointer: "/name", detail }] };
      }
      case "bad-zone": {
        const detail = `There is no time zone ${quote(error.timeZone)}. Write one such as Europe/Berlin.`;
        return { problem: "bad-zone", detail, errors: [{ pointer: "/timeZone", detail }] };
      }
      case "too-many":
        return {
          problem: "too-many-projects",
          detail: `There are ${error.limit} projects already, and more are not taken. Delete one first.`,
        };
    }
  },

  async listProjects({ caller: { ownerId } }) {
    const projects = await usecases.listProjects(ownerId);
    return { status: 200, body: { items: projects.map(toProjectView) } };
  },

  async readProject({ caller: { ownerId }, params }) {
    const read = await usecases.readProject(ownerId, params.name);
    return read.ok ? { status: 200, body: toProjectView(read.value) } : NO_PROJECT;
  },

  async updateProject({
    caller: { ownerId },
    params,
    body,
    ifVersion,
  }): Promise<RouteAnswer<"updateProject">> {
    const changed = await usecases.changeProject(ownerId, params.name, { ...body, ifVersion });
    if (changed.ok) return { status: 200, body: toProjectView(changed.value) };
    const { error } = changed;
    switch (error.reason) {
      case "unknown-project":
        return NO_PROJECT;
      case "unknown-account":
        return noAccount(error.name);
      case "foreign-default":
        return foreignDefault(error.name);
      case "stale":
        return changedSince(error);
    }
  },

  async deleteProject({ caller: { ownerId }, params, ifVersion }): Promise<RouteAnswer<"deleteProject">> {
    const deleted = await usecases.deleteProject(ownerId, params.name, ifVersion);
    if (deleted.ok) return { status: 200, body: toProjectView(deleted.value) };
    const { error } = deleted;
    switch (error.reason) {
      case "unknown-project":
        return NO_PROJECT;
      case "stale":
        return changedSince(error);
      case "in-use":
        return {
          problem: "project-in-use",
          detail: `The project has open ${error.by.join(" and ")}. Cancel or delete them first.`,
        };
    }
  },
});
