import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { unknownProject } from "#functions/middleware/unknown-project.ts";
import { toSourceDefaults, toSourceView } from "#shared/contract/source-view.ts";
import { quote } from "#shared/domain/words.ts";
import type { ChangeSource, DeleteSource } from "#shared/usecases/change-source.ts";
import type { CreateSource } from "#shared/usecases/create-source.ts";
import type { ListSources, ReadSource } from "#shared/usecases/read-source.ts";
import type { ScanSource } from "#shared/usecases/scan-source.ts";
import { unknownAccount } from "./create-refusal.ts";
import { changedSince } from "./stale-version.ts";

export interface SourceRouteDeps {
  readonly createSource: CreateSource;
  readonly listSources: ListSources;
  readonly readSource: ReadSource;
  readonly changeSource: ChangeSource;
  readonly deleteSource: DeleteSource;
  readonly scanSource: ScanSource;
}

const NO_SOURCE = {
  problem: "source-not-found",
  detail: "No project of this key's owner has a folder of this name.",
} as const;

const noAccount = (name: string) =>
  unknownAccount(`The project has no account ${quote(name)}.`, { pointer: "/defaults/account" });

type SourceRoutes = Pick<
  RouteHandlers,
  "createSource" | "listSources" | "readSource" | "updateSource" | "deleteSource" | "scanSource"
>;

/** Folders that files are dropped into: which answer each outcome is. */
export const createSourceRoutes = (usecases: SourceRouteDeps): SourceRoutes => ({
  async createSource({ caller: { ownerId }, body }): Promise<RouteAnswer<"createSource">> {
    const { name: folder, project, defaults, enabled } = body;
    const wish = { folder, project, defaults: toSourceDefaults(defaults), enabled };
    const created = await usecases.createSource(ownerId, wish);
    if (created.ok) {
      const location = `/api/v1/sources/${folder}`;
      return { status: 201, body: toSourceView(created.value), headers: { location } };
    }
    const { error } = created;
    switch (error.reason) {
      case "unknown-project":
        return unknownProject(error.name, error.known, { pointer: "/project" });
      case "unknown-account":
        return noAccount(error.name);
      case "source-taken": {
        const detail = `The folder drop/${folder}/ is taken. Choose another name.`;
        return { problem: "source-taken", detail, errors: [{ pointer: "/name", detail }] };
      }
      case "too-many":
        return {
          problem: "too-many-sources",
          detail: `The project has ${error.limit} folders already, and more are not taken.`,
        };
    }
  },

  async listSources({ caller: { ownerId } }) {
    const sources = await usecases.listSources(ownerId);
    return { status: 200, body: { items: sources.map(toSourceView) } };
  },

  async readSource({ caller: { ownerId }, params }) {
    const read = await usecases.readSource(ownerId, params.name);
    return read.ok ? { status: 200, body: toSourceView(read.value) } : NO_SOURCE;
  },

  async updateSource({ caller: { ownerId }, params, body, ifVersion }): Promise<RouteAnswer<"updateSource">> {
    const { defaults, enabled } = body;
    const changed = await usecases.changeSource(ownerId, params.name, {
      defaults: defaults && toSourceDefaults(defaults),
      enabled,
      ifVersion,
    });
    if (changed.ok) return { status: 200, body: toSourceView(changed.value) };
    const { error } = changed;
    switch (error.reason) {
      case "unknown-source":
        return NO_SOURCE;
      case "unknown-account":
        return noAccount(error.name);
      case "stale":
        return changedSince(error);
    }
  },

  async deleteSource({ caller: { ownerId }, params, ifVersion }): Promise<RouteAnswer<"deleteSource">> {
    const deleted = await usecases.deleteSource(ownerId, params.name, ifVersion);
    if (deleted.ok) return { status: 200, body: toSourceView(deleted.value) };
    return deleted.error.reason === "stale" ? changedSince(deleted.error) : NO_SOURCE;
  },

  async scanSource({ caller: { ownerId }, params }): Promise<RouteAnswer<"scanSource">> {
    const scanned = await usecases.scanSource(ownerId, params.name);
    if (scanned.ok) return { status: 202, body: toSourceView(scanned.value) };
    return scanned.error.reason === "disabled"
      ? { problem: "source-disabled", detail: "The folder is switched off. Enable the source first." }
      : NO_SOURCE;
  },
});
