/** Fixed windows: the first request opens one, and it ends `windowMs` later. */
export interface RateLimit {
  readonly limit: number;
  readonly windowMs: number;
}

const QUARTER_HOUR_MS = 15 * 60_000;
const DAY_MS = 24 * 3_600_000;
const perQuarterHour = (limit: number): RateLimit => ({ limit, windowMs: QUARTER_HOUR_MS });

/**
 * X's limits for self-serve apps, per user except `createPostPerApp`. Those of `metadata` and `me` are not in every
 * edition of the documentation.
 * @see https://docs.x.com/x-api/fundamentals/rate-limits
 */
export const RATE_LIMITS = {
  createPost: perQuarterHour(100),
  createPostPerApp: { limit: 10_000, windowMs: DAY_MS },
  initialize: perQuarterHour(1_875),
  append: perQuarterHour(1_875),
  finalize: perQuarterHour(1_875),
  status: perQuarterHour(1_000),
  metadata: perQuarterHour(500),
  timeline: perQuarterHour(900),
  me: perQuarterHour(75),
} as const satisfies Record<string, RateLimit>;

export type LimitName = keyof typeof RATE_LIMITS;
export type LimitedEndpoint = Exclude<LimitName, "createPostPerApp">;

export interface RateLimits {
  /**
   * Counts one request, refused ones too. The headers belong on the answer, whatever its status.
   */
  take(
    endpoint: LimitedEndpoint,
    caller: { readonly userId: string; readonly appId: string },
  ): { readonly allowed: boolean; readonly headers: Readonly<Record<string, string>> };
}

export function createRateLimits(deps: {
  readonly clock: () => number;
  readonly limits?: Partial<Record<LimitName, RateLimit>>;
}): RateLimits {
  const windows = new Map<string, { used: number; resetsAtMs: number }>();

  const count = (name: LimitName, owner: string) => {
    const { limit, windowMs } = deps.limits?.[name] ?? RATE_LIMITS[name];
    const key = `${name} ${owner}`;
    const now = deps.clock();
    let window = windows.get(key);
    if (window === undefined || window.resetsAtMs <= now) {
      // Headers carry whole seconds: a window must not end before the second that they name.
      window = { used: 0, resetsAtMs: Math.ceil((now + windowMs) / 1_000) * 1_000 };
      windows.set(key, window);
    }
    window.used += 1;
    return {
      allowed: window.used <= limit,
      limit: String(limit),
      remaining: String(Math.max(0, limit - window.used)),
      reset: String(window.resetsAtMs / 1_000),
    };
  };

  return {
    take(endpoint, { userId, appId }) {
      const user = count(endpoint, userId);
      const headers: Record<string, string> = {
        "x-rate-limit-limit": user.limit,
        "x-rate-limit-remaining": user.remaining,
        "x-rate-limit-reset": user.reset,
      };
      if (endpoint !== "createPost") return { allowed: user.allowed, headers };

      const app = count("createPostPerApp", appId);
      headers["x-app-limit-24hour-limit"] = app.limit;
      headers["x-app-limit-24hour-remaining"] = app.remaining;
      headers["x-app-limit-24hour-reset"] = app.reset;
      return { allowed: user.allowed && app.allowed, headers };
    },
  };
}
