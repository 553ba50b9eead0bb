import type { OwnerId } from "#shared/domain/ids.ts";
import { asMediaId, type MediaId, type StoredMedium } from "#shared/domain/stored-media.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { MediumStore } from "#shared/ports/medium-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { findProject, type UnknownProject } from "./find-project.ts";
import { projectNames } from "./project-names.ts";

export interface ReadMediumDeps {
  readonly media: Pick<MediumStore, "get" | "list">;
  readonly accounts: AccountStore;
  readonly clock: Pick<Clock, "now">;
}

export interface ShownMedium {
  readonly medium: StoredMedium;
  /** Name of its project. */
  readonly project: string;
  readonly now: Date;
}

/** Another owner's medium is refused like one that does not exist. */
export type ReadMedium = (
  ownerId: OwnerId,
  id: MediaId,
) => Promise<Result<ShownMedium, { readonly reason: "not-found" }>>;

export function createReadMedium({ media, accounts, clock }: ReadMediumDeps): ReadMedium {
  return async (ownerId, id) => {
    const medium = await media.get(ownerId, id);
    if (!medium || medium.deletedAt) return err({ reason: "not-found" });
    return ok({ medium, project: await projectNames(accounts)(medium.projectId), now: clock.now() });
  };
}

export interface ListNewest {
  readonly ownerId: OwnerId;
  /** Name of a project. Absent: all of them. */
  readonly project?: string | undefined;
  /** 1 to 100. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
}

export interface NewestList<Item> {
  readonly items: readonly Item[];
  /** Absent: the last page. */
  readonly next?: string;
}

export type ListNewestRefusal = UnknownProject | { readonly reason: "bad-cursor" };

/** Positions are ids. */
export const isPosition = (cursor: string): boolean => /^[0-9A-HJKMNP-TV-Z]{26}$/.test(cursor);

/** Newest first. */
export type ListMedia = (wanted: ListNewest) => Promise<Result<NewestList<ShownMedium>, ListNewestRefusal>>;

export function createListMedia({ media, accounts, clock }: ReadMediumDeps): ListMedia {
  return async ({ ownerId, project: name, limit, cursor }) => {
    if (cursor !== undefined && !isPosition(cursor)) return err({ reason: "bad-cursor" });
    const project = name === undefined ? undefined : await findProject(accounts, ownerId, name);
    if (project && !project.ok) return project;
    const { items, next } = await media.list({
      ownerId,
      projectId: project?.value.id,
      limit,
      before: cursor === undefined ? undefined : asMediaId(cursor),
    });
    const nameOf = projectNames(accounts);
    const now = clock.now();
    const shown = items
      .filter((medium) => medium.ownerId === ownerId)
      .map(async (medium) => ({ medium, project: await nameOf(medium.projectId), now }));
    return ok({ items: await Promise.all(shown), ...(next !== undefined && { next }) });
  };
}
