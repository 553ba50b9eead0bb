import type { Gate } from "../gate.ts";
import type { PostingPolicy } from "../policy.ts";
import type { Quota } from "./plan.ts";

const DAY_MS = 86_400_000;

/** What the gate and the policy leave an account for its day; undefined: nothing is counted, and X is not closed. */
export function quotaOf(
  { day, closedUntil }: Gate,
  { dailyMax }: PostingPolicy,
  now: Date,
): Quota | undefined {
  const closed = closedUntil && closedUntil > now ? { closedUntil } : {};
  if (dailyMax === undefined)
    return closed.closedUntil && { limit: Number.MAX_SAFE_INTEGER, used: 0, ...closed };
  const resetAt = day && new Date(day.startAt.getTime() + DAY_MS);
  if (!day || !resetAt || resetAt <= now) return { limit: dailyMax, used: 0, ...closed };
  return { limit: dailyMax, used: day.used, window: { startAt: day.startAt, resetAt }, ...closed };
}
