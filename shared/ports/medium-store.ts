import type { OwnerId, ProjectId, TaskId } from "#shared/domain/ids.ts";
import type { MediaId, StoredMedium } from "#shared/domain/stored-media.ts";
import type { Result } from "#shared/result.ts";

export interface NewestQuery<Id> {
  readonly ownerId: OwnerId;
  /** Only those of this project. Such a list may lag. */
  readonly projectId?: ProjectId | undefined;
  readonly limit: number;
  /** Only older ones than this. */
  readonly before?: Id | undefined;
}

export interface NewestPage<Item, Id> {
  readonly items: readonly Item[];
  /** `before` of the next page; absent on the last one. A page may be short, or empty, and not be the last one. */
  readonly next?: Id;
}

/**
 * Uploaded media of owners. Only the owner's id and the medium's together find one, so nobody reaches another's.
 * Passes `test/contracts/medium-store.ts`.
 */
export interface MediumStore {
  /** A deleted one as well, for a day; not what is forgotten: see `forgottenAt`. */
  get(ownerId: OwnerId, id: MediaId): Promise<StoredMedium | undefined>;
  /** Replaces the medium whose version is one less (version 1: none). */
  save(next: StoredMedium): Promise<Result<void, { readonly reason: "stale" }>>;
  /**
   * Notes that a task takes it, if it is ready: whoever deletes it afterwards sees that, and what was deleted before is
   * not taken. Repeating it notes the later instant: a use whose task does not come into being is void a while after it.
   */
  use(
    ownerId: OwnerId,
    id: MediaId,
    taskId: TaskId,
    at: Date,
  ): Promise<Result<StoredMedium, { readonly reason: "not-ready" }>>;
  forgetUses(ownerId: OwnerId, id: MediaId, taskIds: readonly TaskId[]): Promise<void>;
  /** Newest first, without the deleted ones. */
  list(query: NewestQuery<MediaId>): Promise<NewestPage<StoredMedium, MediaId>>;
}
