import type { ApiKey } from "#shared/domain/api-key.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { isName } from "#shared/domain/names.ts";
import type { OwnerStore } from "#shared/ports/owner-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { createIssueKey, FIRST_OWNER, type IssueKeyDeps } from "./initialize-service.ts";

export interface AddOwnerDeps extends IssueKeyDeps {
  readonly owners: Pick<OwnerStore, "addOwner">;
}

export type AddOwnerRefusal = { readonly reason: "bad-name" | "name-taken" };

/** @returns the admin key of the new tenant, which can never be shown again */
export type AddOwner = (
  name: string,
) => Promise<Result<{ readonly key: string; readonly record: ApiKey }, AddOwnerRefusal>>;

/** Makes another tenant, with an admin key of its own. */
export function createAddOwner(deps: AddOwnerDeps): AddOwner {
  const issueKey = createIssueKey(deps);
  return async (name) => {
    if (!isName(name)) return err({ reason: "bad-name" });
    const id = asOwnerId(name);
    if (id === FIRST_OWNER) return err({ reason: "name-taken" });
    const added = await deps.owners.addOwner({ id, createdAt: deps.clock.now() });
    if (!added.ok) return added;
    return ok(await issueKey({ ownerId: id, name: "admin", scopes: ["admin"] }));
  };
}
