import type { OwnerId } from "#shared/domain/ids.ts";
import {
  changeSettings,
  inForce,
  type Settings,
  type SettingsChange,
  type SettingsInForce,
  settingsChangedBy,
} from "#shared/domain/settings.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { SettingsStore } from "#shared/ports/settings-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { isOperator } from "./operator.ts";

/** Somebody changed them since. @see version - the one in force */
export interface StaleSettings {
  readonly reason: "stale";
  readonly version: number;
}

export type WriteSettingsRefusal =
  /** They are the deployment's: only its first owner changes them. */
  { readonly reason: "operator-only" } | StaleSettings;

export interface WriteSettingsDeps {
  readonly settingsStore: SettingsStore;
  readonly clock: Pick<Clock, "now">;
}

export interface SettingsWish {
  readonly ownerId: OwnerId;
  /** Who changes them. */
  readonly by: string;
  /** The version that the change was decided on. Absent: whichever is in force. */
  readonly ifVersion?: number | undefined;
}

export type WriteSettings = (
  change: SettingsChange,
  wish: SettingsWish,
) => Promise<Result<SettingsInForce, WriteSettingsRefusal>>;

/**
 * Changes settings. Every function follows within 30 s. Saving what is in force already changes nothing, so it is safe to
 * repeat.
 *
 * @throws RangeError when a value is out of its range
 */
export function createWriteSettings(deps: WriteSettingsDeps): WriteSettings {
  return async (change, wish) =>
    isOperator(wish.ownerId)
      ? replaceSettings(deps, wish, (values) => changeSettings(values, change))
      : err({ reason: "operator-only" });
}

/** Tries after somebody else was faster. */
const MAX_RACES = 5;

/** @param restores - the version that is brought back */
export async function replaceSettings(
  { settingsStore, clock }: WriteSettingsDeps,
  { by, ifVersion }: Omit<SettingsWish, "ownerId">,
  build: (values: Settings) => Settings,
  restores?: number,
): Promise<Result<SettingsInForce, StaleSettings>> {
  for (let race = 0; race < MAX_RACES; race++) {
    const before = inForce(await settingsStore.get());
    if (ifVersion !== undefined && ifVersion !== before.version)
      return err({ reason: "stale", version: before.version });
    const values = build(before.values);
    const changed = settingsChangedBy(before.values, values);
    if (changed.length === 0) return ok(before);
    const next = {
      version: before.version + 1,
      values,
      savedAt: clock.now(),
      savedBy: by,
      changed,
      ...(restores !== undefined && { restores }),
    };
    // Refused: somebody else was faster. Their change stays, and ours goes on top, unless it was decided without it.
    if ((await settingsStore.save(next)).ok) return ok(inForce(next));
  }
  throw new DependencyFault("the settings were changed by somebody else every time");
}
