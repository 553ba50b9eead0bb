import type { Draft, DraftId } from "#shared/domain/draft.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { DraftStore } from "#shared/ports/draft-store.ts";
import { err, ok } from "#shared/result.ts";
import { newestFirst } from "./in-memory-media.ts";

/** The same promises as the DynamoDB store, kept honest by the contract that both run. */
export function createInMemoryDrafts(): DraftStore {
  const drafts = new Map<string, Draft>();
  const keyOf = (ownerId: OwnerId, id: DraftId) => `${ownerId}/${id}`;
  return {
    async get(ownerId, id) {
      const draft = drafts.get(keyOf(ownerId, id));
      return draft?.deletedAt ? undefined : draft;
    },
    async save(next) {
      const key = keyOf(next.ownerId, next.id);
      if ((drafts.get(key)?.version ?? 0) !== next.version - 1) return err({ reason: "stale" });
      drafts.set(key, next);
      return ok(undefined);
    },
    list: async (query) => newestFirst([...drafts.values()], query),
  };
}
