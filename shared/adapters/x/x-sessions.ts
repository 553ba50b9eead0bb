import type { Agent } from "node:http";
import { Credentials, isUsable } from "#shared/domain/credentials.ts";
import type { Failure } from "#shared/domain/failure.ts";
import type { AccountId } from "#shared/domain/ids.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { CredentialsVault, StoredCredentials } from "#shared/ports/credentials-vault.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { requestTokens } from "./token-request.ts";

/** Decrypted credentials stay in memory for at most this long. */
const CACHE_MS = 5 * 60_000;
/** An access token must outlive the hold before the due second, and then some. */
const MARGIN_MS = 5 * 60_000;
/** When no new token can be had, one that lasts this much longer still carries the post at hand. */
const LAST_RESORT_MARGIN_MS = 90_000;
/** Longer than the token request can take, so that nobody else uses the refresh token meanwhile. */
const CLAIM_MS = 2 * TIMING.lookupDeadlineMs;
/** Whoever finds the claim taken looks again this often. */
const LOOK_AGAIN_MS = 250;
/** A claim ends by then, whatever became of its holder. */
const WAIT_MS = CLAIM_MS + LOOK_AGAIN_MS;

const STORE_ATTEMPTS = 3;
const STORE_PAUSE_MS = 500;

/** Credentials of an account, ready to sign with. */
export interface XSession {
  readonly accountId: AccountId;
  readonly credentials: Credentials;
  /** Of the stored pair. */
  readonly version: number;
  /** This process has just renewed it: when X refuses even this, renewing once more cannot help. */
  readonly isNew: boolean;
}

/** Opens accounts, and keeps the access tokens of OAuth 2 fresh. */
export interface XSessions {
  /** Credentials that X accepts for minutes to come, renewed if need be. A `Failure` when there are none to be had. */
  open(accountId: AccountId): Promise<Result<XSession, Failure>>;

  /**
   * What `open` has found, or what is stored, if it lasts for `forMs` more. Never renews: that can take longer than
   * whoever is about to post may wait.
   */
  recall(accountId: AccountId, forMs: number): Promise<Result<XSession, Failure>>;

  /**
   * After X answered 401 to `refused`: gives another session, or the reason why there is none. At most one renewal
   * for each stored pair, however many requests were refused with it.
   */
  renew(refused: XSession): Promise<Result<XSession, Failure>>;

  /**
   * As `renew`, for whoever has no time for it now: the next `open` renews, in whatever process.
   *
   * @returns the reason why that cannot help, if it is known already
   */
  discard(refused: XSession): Promise<Result<void, Failure>>;
}

export interface XSessionsDeps {
  readonly vault: CredentialsVault;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Connections to X; keep-alive is fine. */
  readonly agent: Agent;
}

const NO_CREDENTIALS: Failure = {
  class: "credentials",
  reason: {
    code: "no-credentials",
    message: "The account has no credentials of X.",
    remedy: "Connect the account (docs/api.md), or put X's tokens into .env and run `npm run admin -- init`.",
  },
};

const NEEDS_RECONNECT: Failure = {
  class: "credentials",
  reason: {
    code: "needs-reconnect",
    message: "X no longer accepts this account's access.",
    remedy:
      "Connect the account again (docs/api.md), or put fresh tokens into .env and run `npm run admin -- init`.",
  },
};

/** X, or the clock, has ended the access token; the next `open` gets another. */
export const ACCESS_ENDED: Failure = {
  class: "transient",
  reason: {
    code: "access-ended",
    message: "The account's access token has ended.",
    remedy: "Nothing to do: it is tried again with a new one.",
  },
};

const RENEWAL_BUSY: Failure = {
  class: "transient",
  reason: {
    code: "renewal-busy",
    message: "Another process is renewing the account's access and has not finished.",
    remedy: "Nothing to do: it is tried again.",
  },
};

/**
 * Sessions of all accounts of one process.
 *
 * A refresh token works once. So one process at a time may use it (a conditional write on the stored item), the new
 * pair is stored before it is used, and whoever comes second reads what the first one stored.
 */
