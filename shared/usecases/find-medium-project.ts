import type { OwnerId } from "#shared/domain/ids.ts";
import type { MediaId } from "#shared/domain/stored-media.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { MediumStore } from "#shared/ports/medium-store.ts";

export interface FindMediumProjectDeps {
  readonly media: Pick<MediumStore, "get">;
  readonly accounts: Pick<AccountStore, "getProject">;
}

/** The name of the project that a medium belongs to; undefined: no medium of the owner. A project that is gone is named by its id. */
export type FindMediumProject = (ownerId: OwnerId, id: MediaId) => Promise<string | undefined>;

export const createFindMediumProject =
  ({ media, accounts }: FindMediumProjectDeps): FindMediumProject =>
  async (ownerId, id) => {
    const stored = await media.get(ownerId, id);
    return stored && ((await accounts.getProject(stored.projectId))?.name ?? stored.projectId);
  };
