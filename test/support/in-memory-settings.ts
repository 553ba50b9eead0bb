import type { SettingsVersion } from "#shared/domain/settings.ts";
import type { SettingsStore } from "#shared/ports/settings-store.ts";
import { err, ok } from "#shared/result.ts";

/** The same promises as the DynamoDB store, kept honest by the contract that both run. */
export function createInMemorySettings(): SettingsStore {
  const versions: SettingsVersion[] = [];
  return {
    async get() {
      return versions.at(-1);
    },
    async getVersion(version) {
      return versions[version - 1];
    },
    async save(next) {
      if (next.version !== versions.length + 1) return err({ reason: "stale" });
      versions.push(next);
      return ok(undefined);
    },
    async listVersions(limit, before = versions.length + 1) {
      return versions
        .slice(0, Math.max(0, before - 1))
        .reverse()
        .slice(0, limit);
    },
  };
}
