import type { AccountId } from "../ids.ts";
import type { Reason } from "../reason.ts";
import type { Policy } from "./rules.ts";
import type { Strategy } from "./strategy.ts";

/** From 1 to 3: may use the share of a day that is kept for them. */
export const isUrgent = (priority: number): boolean => priority <= 3;
/** From 7 to 10: may be moved to fill a quiet day. */
export const isDeferrable = (priority: number): boolean => priority >= 7;

/** A slot that is taken. */
export interface Occupied {
  /** Of the task; tells a task from itself when it is moved. */
  readonly id: string;
  readonly at: Date;
  readonly parts: number;
  /** 1 to 10. Absent: unknown, so it is counted as one that is not urgent. */
  readonly priority?: number;
}

/** What an account has left of the platform's and the project's day. */
export interface Quota {
  readonly limit: number;
  readonly used: number;
  /** When the window began, and when it is over. Absent: nothing was used yet. */
  readonly window?: { readonly startAt: Date; readonly resetAt: Date };
  /** The platform named this instant: nothing before it. */
  readonly closedUntil?: Date;
}

/** One post that wants a slot. */
export interface PlanWish {
  /** Unique in a batch and the same at every try: the jitter and every tie are decided by it. */
  readonly id: string;
  /** What its jitter comes from, so that the same post gets the same minute again. @default - the id */
  readonly seed?: string;
  readonly strategy: Strategy;
  /** `fixed`: this instant. Others: not before it. */
  readonly from: Date;
  /** Not after it: end of a campaign. Absent: within the horizon. */
  readonly until?: Date;
  /** One, or the accounts of a pool, of which the best is chosen. */
  readonly accountIds: readonly AccountId[];
  readonly parts: number;
  /** 1 (most urgent) to 10. */
  readonly priority: number;
}

/** Why a slot was chosen, or what was in the way of a better one; docs/planning.md explains each. */
export type SlotReasonCode =
  // What speaks for it.
  | "as-asked"
  | "optimal-hour"
  | "preferred-hour"
  | "learned-hour"
  | "next-best-hour"
  | "next-free"
  | "quiet-day"
  | "chosen-account"
  | "moved-forward"
  | "interval-stretched"
  // What was in the way.
  | "hour-taken"
  | "too-close"
  | "day-full"
  | "no-quota"
  | "blackout"
  | "rate-limited";

export interface SlotReason {
  readonly code: SlotReasonCode;
  /** A sentence, with times of the project's zone. */
  readonly message: string;
}

export const slotReason = (code: SlotReasonCode, message: string): SlotReason => ({ code, message });

export interface ScoredSlot {
  readonly accountId: AccountId;
  readonly at: Date;
  /** In [0, 1]; comparable among slots of one wish. */
  readonly score: number;
  readonly reasons: readonly SlotReason[];
}

export interface Plan extends ScoredSlot {
  readonly id: string;
  readonly strategy: Strategy;
  /** The next best ones, best first, at most three. */
  readonly alternatives: readonly ScoredSlot[];
}

/** A post that has a slot. */
export interface PlannedPost {
  readonly wish: PlanWish;
  readonly accountId: AccountId;
  readonly at: Date;
}

/** Refusals (`code`): `no-free-slot`. A `fixed` or `immediate` wish is never refused: what is in its way is a conflict. */
export type PlanRefusal = Reason & { readonly code: "no-free-slot" };

/**
 * How good each hour of the week is for an account, in [0, 1]: hour 0 is Monday 0:00 in the project's zone. Absent:
 * nothing is learned yet, and the optimal hours of the policy count.
 */
export type HourCurve = (accountId: AccountId, hourOfWeek: number) => number | undefined;

export interface PlanContext {
  readonly now: Date;
  readonly policy: Policy;
  /** IANA name of the project's zone. */
  readonly timeZone: string;
  /** Absent: nothing was used. */
  readonly quotas?: ReadonlyMap<AccountId, Quota>;
  readonly curve?: HourCurve;
}
