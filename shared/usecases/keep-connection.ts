import { type Account, accountIdFor } from "#shared/domain/account.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { Reason } from "#shared/domain/reason.ts";
import type { Identified } from "#shared/ports/account-consent.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { CredentialsVault } from "#shared/ports/credentials-vault.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { activated, changeAccount, DEFAULT_TEXT_LENGTH } from "./connect-account.ts";
import { findProject, type UnknownProject } from "./find-project.ts";
import { joinProject } from "./join-project.ts";

export interface KeepConnectionDeps {
  readonly accounts: Pick<
    AccountStore,
    "getAccount" | "saveAccount" | "listAccounts" | "getProjectByFolder" | "listProjects" | "saveProject"
  >;
  readonly vault: Pick<CredentialsVault, "connect">;
  readonly clock: Pick<Clock, "now">;
}

/** Which account is connected. */
export interface ConnectionWish {
  /** Name of the account. */
  readonly account: string;
  /** Name of a project that is to post with it. Absent: those that do already. */
  readonly project?: string | undefined;
}

export type KeepConnectionRefusal =
  | UnknownProject
  /** Another account of this owner is this user of X: X's limits and Punctual's intervals count a user once. */
  | { readonly reason: "same-user"; readonly account: string; readonly username: string }
  /** The account is another user of X: its queue is not meant for this one. */
  | { readonly reason: "other-user"; readonly expected: string; readonly username: string };

export interface KeptConnection {
  readonly account: Account;
  readonly isNew: boolean;
}

export type KeepConnection = (
  ownerId: OwnerId,
  wish: ConnectionWish,
  identified: Identified,
) => Promise<Result<KeptConnection, KeepConnectionRefusal>>;

/**
 * Stores credentials that X has vouched for, under their account, which is made if there is none. One that had to be
 * connected again is active then: its queue and history are what they were, and the sweeper sends on what was held.
 */
export function createKeepConnection({ accounts, vault, clock }: KeepConnectionDeps): KeepConnection {
  async function ensure(ownerId: OwnerId, name: string): Promise<KeptConnection> {
    const id = accountIdFor(ownerId, name);
    const existing = await accounts.getAccount(id);
    if (existing) return { account: existing, isNew: false };
    const account: Account = {
      id,
      ownerId,
      name,
      maxTextLength: DEFAULT_TEXT_LENGTH,
      status: "active",
      version: 1,
    };
    const saved = await accounts.saveAccount(account);
    return { account: saved.ok ? account : ((await accounts.getAccount(id)) ?? account), isNew: saved.ok };
  }

  return async (ownerId, { account: name, project: projectName }, { user, credentials }) => {
    const { userId, username, followers } = user;
    const project = projectName === undefined ? undefined : await findProject(accounts, ownerId, projectName);
    if (project && !project.ok) return project;
    const all = await accounts.listAccounts(ownerId);
    const twin = all.find((other) => other.name !== name && other.userId === userId);
    if (twin) return err({ reason: "same-user", account: twin.name, username });
    const before = all.find((own) => own.name === name);
    if (before?.userId !== undefined && before.userId !== userId)
      return err({ reason: "other-user", expected: before.username ?? before.userId, username });

    const { account: made, isNew } = await ensure(ownerId, name);
    await vault.connect(made.id, credentials);
    const account = await changeAccount(accounts, made.id, (current) => ({
      // A pause is another matter: that X knows the account says nothing about why it was stopped.
      ...(current.status === "needs-reconnect" ? activated(current, clock.now()) : current),
      userId,
      username,
      ...(followers !== undefined && { followers }),
    }));
    // One that was deleted meanwhile needs no account: the connection itself is made.
    if (projectName !== undefined) await joinProject(accounts, ownerId, projectName, account.id);
    return ok({ account, isNew });
  };
}

/** X did not vouch for the credentials: it said no, or could not be asked. */
export interface NotVouched {
  readonly reason: "refused" | "unreachable";
  readonly why: Reason;
}
