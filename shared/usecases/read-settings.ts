import { inForce, type SettingsInForce, type SettingsVersion } from "#shared/domain/settings.ts";
import type { SettingsStore } from "#shared/ports/settings-store.ts";

/** As they are now, not as some function may still see them for half a minute. */
export type ReadSettings = () => Promise<SettingsInForce>;

export const createReadSettings =
  ({ settingsStore }: { readonly settingsStore: Pick<SettingsStore, "get"> }): ReadSettings =>
  async () =>
    inForce(await settingsStore.get());

export interface SettingsVersionPage {
  readonly versions: readonly SettingsVersion[];
  /** Older ones follow: those before this version. */
  readonly next?: number;
}

/** Newest first. @param before - only those older than this version */
export type ListSettingVersions = (page: {
  readonly limit: number;
  readonly before?: number | undefined;
}) => Promise<SettingsVersionPage>;

export const createListSettingVersions =
  ({ settingsStore }: { readonly settingsStore: Pick<SettingsStore, "listVersions"> }): ListSettingVersions =>
  async ({ limit, before }) => {
    const versions = await settingsStore.listVersions(limit, before);
    const oldest = versions.at(-1)?.version ?? 1;
    return { versions, ...(oldest > 1 && { next: oldest }) };
  };
