import type { IdempotencyRecord } from "#shared/domain/idempotency.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { Result } from "#shared/result.ts";

/** Keyed requests, each until it is forgotten. Reads are consistent. Passes `test/contracts/idempotency-store.ts`. */
export interface IdempotencyStore {
  /** Undefined: there is none, or it is forgotten. */
  get(ownerId: OwnerId, key: string): Promise<IdempotencyRecord | undefined>;
  /** Replaces the record whose version is one less (version 1: none, or one that is forgotten). */
  save(next: IdempotencyRecord): Promise<Result<void, { readonly reason: "stale" }>>;
}
