import {
  AUDIT_CHAINS,
  type AuditHead,
  type BadEntry,
  checkEnd,
  emptyHead,
  followChain,
} from "#shared/domain/audit.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { AuditStore } from "#shared/ports/audit-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

export interface VerifyAuditDeps {
  readonly audit: Pick<AuditStore, "getHead" | "follow">;
}

export interface AuditVerification {
  /** Entries of this step. */
  readonly checked: number;
  /** The ends of the chains that were followed to their end: noted elsewhere, they date everything before them. */
  readonly ends: readonly AuditHead[];
  /** The first entry that is wrong. */
  readonly bad?: BadEntry;
  /** Where the next step goes on; absent: there is nothing more to check, or something is wrong. */
  readonly next?: string;
}

export type VerifyAudit = (
  ownerId: OwnerId,
  step: { readonly limit: number; readonly cursor?: string | undefined },
) => Promise<Result<AuditVerification, { readonly reason: "bad-cursor" }>>;

const PAGE = 500;
const CURSOR = /^(\d{1,2}),(\d{1,12}),([0-9a-f]{64})$/;

function readCursor(cursor: string): AuditHead | undefined {
  const [, chain, count, hash] = CURSOR.exec(cursor) ?? [];
  if (hash === undefined || Number(chain) >= AUDIT_CHAINS) return undefined;
  return { chain: Number(chain), count: Number(count), hash };
}

/**
 * Recomputes an owner's chains and compares their ends with the stored heads: finds an entry that was altered, moved or
 * removed, and a chain that was cut. What it cannot find is a log that was rewritten as a whole, heads included, by
 * somebody who may write the table: for that the ends have to be noted elsewhere.
 */
export function createVerifyAudit({ audit }: VerifyAuditDeps): VerifyAudit {
  /** An entry that no head counts. Both are written at once, so it is not that somebody is adding one right now. */
  async function findBeyond(ownerId: OwnerId, stored: AuditHead): Promise<BadEntry | undefined> {
    const { chain, count } = stored;
    const [beyond] = await audit.follow(ownerId, chain, 1, count);
    if (!beyond || (await audit.getHead(ownerId, chain)).count >= beyond.number) return undefined;
    return { chain, number: beyond.number, fault: "head-altered" };
  }

  return async (ownerId, { limit, cursor }) => {
    let place = cursor === undefined ? emptyHead(ownerId, 0) : readCursor(cursor);
    if (!place) return err({ reason: "bad-cursor" });
    const ends: AuditHead[] = [];
    let checked = 0;
    for (;;) {
      const { chain } = place;
      // First the head: entries that come meanwhile are beyond it.
      const stored = await audit.getHead(ownerId, chain);
      while (checked < limit) {
        const entries = await audit.follow(ownerId, chain, Math.min(PAGE, limit - checked), place.count);
        const followed = followChain(
          ownerId,
          place,
          entries.filter(({ number }) => number <= stored.count),
        );
        checked += followed.head.count - place.count;
        place = followed.head;
        if (followed.bad) return ok({ checked, ends, bad: followed.bad });
        if (place.count >= stored.count || entries.length === 0) break;
      }
      const isCutShort = place.count < stored.count && checked >= limit;
      if (isCutShort) return ok({ checked, ends, next: `${chain},${place.count},${place.hash}` });
      const bad = checkEnd(place, stored) ?? (await findBeyond(ownerId, stored));
      if (bad) return ok({ checked, ends, bad });
      ends.push(stored);
      if (chain + 1 === AUDIT_CHAINS) return ok({ checked, ends });
      place = emptyHead(ownerId, chain + 1);
      if (checked >= limit) return ok({ checked, ends, next: `${chain + 1},0,${place.hash}` });
    }
  };
}
