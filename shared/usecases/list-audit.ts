import { AUDIT_CHAINS, type AuditEntry, openEntry, type SealedEntry } from "#shared/domain/audit.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { AuditStore } from "#shared/ports/audit-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

export interface ListAuditDeps {
  readonly audit: Pick<AuditStore, "listNewest">;
}

export interface ShownAuditEntry extends AuditEntry {
  readonly chain: number;
  readonly number: number;
}

export interface AuditPage {
  /** Newest first. */
  readonly items: readonly ShownAuditEntry[];
  /** Absent: the last page. */
  readonly next?: string;
}

export type ListAudit = (
  ownerId: OwnerId,
  page: { readonly limit: number; readonly cursor?: string | undefined },
) => Promise<Result<AuditPage, { readonly reason: "bad-cursor" }>>;

/** For each chain the number that the next page begins below; 0: the chain has ended. */
const CURSOR = new RegExp(`^\\d{1,12}(,\\d{1,12}){${AUDIT_CHAINS - 1}}$`);
const END = 0;

const show = (entry: SealedEntry): ShownAuditEntry => ({
  ...openEntry(entry),
  chain: entry.chain,
  number: entry.number,
});

const isNewer = (a: ShownAuditEntry, b: ShownAuditEntry): boolean =>
  a.at > b.at || (a.at.getTime() === b.at.getTime() && a.id > b.id);

/**
 * The newest `limit` entries of all chains. Each chain keeps its own order, also where its clocks did not: a page ends at
 * one number in each.
 */
function merge(chains: readonly (readonly ShownAuditEntry[])[], limit: number): readonly ShownAuditEntry[] {
  const taken = chains.map(() => 0);
  const merged: ShownAuditEntry[] = [];
  while (merged.length < limit) {
    const next = chains.flatMap((entries, chain) => entries[taken[chain] ?? 0] ?? []);
    if (next.length === 0) break;
    const newest = next.reduce((best, entry) => (isNewer(entry, best) ? entry : best));
    merged.push(newest);
    taken[newest.chain] = (taken[newest.chain] ?? 0) + 1;
  }
  return merged;
}

/** All chains of an owner as one list. A page reads `limit` entries of each, since any may have the newest. */
export function createListAudit({ audit }: ListAuditDeps): ListAudit {
  return async (ownerId, { limit, cursor }) => {
    if (cursor !== undefined && !CURSOR.test(cursor)) return err({ reason: "bad-cursor" });
    const before = cursor?.split(",").map(Number);
    const found = await Promise.all(
      Array.from({ length: AUDIT_CHAINS }, async (_, chain) => {
        const below = before?.[chain];
        const entries = below === END ? [] : await audit.listNewest(ownerId, chain, limit, below);
        return entries.map(show);
      }),
    );
    const items = merge(found, limit);
    const rest = found.map((entries, chain) => {
      const taken = items.filter((item) => item.chain === chain).length;
      const below = entries[taken] ? entries[taken].number + 1 : (entries.at(-1)?.number ?? END);
      // Fewer than were asked for: there are no more. And nothing is below number 1.
      return (taken === entries.length && entries.length < limit) || below <= 1 ? END : below;
    });
    const isEnd = rest.every((below) => below === END);
    return ok({ items, ...(!isEnd && { next: rest.join(",") }) });
  };
}
