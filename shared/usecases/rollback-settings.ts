import { DEFAULT_SETTINGS, type SettingsInForce } from "#shared/domain/settings.ts";
import { err, type Result } from "#shared/result.ts";
import { isOperator } from "./operator.ts";
import {
  replaceSettings,
  type SettingsWish,
  type WriteSettingsDeps,
  type WriteSettingsRefusal,
} from "./write-settings.ts";

export type RollbackSettingsRefusal = WriteSettingsRefusal | { readonly reason: "unknown-version" };

/** @param version - 0 brings back the defaults */
export type RollbackSettings = (
  version: number,
  wish: SettingsWish,
) => Promise<Result<SettingsInForce, RollbackSettingsRefusal>>;

/** Makes an old version the newest one. What was between stays in the history. */
export function createRollbackSettings(deps: WriteSettingsDeps): RollbackSettings {
  return async (version, wish) => {
    if (!isOperator(wish.ownerId)) return err({ reason: "operator-only" });
    const old = version === 0 ? { values: DEFAULT_SETTINGS } : await deps.settingsStore.getVersion(version);
    if (!old) return err({ reason: "unknown-version" });
    return replaceSettings(deps, wish, () => old.values, version);
  };
}
