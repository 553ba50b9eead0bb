import type { PendingConnection, StateHash } from "#shared/domain/connection.ts";
import type { ConnectionStore } from "#shared/ports/connection-store.ts";

/** The same promises as the sealed store, kept honest by the contract that both run. */
export function createInMemoryConnections(): ConnectionStore {
  const pending = new Map<StateHash, { readonly connection: PendingConnection; takenBy?: string }>();
  return {
    async add(state, connection) {
      pending.set(state, { connection });
    },
    async take(state, now, holder) {
      const entry = pending.get(state);
      if (!entry || entry.connection.expiresAt <= now || (entry.takenBy ?? holder) !== holder)
        return undefined;
      entry.takenBy = holder;
      return entry.connection;
    },
  };
}
