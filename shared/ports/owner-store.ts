import type { OwnerId } from "#shared/domain/ids.ts";
import type { Result } from "#shared/result.ts";

export interface Owner {
  readonly id: OwnerId;
  readonly createdAt: Date;
}

/** Tenants beside the first one, which every deployment has. Passes `test/contracts/user-store.ts`. */
export interface OwnerStore {
  addOwner(owner: Owner): Promise<Result<void, { readonly reason: "name-taken" }>>;
  /** By name. */
  listOwners(): Promise<readonly Owner[]>;
}
