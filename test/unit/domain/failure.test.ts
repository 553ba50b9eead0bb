import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BACKOFF,
  backoffMs,
  decideAfterFailure,
  type Failure,
  type FailureClass,
} from "#shared/domain/failure.ts";

const now = new Date("2026-12-01T01:00:00.000Z");
const reason = { code: "some-code", message: "No.", remedy: "Wait." };
const failure = (kind: FailureClass, retryAt?: Date): Failure => ({
  class: kind,
  reason,
  ...(retryAt && { retryAt }),
});
const fresh = { retries: 0, maxRetries: 3 };

describe("decideAfterFailure", () => {
  it("waits for the reset that the platform named, and a little longer; it does not count", () => {
    const retryAt = new Date(now.getTime() + 500_000);
    const spent = { retries: 3, maxRetries: 3 };
    expect(decideAfterFailure(spent, failure("rate-limited", retryAt), now, 0)).toEqual({
      to: "retry",
      retryAt: new Date(retryAt.getTime() + 1_000),
      counted: false,
      known: true,
      reason,
    });
  });

  it("waits a whole window for a rate limit without a reset, and never before now for a stale one", () => {
    expect(decideAfterFailure(fresh, failure("rate-limited"), now, 0)).toMatchObject({
      retryAt: new Date(now.getTime() + 901_000),
      known: false,
    });
    expect(decideAfterFailure(fresh, failure("rate-limited", new Date(0)), now, 0)).toMatchObject({
      retryAt: new Date(now.getTime() + 1_000),
    });
  });

  it.each(["transient", "system"] as const)(
    "tries a %s failure again until the retries are used up",
    (kind) => {
      expect(decideAfterFailure({ retries: 2, maxRetries: 3 }, failure(kind), now, 0.5)).toEqual({
        to: "retry",
        retryAt: new Date(now.getTime() + 120_000),
        counted: true,
        known: false,
        reason,
      });
      expect(decideAfterFailure({ retries: 3, maxRetries: 3 }, failure(kind), now, 0.5)).toEqual({
        to: "failed",
        reason: { ...reason, message: "No. Tried 4 times." },
      });
      expect(decideAfterFailure({ retries: 0, maxRetries: 0 }, failure(kind), now, 0.5)).toMatchObject({
        to: "failed",
      });
    },
  );

  it("spreads those that wait for the same reset over ten seconds", () => {
    const retryAt = new Date(now.getTime() + 500_000);
    expect(decideAfterFailure(fresh, failure("rate-limited", retryAt), now, 0.5)).toMatchObject({
      retryAt: new Date(retryAt.getTime() + 6_000),
    });
  });

  it.each(["credentials", "billing"] as const)(
    "holds after a %s failure, for as long as the account",
    (kind) => {
      expect(decideAfterFailure(fresh, failure(kind), now, 0.5)).toEqual({
        to: "held",
        reason,
        heldFor: "account",
      });
    },
  );

  it("holds after a configuration failure, for the account only if that cannot post at all", () => {
    expect(decideAfterFailure(fresh, failure("configuration"), now, 0.5)).toEqual({ to: "held", reason });
    const stopped = { ...failure("configuration"), stopsAccount: true } as const;
    expect(decideAfterFailure(fresh, stopped, now, 0.5)).toEqual({ to: "held", reason, heldFor: "account" });
  });

  it("fails at once after a content failure", () => {
    expect(decideAfterFailure(fresh, failure("content"), now, 0.5)).toEqual({ to: "failed", reason });
  });
});

describe("backoffMs", () => {
  it("doubles to its cap with full jitter, and never becomes a loop", () => {
    fc.assert(
      fc.property(
        fc.nat(40),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (retry, random) => {
          const waited = backoffMs(retry, random);
          expect(waited).toBeGreaterThanOrEqual(1_000);
          expect(waited).toBeLessThanOrEqual(Math.min(BACKOFF.capMs, BACKOFF.baseMs * 2 ** retry));
        },
      ),
    );
    expect(backoffMs(1, 0.999_999)).toBe(120_000);
    expect(backoffMs(9, 0.999_999_9)).toBe(900_000);
  });
});
