import { type AuditHead, emptyHead, headAfter, type SealedEntry } from "#shared/domain/audit.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { AuditStore } from "#shared/ports/audit-store.ts";
import { err, ok } from "#shared/result.ts";

export interface InMemoryAudit extends AuditStore {
  /** What somebody with rights on the table could change behind the API's back. */
  readonly heads: Map<string, AuditHead>;
  readonly entries: Map<string, SealedEntry[]>;
}

export const chainKey = (ownerId: OwnerId, chain: number): string => `${ownerId}#${chain}`;

/** The same promises as the DynamoDB store, kept honest by the contract that both run. */
export function createInMemoryAudit(): InMemoryAudit {
  const heads: InMemoryAudit["heads"] = new Map();
  const entries: InMemoryAudit["entries"] = new Map();
  const entriesOf = (ownerId: OwnerId, chain: number) => entries.get(chainKey(ownerId, chain)) ?? [];
  return {
    heads,
    entries,
    async getHead(ownerId, chain) {
      return heads.get(chainKey(ownerId, chain)) ?? emptyHead(ownerId, chain);
    },
    async append(ownerId, entry) {
      const key = chainKey(ownerId, entry.chain);
      const own = entriesOf(ownerId, entry.chain);
      const isNext =
        (heads.get(key)?.count ?? 0) === entry.number - 1 &&
        !own.some(({ number }) => number === entry.number);
      if (!isNext) return err({ reason: "stale" });
      entries.set(key, [...own, entry]);
      heads.set(key, headAfter(entry));
      return ok(undefined);
    },
    async listNewest(ownerId, chain, limit, before = Number.POSITIVE_INFINITY) {
      return entriesOf(ownerId, chain)
        .filter(({ number }) => number < before)
        .toSorted((a, b) => b.number - a.number)
        .slice(0, limit);
    },
    async follow(ownerId, chain, limit, after) {
      return entriesOf(ownerId, chain)
        .filter(({ number }) => number > after)
        .toSorted((a, b) => a.number - b.number)
        .slice(0, limit);
    },
  };
}
