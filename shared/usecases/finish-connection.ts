import { CONNECTION_TTL_MS, hashState, type PendingConnection } from "#shared/domain/connection.ts";
import { asUserId } from "#shared/domain/ids.ts";
import { standsFor } from "#shared/domain/user.ts";
import type { AccountConsent } from "#shared/ports/account-consent.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { ConnectionStore } from "#shared/ports/connection-store.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { UserStore } from "#shared/ports/user-store.ts";
import { err, type Result } from "#shared/result.ts";
import { notVouched } from "./connect-by-tokens.ts";
import type { KeepConnection, KeepConnectionRefusal, KeptConnection, NotVouched } from "./keep-connection.ts";

export interface FinishConnectionDeps {
  readonly connections: Pick<ConnectionStore, "take">;
  readonly consent: AccountConsent;
  readonly keep: KeepConnection;
  readonly users: Pick<UserStore, "get">;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

/** What X put into the address of the browser. Anybody can make such an address. */
export interface Callback {
  readonly state?: string | undefined;
  readonly code?: string | undefined;
  /** `access_denied`: the person said no. */
  readonly error?: string | undefined;
}

export type FinishRefusal =
  /** Never begun, finished already, begun too long ago, or by somebody who has no access any more. */
  { readonly reason: "unknown-state" } | { readonly reason: "denied" } | NotVouched | KeepConnectionRefusal;

/** Of a connection that somebody began; absent: its state is nobody's. */
export type BegunConnection = Pick<PendingConnection, "ownerId" | "account" | "startedBy">;

export interface FinishedConnection {
  readonly begun?: BegunConnection;
  readonly outcome: Result<KeptConnection, FinishRefusal>;
}

export type FinishConnection = (callback: Callback) => Promise<FinishedConnection>;

/**
 * Ends a connection: whoever comes with its state comes once, whatever the outcome. The code lives 30 seconds, so it is
 * exchanged at once.
 */
export function createFinishConnection({
  connections,
  consent,
  keep,
  users,
  clock,
  entropy,
}: FinishConnectionDeps): FinishConnection {
  async function finish(
    pending: PendingConnection,
    { code, error }: Callback,
  ): Promise<FinishedConnection["outcome"]> {
    const { ownerId, account, project, startedBy, expiresAt } = pending;
    if (startedBy.userId !== undefined) {
      const begunAt = new Date(expiresAt.getTime() - CONNECTION_TTL_MS);
      const user = await users.get(ownerId, asUserId(startedBy.userId));
      if (!standsFor(user, begunAt)) return err({ reason: "unknown-state" });
    }
    if (error !== undefined || code === undefined) return err({ reason: "denied" });
    const exchanged = await consent.exchange(pending, code);
    if (!exchanged.ok) return err(notVouched(exchanged.error));
    const identified = await consent.identify(exchanged.value);
    if (!identified.ok) return err(notVouched(identified.error));
    return keep(ownerId, { account, project }, identified.value);
  }

  return async (callback) => {
    const { state } = callback;
    const pending =
      state === undefined
        ? undefined
        : await connections.take(hashState(state), clock.now(), entropy.newId());
    if (!pending) return { outcome: err({ reason: "unknown-state" }) };
    const { ownerId, account, startedBy } = pending;
    return { begun: { ownerId, account, startedBy }, outcome: await finish(pending, callback) };
  };
}
