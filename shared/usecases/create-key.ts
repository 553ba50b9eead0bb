import { type ApiKey, checkGrant, type Grant, type GrantRefusal } from "#shared/domain/api-key.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { Caller } from "./authorize-request.ts";
import { findAccount, findProject, type UnknownAccount, type UnknownProject } from "./find-project.ts";
import { createIssueKey, type IssueKeyDeps } from "./initialize-service.ts";

export interface CreateKeyDeps extends IssueKeyDeps {
  readonly accounts: Pick<AccountStore, "getProjectByFolder" | "listProjects" | "getAccount">;
}

export interface WantedKey extends Grant {
  readonly name: string;
  /** Absent: until it is revoked. */
  readonly lifetimeMs?: number;
}

/** The record, and the key itself, which can never be shown again. */
export interface MadeKey {
  readonly key: string;
  readonly record: ApiKey;
}

export type CreateKeyRefusal = GrantRefusal | UnknownProject | UnknownAccount;

export type CreateKey = (caller: Caller, wanted: WantedKey) => Promise<Result<MadeKey, CreateKeyRefusal>>;

/** Makes a key that can do no more than whoever asks for it. It ends with the user who made it. */
export function createCreateKey(deps: CreateKeyDeps): CreateKey {
  const { accounts, clock } = deps;
  const issueKey = createIssueKey(deps);
  return async (caller, { lifetimeMs, ...wanted }) => {
    const { ownerId, userId } = caller;
    const granted = checkGrant(caller, wanted);
    if (!granted.ok) return granted;
    for (const name of wanted.projects ?? []) {
      const project = await findProject(accounts, ownerId, name);
      if (!project.ok) return err(project.error);
    }
    for (const name of wanted.accounts ?? []) {
      const account = await findAccount(accounts, ownerId, name);
      if (!account.ok) return err(account.error);
    }
    return ok(
      await issueKey({
        ...wanted,
        ownerId,
        ...(userId !== undefined && { createdBy: userId }),
        ...(lifetimeMs !== undefined && { expiresAt: new Date(clock.now().getTime() + lifetimeMs) }),
      }),
    );
  };
}
