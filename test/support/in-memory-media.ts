import type { OwnerId, ProjectId } from "#shared/domain/ids.ts";
import { forgottenAt, type MediaId, type StoredMedium } from "#shared/domain/stored-media.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { MediaBucket } from "#shared/ports/media-bucket.ts";
import type { MediumStore, NewestPage, NewestQuery } from "#shared/ports/medium-store.ts";
import type { FormWish, UploadForms } from "#shared/ports/upload-forms.ts";
import { err, ok } from "#shared/result.ts";

interface Owned<Id> {
  readonly id: Id;
  readonly ownerId: OwnerId;
  readonly projectId: ProjectId;
  readonly deletedAt?: Date;
}

export function newestFirst<Id extends string, Item extends Owned<Id>>(
  all: readonly Item[],
  { ownerId, projectId, limit, before }: NewestQuery<Id>,
): NewestPage<Item, Id> {
  const found = all
    .filter((item) => !item.deletedAt && (before === undefined || item.id < before))
    .filter((item) => (projectId === undefined ? item.ownerId === ownerId : item.projectId === projectId))
    .toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, ...(found.length > limit && last && { next: last.id }) };
}

/** The same promises as the DynamoDB store, kept honest by the contract that both run. */
export function createInMemoryMedia(clock: Pick<Clock, "now">): MediumStore {
  const media = new Map<string, StoredMedium>();
  const keyOf = (ownerId: OwnerId, id: MediaId) => `${ownerId}/${id}`;
  const isKept = (medium: StoredMedium): boolean => {
    const goneAt = forgottenAt(medium);
    return goneAt === undefined || goneAt > clock.now();
  };
  return {
    async get(ownerId, id) {
      const medium = media.get(keyOf(ownerId, id));
      return medium && isKept(medium) ? medium : undefined;
    },
    async save(next) {
      const key = keyOf(next.ownerId, next.id);
      if ((media.get(key)?.version ?? 0) !== next.version - 1) return err({ reason: "stale" });
      media.set(key, next);
      return ok(undefined);
    },
    async use(ownerId, id, taskId, at) {
      const medium = media.get(keyOf(ownerId, id));
      if (medium?.status !== "ready" || medium.deletedAt) return err({ reason: "not-ready" });
      const next = { ...medium, uses: { ...medium.uses, [taskId]: at }, version: medium.version + 1 };
      media.set(keyOf(ownerId, id), next);
      return ok(next);
    },
    async forgetUses(ownerId, id, taskIds) {
      const medium = media.get(keyOf(ownerId, id));
      if (!medium || taskIds.length === 0) return;
      const uses = Object.fromEntries(
        Object.entries(medium.uses).filter(([taskId]) => !taskIds.includes(taskId as never)),
      );
      media.set(keyOf(ownerId, id), { ...medium, uses, version: medium.version + 1 });
    },
    list: async (query) => newestFirst([...media.values()].filter(isKept), query),
  };
}

export interface InMemoryMediaBucket extends MediaBucket {
  readonly removed: readonly string[];
}

/** Remembers what was deleted. */
export function createInMemoryMediaBucket(): InMemoryMediaBucket {
  const removed: string[] = [];
  return {
    removed,
    async remove(key) {
      removed.push(key);
    },
  };
}

export interface InMemoryUploadForms extends UploadForms {
  create: UploadForms["create"];
  readonly made: readonly FormWish[];
}

/** Forms that nobody can send. */
export function createInMemoryUploadForms(clock: Pick<Clock, "now">): InMemoryUploadForms {
  const made: FormWish[] = [];
  return {
    made,
    async create(wish) {
      made.push(wish);
      const expiresAt = new Date(clock.now().getTime() + wish.validMs);
      return { url: "https://bucket.example/", fields: { key: wish.key }, expiresAt };
    },
  };
}
