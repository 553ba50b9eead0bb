import type { Account } from "#shared/domain/account.ts";
import { admit } from "#shared/domain/circuit.ts";
import type { Credentials } from "#shared/domain/credentials.ts";
import type { Gate } from "#shared/domain/gate.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { CredentialsRegister } from "#shared/ports/credentials-register.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { ok, type Result } from "#shared/result.ts";
import { findAccount, type UnknownAccount } from "./find-project.ts";

export interface ReadAccountHealthDeps {
  readonly accounts: Pick<AccountStore, "getAccount">;
  readonly tasks: Pick<TaskStore, "getGate">;
  readonly credentials: Pick<CredentialsRegister, "describe">;
  readonly clock: Pick<Clock, "now">;
}

export interface AccountHealth {
  readonly account: Account;
  readonly gate: Gate;
  /** `probing`: one post at a time finds out whether X answers again. */
  readonly circuit: "closed" | "open" | "probing";
  /** Absent: there are none. */
  readonly credentials?: { readonly kind?: Credentials["kind"] };
}

export type ReadAccountHealth = (
  ownerId: OwnerId,
  name: string,
) => Promise<Result<AccountHealth, UnknownAccount>>;

const CIRCUITS = { closed: "closed", open: "open", probe: "probing" } as const;

/** How an account has fared, by what is stored. X is not asked. */
export function createReadAccountHealth({
  accounts,
  tasks,
  credentials: register,
  clock,
}: ReadAccountHealthDeps): ReadAccountHealth {
  return async (ownerId, name) => {
    const found = await findAccount(accounts, ownerId, name);
    if (!found.ok) return found;
    const { id } = found.value;
    const [gate, credentials] = await Promise.all([tasks.getGate(id), register.describe(id)]);
    const { kind } = admit(gate.circuit, clock.now());
    return ok({
      account: found.value,
      gate,
      circuit: CIRCUITS[kind],
      ...(credentials && { credentials }),
    });
  };
}
