import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asOwnerId, asUserId } from "#shared/domain/ids.ts";
import {
  formatSessionToken,
  isSessionOver,
  newSession,
  parseSessionToken,
  SESSION_IDLE_MS,
  SESSION_MS,
  SESSION_RANDOM_BYTES,
  sessionIdOf,
  shouldTouchSession,
} from "#shared/domain/session.ts";
import {
  ACCOUNT_RULE,
  ATTEMPTS_FORGOTTEN_MS,
  type Attempts,
  clearAttempts,
  countAttempt,
  SOURCE_RULE,
  uncountAttempt,
} from "#shared/domain/session-attempts.ts";

const now = new Date("2026-12-01T01:00:00.000Z");
const later = (ms: number) => new Date(now.getTime() + ms);
const owner = asOwnerId("anne");
const token = formatSessionToken(owner, new Uint8Array(SESSION_RANDOM_BYTES).fill(9));
const session = newSession(token, { ownerId: owner, userId: asUserId("01KU"), sourceIp: "192.0.2.1" }, now);

describe("a session", () => {
  it("is found by its token, which is stored nowhere", () => {
    expect(parseSessionToken(token)).toEqual({ ownerId: owner, hash: session.hash });
    expect(JSON.stringify(session)).not.toContain(token.slice(-20));
    expect(sessionIdOf(session)).toBe(session.hash.slice(0, 12));
  });

  it.each([
    "",
    "anne",
    "anne.",
    `${token}x`,
    token.slice(0, -1),
    token.replace("anne", "a nne"),
    `.${token}`,
  ])("is refused without a look-up for what can be no token: %j", (text) => {
    expect(parseSessionToken(text)).toBeUndefined();
  });

  it("ends after an hour without a request, and after twelve whatever happens", () => {
    expect(isSessionOver(session, later(SESSION_IDLE_MS - 1))).toBe(false);
    expect(isSessionOver(session, later(SESSION_IDLE_MS))).toBe(true);
    const busy = (ms: number) => ({ ...session, lastSeenAt: later(ms) });
    expect(isSessionOver(busy(SESSION_MS - 1), later(SESSION_MS - 1))).toBe(false);
    expect(isSessionOver(busy(SESSION_MS), later(SESSION_MS))).toBe(true);
  });

  it("is noted as used once a minute", () => {
    expect(shouldTouchSession(session, later(59_999))).toBe(false);
    expect(shouldTouchSession(session, later(60_000))).toBe(true);
  });
});

describe("attempts to sign in", () => {
  function attempt(before: Attempts | undefined, at: Date): Attempts {
    const counted = countAttempt(before, "key", ACCOUNT_RULE, at);
    if (!counted.ok) throw new Error("blocked");
    return counted.value;
  }

  it("wait for nothing at first, then twice as long each time, up to minutes", () => {
    let last: Attempts | undefined;
    let at = now;
    const waits: number[] = [];
    for (let count = 0; count < 16; count++) {
      last = attempt(last, at);
      const until = last.blockedUntil ?? at;
      waits.push(until.getTime() - at.getTime());
      at = until;
    }
    const { free, baseMs, capMs } = ACCOUNT_RULE;
    expect(waits.slice(0, free - 1)).toEqual(Array.from({ length: free - 1 }, () => 0));
    expect(waits.slice(free - 1, free + 2)).toEqual([baseMs, 2 * baseMs, 4 * baseMs]);
    expect(waits.at(-1)).toBe(capMs);
  });

  it("are refused until the delay is over, and then counted on", () => {
    let last: Attempts | undefined;
    for (let count = 0; count < ACCOUNT_RULE.free; count++) last = attempt(last, now);
    const until = last?.blockedUntil ?? now;
    expect(countAttempt(last, "key", ACCOUNT_RULE, new Date(until.getTime() - 1))).toEqual({
      ok: false,
      error: { reason: "blocked", until },
    });
    expect(attempt(last, until).count).toBe(ACCOUNT_RULE.free + 1);
  });

  it("never let more through in an hour than the delays allow, however they are spread", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 60, maxLength: 300 }),
        (gaps) => {
          let last: Attempts | undefined;
          let passed = 0;
          let ms = 0;
          for (const gap of gaps) {
            ms += gap;
            if (ms >= ATTEMPTS_FORGOTTEN_MS) break;
            const counted = countAttempt(last, "key", ACCOUNT_RULE, later(ms));
            if (!counted.ok) continue;
            last = counted.value;
            passed++;
          }
          // 5 free, 8 doublings to the cap, then one every 5 minutes.
          expect(passed).toBeLessThanOrEqual(5 + 8 + 12);
        },
      ),
    );
  });

  it("are forgotten after an hour without one, and by a success", () => {
    let last: Attempts | undefined;
    for (let count = 0; count < 4; count++) last = attempt(last, now);
    if (!last) throw new Error("four were counted");
    expect(attempt(last, later(ATTEMPTS_FORGOTTEN_MS - 1)).count).toBe(5);
    expect(attempt(last, later(ATTEMPTS_FORGOTTEN_MS)).count).toBe(1);
    expect(attempt(clearAttempts(last), now).count).toBe(1);
    // From an address: only the success itself. Who has an account may not guess the others'.
    expect(attempt(uncountAttempt(last), now).count).toBe(4);
  });

  it("bear more from an address than for an account", () => {
    expect(SOURCE_RULE.free).toBeGreaterThan(ACCOUNT_RULE.free);
    expect(SOURCE_RULE.capMs).toBeGreaterThan(ACCOUNT_RULE.capMs);
  });
});
