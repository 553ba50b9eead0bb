import type { SettingsVersion } from "#shared/domain/settings.ts";
import type { Result } from "#shared/result.ts";

/** The settings of the deployment and what they were. Reads are consistent. Passes `test/contracts/settings-store.ts`. */
export interface SettingsStore {
  /** What is in force. `undefined`: the defaults, nobody has saved any. */
  get(): Promise<SettingsVersion | undefined>;
  getVersion(version: number): Promise<SettingsVersion | undefined>;
  /** Replaces the version that is one less, which stays readable. Version 1 must not exist yet. */
  save(next: SettingsVersion): Promise<Result<void, { readonly reason: "stale" }>>;
  /** Newest first. @param before - only those older than this version */
  listVersions(limit: number, before?: number): Promise<readonly SettingsVersion[]>;
}
