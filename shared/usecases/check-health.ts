import { type Gate, nextInstant, QUARTER_LIMIT, usedWindows } from "#shared/domain/gate.ts";
import { asTaskId, type OwnerId } from "#shared/domain/ids.ts";
import { type Activity, hourBefore, summarizeHour } from "#shared/domain/totals.ts";
import type { QueueState } from "#shared/domain/work-queue.ts";
import { Fault } from "#shared/errors.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { TaskDispatch } from "#shared/ports/task-dispatch.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import type { TotalsStore } from "#shared/ports/totals-store.ts";
import type { WorkQueues } from "#shared/ports/work-queues.ts";

/** More accounts than this are not read for a number: one request of the table has them all. */
const MAX_COUNTED = 100;

export interface CheckHealthDeps {
  readonly accounts: Pick<AccountStore, "listProjects" | "getAccounts">;
  readonly tasks: Pick<TaskStore, "getGates">;
  readonly dispatch: Pick<TaskDispatch, "unschedule">;
  readonly queues: Pick<WorkQueues, "read">;
  readonly totals: Pick<TotalsStore, "listSlices">;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
  readonly report: (error: unknown) => void;
}

export interface DependencyHealth {
  readonly name: "table" | "scheduler" | "queues" | "bucket";
  readonly status: "ok" | "down" | "not-checked";
  /** For a person. */
  readonly why: string;
  readonly latencyMs?: number;
}

export interface AccountsHealth {
  readonly total: number;
  /** Neither paused nor to be connected again. */
  readonly active: number;
  /** Active, and its interval and X's limits let it post now. */
  readonly available: number;
  /** Share of X's quota of the current 15 minutes that the active accounts have used, 0 to 1. Absent: none is active. */
  readonly utilisation?: number;
}

export interface Health {
  readonly status: "ok" | "degraded" | "down";
  readonly checkedAt: Date;
  readonly dependencies: readonly DependencyHealth[];
  /** Of the owner who asks; absent when they could not be read, or are too many to be read for this. */
  readonly accounts?: AccountsHealth;
  /** Absent when they could not be read. */
  readonly queues?: readonly QueueState[];
  /** Of the deployment in the last hour; absent when it could not be read. */
  readonly activity?: Activity;
}

/** Nothing is changed by it, and what it reads is bounded. Never throws: whatever fails is a part of the answer. */
export type CheckHealth = (ownerId: OwnerId) => Promise<Health>;

const NOT_CHECKED: DependencyHealth = {
  name: "bucket",
  status: "not-checked",
  why: "Uploads go to it past the API. What the functions that read and write files cannot do is among their dead letters.",
};

/** Calls what the API itself needs, with its own rights. How long this process has run says nothing, so it is not told. */
export function createCheckHealth(deps: CheckHealthDeps): CheckHealth {
  const { accounts, tasks, dispatch, queues, totals, clock, entropy, report } = deps;

  async function check<Value>(
    name: "table" | "scheduler" | "queues",
    call: () => Promise<Value>,
    words: { readonly ok: (value: Value) => string; readonly down: string },
  ): Promise<{ readonly health: DependencyHealth; readonly value?: Value }> {
    const startedAt = clock.now().getTime();
    const latencyMs = () => Math.max(0, clock.now().getTime() - startedAt);
    try {
      const value = await call();
      return { value, health: { name, status: "ok", why: words.ok(value), latencyMs: latencyMs() } };
    } catch (error) {
      report(error);
      const because = error instanceof Fault ? ` (${error.code})` : "";
      return { health: { name, status: "down", why: `${words.down}${because}`, latencyMs: latencyMs() } };
    }
  }

  async function readAccounts(ownerId: OwnerId): Promise<AccountsHealth | undefined> {
    const projects = await accounts.listProjects(ownerId);
    const ids = [...new Set(projects.flatMap(({ accountIds }) => accountIds))];
    if (ids.length > MAX_COUNTED) return undefined;
    const found = await accounts.getAccounts(ids);
    const active = found.flatMap(({ id, status }) => (status === "active" ? [id] : []));
    const gates = await tasks.getGates(active);
    return { total: ids.length, ...roomOf(gates, clock.now()) };
  }

  return async (ownerId) => {
    const now = clock.now();
    const [table, scheduler, work] = await Promise.all([
      check(
        "table",
        async () => {
          const [counted, slices] = await Promise.all([
            readAccounts(ownerId),
            totals.listSlices(hourBefore(now), now),
          ]);
          return { accounts: counted, activity: summarizeHour(slices, now) };
        },
        { ok: () => "Read.", down: "It could not be read: no request can be answered." },
      ),
      check(
        "scheduler",
        () =>
          // Of a task that does not exist: the right to call is tried, and nothing happens.
          dispatch.unschedule({ taskId: asTaskId(entropy.newId()), rev: 1, arm: 1, step: "publish" }),
        {
          ok: () => "Called.",
          down: "It could not be called: tasks are accepted, and arranged by the sweeper.",
        },
      ),
      check("queues", () => queues.read(), {
        ok: aboutQueues,
        down: "They could not be read. What cannot be sent is found by the sweeper within minutes.",
      }),
    ]);
    const isDegraded = [scheduler, work].some(({ health }) => health.status === "down");
    return {
      status: table.health.status === "down" ? "down" : isDegraded ? "degraded" : "ok",
      checkedAt: clock.now(),
      dependencies: [table.health, scheduler.health, work.health, NOT_CHECKED],
      ...(table.value?.accounts && { accounts: table.value.accounts }),
      ...(table.value && { activity: table.value.activity }),
      ...(work.value && { queues: work.value }),
    };
  };
}

function roomOf(gates: readonly Gate[], now: Date): Omit<AccountsHealth, "total"> {
  const used = gates.reduce((sum, gate) => sum + usedWindows(gate, now).quarter.used, 0);
  return {
    active: gates.length,
    available: gates.filter((gate) => nextInstant(gate) <= now).length,
    ...(gates.length > 0 && { utilisation: used / (gates.length * QUARTER_LIMIT) }),
  };
}

function aboutQueues(states: readonly QueueState[]): string {
  const dead = states.reduce((sum, { deadLetters }) => sum + deadLetters.waiting, 0);
  if (dead === 0) return "Read.";
  return `Read. ${dead === 1 ? "There is a dead letter" : `There are ${dead} dead letters`}: see the queues.`;
}
