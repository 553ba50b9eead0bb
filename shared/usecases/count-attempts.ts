import { createHash } from "node:crypto";
import type { OwnerId } from "#shared/domain/ids.ts";
import {
  ACCOUNT_RULE,
  type AttemptRule,
  type Attempts,
  clearAttempts,
  countAttempt,
  SOURCE_RULE,
  uncountAttempt,
} from "#shared/domain/session-attempts.ts";
import { fold } from "#shared/domain/user.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { AttemptStore } from "#shared/ports/session-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

export interface CountAttemptsDeps {
  readonly attempts: AttemptStore;
  readonly clock: Pick<Clock, "now">;
}

export interface TooManyAttempts {
  readonly reason: "too-many-attempts";
  readonly retryAfterMs: number;
}

export interface Attempted {
  readonly sourceIp: string;
  /** Whose account; known or not. */
  readonly account?: { readonly ownerId: OwnerId; readonly email: string };
}

export interface CountedAttempt {
  readonly source: Attempts;
  readonly account?: Attempts;
}

export interface CountAttempts {
  /** Before anything is looked at, so that attempts side by side are counted too. */
  count(attempted: Attempted): Promise<Result<CountedAttempt, TooManyAttempts>>;
  /** Takes it back: it was right. Best effort, nobody waits longer than the delay. */
  succeed(counted: CountedAttempt): Promise<void>;
}

/** Whoever loses so many races stands among many attempts. */
const MAX_RACES = 4;
const CONTENDED_MS = 1_000;

const keyOf = (kind: "account" | "source", subject: string): string =>
  createHash("sha256").update(`${kind}\n${subject}`).digest("hex");

/** Growing delays per account and per address. */
export function createCountAttempts({ attempts, clock }: CountAttemptsDeps): CountAttempts {
  async function countOne(key: string, rule: AttemptRule): Promise<Result<Attempts, TooManyAttempts>> {
    for (let race = 0; race < MAX_RACES; race++) {
      const now = clock.now();
      const counted = countAttempt(await attempts.getAttempts(key), key, rule, now);
      if (!counted.ok)
        return err({
          reason: "too-many-attempts",
          retryAfterMs: counted.error.until.getTime() - now.getTime(),
        });
      if ((await attempts.saveAttempts(counted.value)).ok) return counted;
    }
    return err({ reason: "too-many-attempts", retryAfterMs: CONTENDED_MS });
  }

  return {
    async count({ sourceIp, account: named }) {
      const source = await countOne(keyOf("source", sourceIp), SOURCE_RULE);
      if (!source.ok) return source;
      if (!named) return ok({ source: source.value });
      const account = await countOne(
        keyOf("account", `${named.ownerId}\n${fold(named.email)}`),
        ACCOUNT_RULE,
      );
      return account.ok ? ok({ source: source.value, account: account.value }) : account;
    },

    async succeed({ source, account }) {
      // Another attempt meanwhile keeps its own count.
      await attempts.saveAttempts(uncountAttempt(source));
      if (account) await attempts.saveAttempts(clearAttempts(account));
    },
  };
}
