import { asTaskId, type OwnerId } from "#shared/domain/ids.ts";
import { Fault } from "#shared/errors.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { TaskDispatch } from "#shared/ports/task-dispatch.ts";

/** More accounts than this are not read one by one for a number. */
const MAX_COUNTED = 100;

export interface CheckHealthDeps {
  readonly accounts: Pick<AccountStore, "listProjects" | "getAccount">;
  readonly dispatch: Pick<TaskDispatch, "unschedule">;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
  readonly report: (error: unknown) => void;
}

export interface DependencyHealth {
  readonly name: "table" | "scheduler" | "queues";
  readonly status: "ok" | "down" | "not-checked";
  /** For a person. */
  readonly why: string;
  readonly latencyMs?: number;
}

export interface Health {
  readonly status: "ok" | "degraded" | "down";
  readonly checkedAt: Date;
  readonly dependencies: readonly DependencyHealth[];
  /** Of the owner who asks; absent when they could not be read, or are too many to be read for this. */
  readonly accounts?: { readonly total: number; readonly active: number };
}

/** Nothing is changed by it. Never throws: whatever fails is a part of the answer. */
export type CheckHealth = (ownerId: OwnerId) => Promise<Health>;

/** Calls what the API itself needs, with its own rights. How long this process has run says nothing, so it is not told. */
export function createCheckHealth({
  accounts,
  dispatch,
  clock,
  entropy,
  report,
}: CheckHealthDeps): CheckHealth {
  async function check<Value>(
    name: "table" | "scheduler",
    call: () => Promise<Value>,
    words: { readonly ok: string; readonly down: string },
  ): Promise<{ readonly health: DependencyHealth; readonly value?: Value }> {
    const startedAt = clock.now().getTime();
    const latencyMs = () => Math.max(0, clock.now().getTime() - startedAt);
    try {
      const value = await call();
      return { value, health: { name, status: "ok", why: words.ok, latencyMs: latencyMs() } };
    } catch (error) {
      report(error);
      const because = error instanceof Fault ? ` (${error.code})` : "";
      return { health: { name, status: "down", why: `${words.down}${because}`, latencyMs: latencyMs() } };
    }
  }

  async function countAccounts(ownerId: OwnerId): Promise<Health["accounts"]> {
    const projects = await accounts.listProjects(ownerId);
    const ids = [...new Set(projects.flatMap(({ accountIds }) => accountIds))];
    if (ids.length > MAX_COUNTED) return undefined;
    const found = await Promise.all(ids.map((id) => accounts.getAccount(id)));
    return { total: ids.length, active: found.filter((account) => account?.status === "active").length };
  }

  return async (ownerId) => {
    const [table, scheduler] = await Promise.all([
      check("table", () => countAccounts(ownerId), {
        ok: "Read.",
        down: "It could not be read: no request can be answered.",
      }),
      check(
        "scheduler",
        () =>
          // Of a task that does not exist: the right to call is tried, and nothing happens.
          dispatch.unschedule({ taskId: asTaskId(entropy.newId()), rev: 1, arm: 1, step: "publish" }),
        { ok: "Called.", down: "It could not be called: tasks are accepted, and arranged by the sweeper." },
      ),
    ]);
    const queues: DependencyHealth = {
      name: "queues",
      status: "not-checked",
      why: "A message would wake a worker. What cannot be sent is found by the sweeper within minutes.",
    };
    return {
      status:
        table.health.status === "down" ? "down" : scheduler.health.status === "down" ? "degraded" : "ok",
      checkedAt: clock.now(),
      dependencies: [table.health, scheduler.health, queues],
      ...(table.value && { accounts: table.value }),
    };
  };
}
