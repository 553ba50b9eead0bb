import { DEFAULT_SETTINGS, type Settings } from "#shared/domain/settings.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { ServiceSettings } from "#shared/ports/service-settings.ts";
import type { SettingsStore } from "#shared/ports/settings-store.ts";

/** Half of the 30 s that are promised: the other half is for a slow table. */
const REREAD_SETTINGS_MS = 15_000;

export interface CachedSettingsOptions {
  readonly store: Pick<SettingsStore, "get">;
  readonly clock: Pick<Clock, "now">;
  /** Told of a read that failed while older settings stay in force. */
  readonly report: (error: unknown) => void;
}

/** The settings as one sandbox sees them: read when they are asked for, at most every 15 s, once for all who ask. */
export function createCachedSettings({ store, clock, report }: CachedSettingsOptions): ServiceSettings {
  let known: { readonly values: Settings; readonly askedAt: number } | undefined;
  let reading: Promise<Settings> | undefined;

  async function read(): Promise<Settings> {
    const askedAt = clock.now().getTime();
    try {
      const { values } = (await store.get()) ?? { values: DEFAULT_SETTINGS };
      known = { values, askedAt };
      return values;
    } catch (error) {
      if (!known) throw error;
      report(error);
      known = { ...known, askedAt };
      return known.values;
    }
  }

  return {
    async current() {
      if (known && clock.now().getTime() - known.askedAt < REREAD_SETTINGS_MS) return known.values;
      reading ??= read().finally(() => {
        reading = undefined;
      });
      return reading;
    },
  };
}
