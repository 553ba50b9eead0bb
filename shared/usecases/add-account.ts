import { type Account, accountIdFor, type Project } from "#shared/domain/account.ts";
import { type Credentials, fingerprintOf } from "#shared/domain/credentials.ts";
import { isAccountName } from "#shared/domain/names.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import {
  type ConnectAccountDeps,
  type ConnectedAccount,
  createConnectAccount,
  FIRST_OWNER,
} from "./connect-account.ts";
import { findProject, type UnknownProject } from "./find-project.ts";
import { joinProject } from "./join-project.ts";

export interface AddAccountDeps extends ConnectAccountDeps {
  readonly accounts: AccountStore;
}

export interface AddedAccount extends ConnectedAccount {
  readonly project: Project;
  readonly isNewInProject: boolean;
}

export type AddAccountRefusal =
  | { readonly reason: "bad-name"; readonly name: string }
  | { readonly reason: "unknown-project"; readonly project: string; readonly known: readonly string[] }
  | { readonly reason: "no-credentials" }
  /** These credentials, or credentials of the same user of X, belong to another account already. */
  | { readonly reason: "same-user"; readonly account: string; readonly username?: string };

export type AddAccount = (wanted: {
  readonly name: string;
  readonly project: string;
  readonly credentials?: Credentials;
}) => Promise<Result<AddedAccount, AddAccountRefusal>>;

/**
 * Connects one more account and lets a project post with it: a pool needs more than one. Two accounts for one user of X
 * are refused, since X's limits and Punctual's intervals count a user once; what X was asked with then stays sealed, under an
 * account that no project has. Safe to repeat.
 */
export function createAddAccount(deps: AddAccountDeps): AddAccount {
  const { accounts, vault } = deps;
  const connect = createConnectAccount(deps);

  return async ({ name, project: projectName, credentials: given }) => {
    if (!isAccountName(name)) return err({ reason: "bad-name", name });
    const found = await findProject(accounts, FIRST_OWNER, projectName);
    if (!found.ok) return unknown(found.error);
    const id = accountIdFor(FIRST_OWNER, name);
    const stored = await vault.load(id);
    if (!given && !stored) return err({ reason: "no-credentials" });

    const others = await listOthers(accounts, id);
    for (const other of others) {
      const credentials = given && (await vault.load(other.id));
      if (given && credentials?.origin === fingerprintOf(given)) return sameUser(other);
    }
    const connected = await connect(name, given);
    const twin = others.find(({ userId }) => userId !== undefined && userId === connected.account.userId);
    if (twin) return sameUser(twin);

    const joined = await joinProject(accounts, FIRST_OWNER, projectName, id);
    if (!joined.ok) return unknown(joined.error);
    const { project, isNew } = joined.value;
    return ok({ ...connected, project, isNewInProject: isNew });
  };
}

const unknown = ({ name, known }: UnknownProject) =>
  err({ reason: "unknown-project", project: name, known } as const);

const sameUser = ({ name, username }: Account) =>
  err({ reason: "same-user", account: name, ...(username !== undefined && { username }) } as const);

async function listOthers(accounts: AccountStore, id: Account["id"]): Promise<readonly Account[]> {
  const projects = await accounts.listProjects(FIRST_OWNER);
  const ids = new Set(projects.flatMap(({ accountIds }) => accountIds));
  ids.delete(id);
  const found = await Promise.all([...ids].map((other) => accounts.getAccount(other)));
  return found.filter((account) => account !== undefined);
}
