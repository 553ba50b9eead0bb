import { fingerprintOf } from "#shared/domain/credentials.ts";
import type { AccountId } from "#shared/domain/ids.ts";
import type { CredentialsRegister } from "#shared/ports/credentials-register.ts";
import type { CredentialsVault, StoredCredentials } from "#shared/ports/credentials-vault.ts";
import { err, ok } from "#shared/result.ts";

interface Entry extends StoredCredentials {
  readonly claim?: { readonly holder: string; readonly until: Date };
  readonly renewedBy?: string;
}

/** The same promises as the sealed store, kept honest by the contract that both run. Nothing is encrypted here. */
export function createInMemoryVault(): CredentialsVault & CredentialsRegister {
  const entries = new Map<AccountId, Entry>();
  /** Of what was removed. */
  const versions = new Map<AccountId, number>();
  const publicPart = ({ credentials, version, origin }: Entry): StoredCredentials => ({
    credentials,
    version,
    origin,
  });
  return {
    async load(accountId) {
      const entry = entries.get(accountId);
      return entry && publicPart(entry);
    },
    async connect(accountId, credentials) {
      const entry = {
        credentials,
        version: (entries.get(accountId)?.version ?? versions.get(accountId) ?? 0) + 1,
        origin: fingerprintOf(credentials),
      };
      entries.set(accountId, entry);
      return entry;
    },
    async describe(accountId) {
      const entry = entries.get(accountId);
      return entry && { kind: entry.credentials.kind };
    },
    async remove(accountId) {
      const entry = entries.get(accountId);
      if (entry) versions.set(accountId, entry.version + 1);
      entries.delete(accountId);
    },
    async claimRenewal(accountId, { version, holder, now, until }) {
      const entry = entries.get(accountId);
      if (entry?.version !== version) return err({ reason: "stale" });
      if (entry.claim && entry.claim.until > now && entry.claim.holder !== holder)
        return err({ reason: "taken" });
      entries.set(accountId, { ...entry, claim: { holder, until } });
      return ok(undefined);
    },
    async releaseRenewal(accountId, holder) {
      const entry = entries.get(accountId);
      if (entry?.claim?.holder === holder) entries.set(accountId, publicPart(entry));
    },
    async renew(accountId, credentials, { version, holder }) {
      const entry = entries.get(accountId);
      if (!entry) return err({ reason: "stale" });
      if (entry.version === version + 1 && entry.renewedBy === holder) return ok(publicPart(entry));
      if (entry.version !== version) return err({ reason: "stale" });
      const next: Entry = { credentials, version: version + 1, origin: entry.origin, renewedBy: holder };
      entries.set(accountId, next);
      return ok(publicPart(next));
    },
  };
}