export function createXSessions({ vault, clock, entropy, agent }: XSessionsDeps): XSessions {
  const cache = new Map<AccountId, { readonly session: XSession; readonly until: number }>();
  const underWay = new Map<string, Promise<Result<XSession, Failure>>>();

  const keep = (
    accountId: AccountId,
    { credentials, version }: StoredCredentials,
    isNew = false,
  ): XSession => {
    const session: XSession = { accountId, credentials, version, isNew };
    cache.set(accountId, { session, until: clock.now().getTime() + CACHE_MS });
    return session;
  };

  /** Concurrent segments of one upload share one look-up and one renewal. */
  const once = (
    key: string,
    run: () => Promise<Result<XSession, Failure>>,
  ): Promise<Result<XSession, Failure>> => {
    const running = underWay.get(key);
    if (running) return running;
    const started = run().finally(() => underWay.delete(key));
    underWay.set(key, started);
    return started;
  };

  async function open(accountId: AccountId): Promise<Result<XSession, Failure>> {
    const cached = cache.get(accountId);
    const now = clock.now();
    if (cached && cached.until > now.getTime() && isUsable(cached.session.credentials, now, MARGIN_MS))
      return ok(cached.session);
    return once(`open ${accountId}`, async () => {
      cache.delete(accountId);
      const stored = await vault.load(accountId);
      if (!stored) return err(NO_CREDENTIALS);
      if (isUsable(stored.credentials, clock.now(), MARGIN_MS)) return ok(keep(accountId, stored));
      const renewed = await obtain(accountId, stored);
      if (renewed.ok) return renewed;
      const lasts = isUsable(stored.credentials, clock.now(), LAST_RESORT_MARGIN_MS);
      return lasts ? ok(keep(accountId, stored)) : renewed;
    });
  }

  async function recall(accountId: AccountId, forMs: number): Promise<Result<XSession, Failure>> {
    const cached = cache.get(accountId);
    const now = clock.now();
    if (cached && cached.until > now.getTime() && isUsable(cached.session.credentials, now, forMs))
      return ok(cached.session);
    const stored = await vault.load(accountId);
    if (!stored) return err(NO_CREDENTIALS);
    const lasts = isUsable(stored.credentials, clock.now(), forMs);
    return lasts ? ok(keep(accountId, stored)) : err(ACCESS_ENDED);
  }

  async function renew({ accountId, credentials, version }: XSession): Promise<Result<XSession, Failure>> {
    return once(`renew ${accountId} ${version}`, async () => {
      cache.delete(accountId);
      const stored = await vault.load(accountId);
      if (!stored) return err(NO_CREDENTIALS);
      // Somebody renewed or connected it since: what was refused is no longer what is stored.
      if (stored.version !== version && isUsable(stored.credentials, clock.now(), 0))
        return ok(keep(accountId, stored));
      if (credentials.kind === "oauth1") return err(NEEDS_RECONNECT);
      return obtain(accountId, stored);
    });
  }

  async function discard({
    accountId,
    credentials,
    version,
    isNew,
  }: XSession): Promise<Result<void, Failure>> {
    cache.delete(accountId);
    const secrets = credentials.reveal();
    if (secrets.kind === "oauth1") {
      const stored = await vault.load(accountId);
      if (!stored) return err(NO_CREDENTIALS);
      return stored.version === version ? err(NEEDS_RECONNECT) : ok(undefined);
    }
    if (isNew) return err(NEEDS_RECONNECT);
    const { accessToken: _refused, expiresAt: _ended, ...rest } = secrets;
    // Refused as stale: somebody renewed or connected it meanwhile, and that is all that is wanted.
    await vault.renew(accountId, new Credentials(rest), { version, holder: entropy.newId() });
    return ok(undefined);
  }

  /** A newer pair than `seen`, by renewing it or by waiting for whoever does. */
  async function obtain(accountId: AccountId, seen: StoredCredentials): Promise<Result<XSession, Failure>> {
    const holder = entropy.newId();
    const giveUpAt = clock.now().getTime() + WAIT_MS;
    for (;;) {
      const now = clock.now();
      const until = new Date(now.getTime() + CLAIM_MS);
      const claimed = await vault.claimRenewal(accountId, { version: seen.version, holder, now, until });
      if (claimed.ok) return renewUnderClaim(accountId, seen, holder);
      if (claimed.error.reason === "stale") return reread(accountId, seen.version);
      if (now.getTime() >= giveUpAt) return err(RENEWAL_BUSY);
      await clock.sleepUntil(new Date(now.getTime() + LOOK_AGAIN_MS));
    }
  }

  async function reread(
    accountId: AccountId,
    seenVersion: number,
    otherwise: Failure = NEEDS_RECONNECT,
  ): Promise<Result<XSession, Failure>> {
    const stored = await vault.load(accountId);
    if (!stored) return err(NO_CREDENTIALS);
    if (stored.version === seenVersion || !isUsable(stored.credentials, clock.now(), 0))
      return err(otherwise);
    return ok(keep(accountId, stored));
  }

  async function renewUnderClaim(
    accountId: AccountId,
    { credentials, version }: StoredCredentials,
    holder: string,
  ): Promise<Result<XSession, Failure>> {
    const secrets = credentials.reveal();
    if (secrets.kind === "oauth1") throw new RangeError("OAuth 1.0a has nothing to renew");
    const { refreshToken } = secrets;
    const answer = await requestTokens({ clock, agent }, secrets, { kind: "refresh", refreshToken });
    if (!answer.ok) {
      await vault.releaseRenewal(accountId, holder);
      // X says the same to a refresh token that was used before: then the pair it was used for is stored.
      return answer.error.class === "credentials"
        ? reread(accountId, version, answer.error)
        : err(answer.error);
    }
    const saved = await store(accountId, answer.value, { version, holder });
    // Connected anew meanwhile: what was connected counts, and the pair just received is dropped.
    return saved.ok ? ok(keep(accountId, saved.value, true)) : reread(accountId, version);
  }

  /** The old pair is used up: a new one that is lost takes a person to replace. So it is worth a few attempts. */
  async function store(...renewal: Parameters<CredentialsVault["renew"]>) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await vault.renew(...renewal);
      } catch (error) {
        if (attempt === STORE_ATTEMPTS) throw error;
        await clock.sleepUntil(new Date(clock.now().getTime() + STORE_PAUSE_MS));
      }
    }
  }

  return { open, recall, renew, discard };
}
