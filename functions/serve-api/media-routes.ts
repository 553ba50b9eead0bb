import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { unknownProject } from "#functions/middleware/unknown-project.ts";
import { toMediaCreated, toMediaView } from "#shared/contract/media-view.ts";
import { asMediaId } from "#shared/domain/stored-media.ts";
import type { CreateMedium } from "#shared/usecases/create-medium.ts";
import type { DeleteMedium } from "#shared/usecases/delete-medium.ts";
import type { ListMedia, ReadMedium } from "#shared/usecases/read-medium.ts";
import { badCursor } from "./bad-cursor.ts";

export interface MediaRouteDeps {
  readonly createMedium: CreateMedium;
  readonly listMedia: ListMedia;
  readonly readMedium: ReadMedium;
  readonly deleteMedium: DeleteMedium;
}

const NO_MEDIUM = {
  problem: "media-not-found",
  detail: "No medium of this key's owner has this id.",
} as const;

type MediaRoutes = Pick<RouteHandlers, "createMedia" | "listMedia" | "readMedia" | "deleteMedia">;

/** Uploaded media: which answer each outcome is. */
export const createMediaRoutes = (usecases: MediaRouteDeps): MediaRoutes => ({
  async createMedia({ caller: { ownerId }, body, newId }): Promise<RouteAnswer<"createMedia">> {
    const created = await usecases.createMedium(
      { ownerId, ...body },
      newId === undefined ? undefined : asMediaId(newId),
    );
    if (created.ok) {
      const media = toMediaCreated(created.value);
      return { status: 201, body: media, headers: { location: `/api/v1/media/${media.id}` } };
    }
    const { error } = created;
    if (error.reason === "unknown-project")
      return unknownProject(error.name, error.known, { pointer: "/project" });
    const detail = `${error.why.message} ${error.why.remedy}`;
    return { problem: "media-too-large", detail, errors: [{ pointer: "/sizeBytes", detail }] };
  },

  async listMedia({ caller: { ownerId }, query }): Promise<RouteAnswer<"listMedia">> {
    const listed = await usecases.listMedia({ ownerId, ...query });
    if (listed.ok) {
      const { items, next } = listed.value;
      return { status: 200, body: { items: items.map(toMediaView), ...(next !== undefined && { next }) } };
    }
    const { error } = listed;
    return error.reason === "bad-cursor"
      ? badCursor
      : unknownProject(error.name, error.known, { parameter: "project" });
  },

  async readMedia({ caller: { ownerId }, params }) {
    const read = await usecases.readMedium(ownerId, params.id);
    return read.ok ? { status: 200, body: toMediaView(read.value) } : NO_MEDIUM;
  },

  async deleteMedia({ caller: { ownerId }, params }): Promise<RouteAnswer<"deleteMedia">> {
    const deleted = await usecases.deleteMedium(ownerId, params.id);
    if (deleted.ok) return { status: 200, body: toMediaView(deleted.value) };
    const { error } = deleted;
    switch (error.reason) {
      case "not-found":
        return NO_MEDIUM;
      case "in-use":
        return {
          problem: "media-in-use",
          detail: `The task ${error.by} uses it. Cancel the task first, or wait until it has ended.`,
        };
      case "conflict":
        return { problem: "media-conflict", detail: "New tasks kept taking it. Try again." };
    }
  },
});
