import { err, ok, type Result } from "#shared/result.ts";

/** Attempts to sign in that failed, or have not ended: of one account, or from one address. */
export interface Attempts {
  /** A hash: neither address nor e-mail is stored. */
  readonly key: string;
  readonly count: number;
  readonly lastAt: Date;
  /** Absent: the next one need not wait. */
  readonly blockedUntil?: Date;
  /** Grows by one with every write. */
  readonly version: number;
}

export interface AttemptRule {
  /** So many wait for nothing. */
  readonly free: number;
  /** After the first one too many; doubles with each. */
  readonly baseMs: number;
  readonly capMs: number;
}

/** A cap of minutes: who fails on purpose can keep a person out no longer than that. */
export const ACCOUNT_RULE: AttemptRule = { free: 5, baseMs: 2_000, capMs: 5 * 60_000 };
/** An office behind one address has many people. */
export const SOURCE_RULE: AttemptRule = { free: 30, baseMs: 2_000, capMs: 15 * 60_000 };
/** Without another attempt. */
export const ATTEMPTS_FORGOTTEN_MS = 60 * 60_000;

/** The largest exponent that is a number of ms a `Date` can take. */
const MAX_DOUBLINGS = 30;

const waitMs = ({ free, baseMs, capMs }: AttemptRule, count: number): number =>
  count < free ? 0 : Math.min(capMs, baseMs * 2 ** Math.min(count - free, MAX_DOUBLINGS));

/**
 * Counts an attempt before its password is looked at: a hundred at once are no way around the delay, since each has to
 * write the same count.
 */
export function countAttempt(
  before: Attempts | undefined,
  key: string,
  rule: AttemptRule,
  now: Date,
): Result<Attempts, { readonly reason: "blocked"; readonly until: Date }> {
  if (before?.blockedUntil && before.blockedUntil > now)
    return err({ reason: "blocked", until: before.blockedUntil });
  const isForgotten = !before || now.getTime() - before.lastAt.getTime() >= ATTEMPTS_FORGOTTEN_MS;
  const count = (isForgotten ? 0 : before.count) + 1;
  const waits = waitMs(rule, count);
  return ok({
    key,
    count,
    lastAt: now,
    ...(waits > 0 && { blockedUntil: new Date(now.getTime() + waits) }),
    version: (before?.version ?? 0) + 1,
  });
}

const withCount = ({ blockedUntil: _, ...counted }: Attempts, count: number): Attempts => ({
  ...counted,
  count,
  version: counted.version + 1,
});

/** A success of an account: the failures before it were the person's own. */
export const clearAttempts = (counted: Attempts): Attempts => withCount(counted, 0);

/** A success from an address takes back itself only: else an own account would be a licence to guess others'. */
export const uncountAttempt = (counted: Attempts): Attempts => withCount(counted, counted.count - 1);
