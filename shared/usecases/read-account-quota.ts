import type { Account, Project } from "#shared/domain/account.ts";
import { type Gate, nextInstant, type UsedWindow, usedWindows } from "#shared/domain/gate.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { SharedCounters } from "#shared/ports/shared-counters.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { ok, type Result } from "#shared/result.ts";
import { findAccount, type UnknownAccount } from "./find-project.ts";

export interface ReadAccountQuotaDeps {
  readonly accounts: Pick<AccountStore, "getAccount" | "listProjects">;
  readonly tasks: Pick<TaskStore, "getGate">;
  readonly counters: Pick<SharedCounters, "read">;
  readonly clock: Pick<Clock, "now">;
}

export interface AccountQuota {
  readonly account: Account;
  readonly gate: Gate;
  /** Posts in X's quarter of an hour, and in the day that a project's `dailyMax` counts. */
  readonly quarter: UsedWindow;
  readonly day: UsedWindow;
  /** When the account may post next, as far as its gate knows. Absent: now. */
  readonly nextPostAt?: Date;
  /** What each project that posts with it allows, and has spent this month, in millionths of a US dollar. */
  readonly projects: readonly { readonly project: Project; readonly spentMicros: number }[];
}

export type ReadAccountQuota = (
  ownerId: OwnerId,
  name: string,
) => Promise<Result<AccountQuota, UnknownAccount>>;

/** What an account may still post, by what its gate has counted. X is not asked. */
export function createReadAccountQuota({
  accounts,
  tasks,
  counters,
  clock,
}: ReadAccountQuotaDeps): ReadAccountQuota {
  return async (ownerId, name) => {
    const found = await findAccount(accounts, ownerId, name);
    if (!found.ok) return found;
    const account = found.value;
    const now = clock.now();
    const month = now.toISOString().slice(0, 7);
    const [gate, all] = await Promise.all([tasks.getGate(account.id), accounts.listProjects(ownerId)]);
    const own = all.filter(({ accountIds }) => accountIds.includes(account.id));
    const projects = await Promise.all(
      own.map(async (project) => ({
        project,
        spentMicros: await counters.read({ kind: "project-spend", ownerId, projectId: project.id, month }),
      })),
    );
    const nextPostAt = nextInstant(gate);
    return ok({
      account,
      gate,
      ...usedWindows(gate, now),
      ...(nextPostAt > now && { nextPostAt }),
      projects,
    });
  };
}
