import type { AuditHead, SealedEntry } from "#shared/domain/audit.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { Result } from "#shared/result.ts";

/** What was changed and what was denied; nothing here is ever changed again. Passes `test/contracts/audit-store.ts`. */
export interface AuditStore {
  /** Consistent. */
  getHead(ownerId: OwnerId, chain: number): Promise<AuditHead>;
  /** Adds an entry and moves the chain's head from one less to it, both or neither. `stale`: somebody else added one. */
  append(ownerId: OwnerId, entry: SealedEntry): Promise<Result<void, { readonly reason: "stale" }>>;
  /** Newest first. @param before - only entries with a lower number */
  listNewest(
    ownerId: OwnerId,
    chain: number,
    limit: number,
    before?: number,
  ): Promise<readonly SealedEntry[]>;
  /** By number. @param after - only entries with a higher number */
  follow(ownerId: OwnerId, chain: number, limit: number, after: number): Promise<readonly SealedEntry[]>;
}
