import { accountIdFor } from "#shared/domain/account.ts";
import type { AuditActor } from "#shared/domain/audit.ts";
import {
  authorizeUrl,
  CONNECTION_RANDOM_BYTES,
  CONNECTION_TTL_MS,
  formatRandom,
  hashState,
} from "#shared/domain/connection.ts";
import { Hidden } from "#shared/domain/hidden.ts";
import type { AccountId, OwnerId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { ConnectionStore } from "#shared/ports/connection-store.ts";
import type { CredentialsVault } from "#shared/ports/credentials-vault.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { findProject, type UnknownProject } from "./find-project.ts";
import type { ConnectionWish } from "./keep-connection.ts";

export interface StartConnectionDeps {
  readonly accounts: Pick<AccountStore, "getProjectByFolder" | "listProjects">;
  readonly connections: Pick<ConnectionStore, "add">;
  readonly vault: Pick<CredentialsVault, "load">;
  readonly clock: Pick<Clock, "now">;
  /** From a cryptographic source. */
  readonly randomBytes: (size: number) => Uint8Array;
  /** Where people give their consent: `https://x.com`. */
  readonly website: string;
}

export interface StartWish extends ConnectionWish {
  /** Absent: that of the account's own OAuth 2 credentials, with its secret. */
  readonly clientId?: string | undefined;
  /** Of confidential clients only. */
  readonly clientSecret?: string | undefined;
  /** As it is registered with the app at X. */
  readonly callbackUrl: string;
  /** Who begins it. */
  readonly by: AuditActor;
}

export interface StartedConnection {
  /** What the person opens in a browser. It works once. */
  readonly authorizeUrl: string;
  readonly expiresAt: Date;
}

export type StartConnection = (
  ownerId: OwnerId,
  wish: StartWish,
) => Promise<Result<StartedConnection, UnknownProject | { readonly reason: "client-missing" }>>;

interface Client {
  readonly clientId: string;
  readonly clientSecret?: string;
}

/**
 * Begins to connect an account by its owner's consent. The state that comes back with it is bound to whoever began, to
 * the account and to the project; it is stored as a hash, lives ten minutes and works once.
 */
export function createStartConnection(deps: StartConnectionDeps): StartConnection {
  const { accounts, connections, vault, clock, randomBytes, website } = deps;

  async function clientOf(
    accountId: AccountId,
    { clientId, clientSecret }: Pick<StartWish, "clientId" | "clientSecret">,
  ): Promise<Client | undefined> {
    if (clientId !== undefined) return { clientId, ...(clientSecret !== undefined && { clientSecret }) };
    const secrets = (await vault.load(accountId))?.credentials.reveal();
    return secrets?.kind === "oauth2" ? secrets : undefined;
  }

  return async (ownerId, wish) => {
    const { account, project, callbackUrl, by } = wish;
    if (project !== undefined) {
      const found = await findProject(accounts, ownerId, project);
      if (!found.ok) return found;
    }
    const accountId = accountIdFor(ownerId, account);
    const client = await clientOf(accountId, wish);
    if (!client) return err({ reason: "client-missing" });

    const { clientId, clientSecret } = client;
    const state = formatRandom(randomBytes(CONNECTION_RANDOM_BYTES));
    const verifier = formatRandom(randomBytes(CONNECTION_RANDOM_BYTES));
    const expiresAt = new Date(clock.now().getTime() + CONNECTION_TTL_MS);
    await connections.add(hashState(state), {
      ownerId,
      accountId,
      account,
      ...(project !== undefined && { project }),
      startedBy: by,
      clientId,
      callbackUrl,
      secrets: new Hidden({ verifier, ...(clientSecret !== undefined && { clientSecret }) }),
      expiresAt,
    });
    return ok({
      authorizeUrl: authorizeUrl(website, { clientId, callbackUrl }, { state, verifier }),
      expiresAt,
    });
  };
}
