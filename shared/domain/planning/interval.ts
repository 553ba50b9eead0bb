import type { Quota } from "./plan.ts";

export interface Pace {
  /** Least time between two posts of the account until `until`; never below the policy's, in ms. */
  readonly intervalMs: number;
  /** The quota window is over: the policy's interval counts again. Absent: it counts already. */
  readonly until?: Date;
}

export interface PaceRules {
  /** Of the policy, in ms. */
  readonly minIntervalMs: number;
  /** Share of the quota below which intervals stretch, in [0, 1). */
  readonly buffer: number;
}

/** From 0 to 1 without a kink at either end. */
const smoothStep = (share: number): number => share * share * (3 - 2 * share);

/**
 * How far apart an account's posts are while its quota runs low. Above the buffer: the policy's interval. Below it, the
 * interval goes over smoothly to the one that makes the rest last until the window is over, which it reaches with the last
 * post. It never falls below the policy's, and more quota never makes it longer.
 */
export function adaptInterval(
  quota: Quota | undefined,
  { minIntervalMs, buffer }: PaceRules,
  now: Date,
): Pace {
  const resetAt = quota?.window?.resetAt;
  if (!quota || !resetAt || resetAt <= now) return { intervalMs: minIntervalMs };
  const left = Math.max(0, quota.limit - quota.used);
  const share = quota.limit > 0 ? left / quota.limit : 0;
  if (share >= buffer) return { intervalMs: minIntervalMs };
  const restMs = resetAt.getTime() - now.getTime();
  const lastingMs = Math.max(minIntervalMs, restMs / Math.max(1, left));
  const weight = smoothStep((buffer - share) / buffer);
  return {
    intervalMs: Math.round(minIntervalMs + weight * (lastingMs - minIntervalMs)),
    until: resetAt,
  };
}
