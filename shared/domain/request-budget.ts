/**
 * How many requests somebody may send within a fixed window.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers
 */

const SECOND_MS = 1_000;

export interface RequestBudget {
  /** What the headers call it. */
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
}

export const HOUR_MS = 3_600_000;

/** Of whoever needs no key: a person who signs in is far below it, and whoever hammers is soon above. */
export const ANONYMOUS_BUDGET: RequestBudget = { name: "minute", limit: 60, windowMs: 60_000 };

/** One window of one sender. Windows begin at full hours and minutes of UTC, for everybody. */
export interface RequestWindow {
  readonly sender: string;
  readonly startAt: Date;
  readonly endAt: Date;
}

export function windowOf(sender: string, { windowMs }: RequestBudget, now: Date): RequestWindow {
  const start = Math.floor(now.getTime() / windowMs) * windowMs;
  return { sender, startAt: new Date(start), endAt: new Date(start + windowMs) };
}

export interface SpentBudget {
  /** False: this request was one too many. */
  readonly isWithin: boolean;
  readonly remaining: number;
  /** Whole seconds until the next window, at least 1. */
  readonly resetSeconds: number;
}

/** @param sent - requests of the window, this one included */
export const spend = (
  { limit }: RequestBudget,
  { endAt }: RequestWindow,
  sent: number,
  now: Date,
): SpentBudget => ({
  isWithin: sent <= limit,
  remaining: Math.max(0, limit - sent),
  resetSeconds: Math.max(1, Math.ceil((endAt.getTime() - now.getTime()) / SECOND_MS)),
});

/** `RateLimit-Policy` and `RateLimit`, as structured fields. */
export const budgetFields = (
  { name, limit, windowMs }: RequestBudget,
  { remaining, resetSeconds }: SpentBudget,
): { readonly policy: string; readonly state: string } => ({
  policy: `"${name}";q=${limit};w=${windowMs / SECOND_MS}`,
  state: `"${name}";r=${remaining};t=${resetSeconds}`,
});
