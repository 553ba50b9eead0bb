/** Which account of a pool takes a post. */
import type { Account } from "./account.ts";
import { decideGate, type Gate, QUARTER_LIMIT } from "./gate.ts";
import type { AccountId, TaskId } from "./ids.ts";
import { type Parking, type PostingPolicy, parking, UNKNOWN_WAIT_MS } from "./policy.ts";

/** In the place of an account's name: any account of the project will do. No account can have this name. */
export const ANY_ACCOUNT = "any";

export interface PoolCandidate {
  readonly account: Pick<Account, "id" | "status">;
  readonly gate: Gate;
}

export interface PoolWish {
  readonly taskId: TaskId;
  /** Parts of the post. */
  readonly units: number;
  readonly now: Date;
  readonly policy: PostingPolicy;
}

export interface ScoredAccount {
  readonly accountId: AccountId;
  /** In [0, 1]: 0.4 × quota share + 0.4 × idle share + 0.2 × success rate. */
  readonly score: number;
}

const WEIGHTS = { quota: 0.4, idle: 0.4, success: 0.2 } as const;

/** What is left of the tighter window, in [0, 1]. */
function quotaShare({ quarter, day }: Gate, { dailyMax }: PostingPolicy, now: Date): number {
  const left = (
    used: number | undefined,
    startAt: Date | undefined,
    lengthMs: number,
    limit: number,
  ): number =>
    startAt && now.getTime() < startAt.getTime() + lengthMs ? Math.max(0, 1 - (used ?? 0) / limit) : 1;
  const inQuarter = left(quarter?.used, quarter?.startAt, 15 * 60_000, QUARTER_LIMIT);
  const inDay = dailyMax === undefined ? 1 : left(day?.used, day?.startAt, 86_400_000, dailyMax);
  return Math.min(inQuarter, inDay);
}

/** More than this is as good as never: else one account that never posted would level all others. */
const MAX_IDLE_MS = 86_400_000;

const idleMs = ({ lastPostAt, reservations }: Gate, now: Date): number => {
  const busyAt = [lastPostAt, ...reservations.map(({ at }) => at)];
  const lastMs = Math.max(0, ...busyAt.map((at) => at?.getTime() ?? 0));
  return Math.min(MAX_IDLE_MS, now.getTime() - lastMs);
};

/**
 * Ranks the accounts that may post now, best first. Idle time counts up to a day, relative to the longest idle of them.
 * Equal scores are ordered by id, so that two workers agree.
 */
export function rankAccounts(candidates: readonly PoolCandidate[], wish: PoolWish): readonly ScoredAccount[] {
  const open = candidates.filter(
    ({ account, gate }) => account.status === "active" && decideGate(gate, wish) === undefined,
  );
  const longest = Math.max(1, ...open.map(({ gate }) => idleMs(gate, wish.now)));
  return open
    .map(({ account, gate }) => ({
      accountId: account.id,
      score:
        WEIGHTS.quota * quotaShare(gate, wish.policy, wish.now) +
        WEIGHTS.idle * (Math.max(0, idleMs(gate, wish.now)) / longest) +
        WEIGHTS.success * gate.successRate,
    }))
    .toSorted((a, b) => b.score - a.score || (a.accountId < b.accountId ? -1 : 1));
}

/**
 * How long a pool has to wait in which no account may post now: until the first one may. When none of them is active,
 * nobody can tell.
 */
export function poolWait(candidates: readonly PoolCandidate[], wish: PoolWish): Parking {
  const waits = candidates
    .filter(({ account }) => account.status === "active")
    .flatMap(({ gate }) => decideGate(gate, wish) ?? [])
    .toSorted((a, b) => a.until.getTime() - b.until.getTime());
  const [first] = waits;
  if (!first)
    return parking(
      "no-service",
      new Date(wish.now.getTime() + UNKNOWN_WAIT_MS),
      false,
      "No account of the project is active.",
    );
  return parking(
    "no-service",
    first.until,
    first.known,
    `No account of the project may post now. The first one: ${first.reason.message}`,
  );
}
