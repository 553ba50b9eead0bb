import type { PendingConnection, StateHash } from "#shared/domain/connection.ts";

/** Connections that somebody began and X has not answered. Passes `test/contracts/connection-store.ts`. */
export interface ConnectionStore {
  /** @param state - never used before */
  add(state: StateHash, connection: PendingConnection): Promise<void>;
  /**
   * Gives it to whoever comes first, once; to nobody from `expiresAt` on.
   *
   * @param holder - one attempt of one process: repeating it after a lost answer gives it again
   */
  take(state: StateHash, now: Date, holder: string): Promise<PendingConnection | undefined>;
}
