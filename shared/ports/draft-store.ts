import type { Draft, DraftId } from "#shared/domain/draft.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { Result } from "#shared/result.ts";
import type { NewestPage, NewestQuery } from "./medium-store.ts";

/**
 * Drafts of owners. Only the owner's id and the draft's together find one, so nobody reaches another's.
 * Passes `test/contracts/draft-store.ts`.
 */
export interface DraftStore {
  /** Not a deleted one. */
  get(ownerId: OwnerId, id: DraftId): Promise<Draft | undefined>;
  /** Replaces the draft whose version is one less (version 1: none). */
  save(next: Draft): Promise<Result<void, { readonly reason: "stale" }>>;
  /** Newest first, without the deleted ones. */
  list(query: NewestQuery<DraftId>): Promise<NewestPage<Draft, DraftId>>;
}
