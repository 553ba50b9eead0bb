import type { Settings } from "#shared/domain/settings.ts";
import type { ServiceSettings } from "#shared/ports/service-settings.ts";
import type { TotalsStore } from "#shared/ports/totals-store.ts";

/** Which deployment this is. */
export interface About {
  /** Of the release. */
  readonly version: string;
  readonly stage: string;
  readonly region: string;
  /** Version of Node. */
  readonly node: string;
}

export interface ReadInfoDeps {
  readonly about: About;
  readonly settings: ServiceSettings;
  readonly totals: Pick<TotalsStore, "read">;
}

export interface Info extends About {
  readonly limits: Settings;
  /** Since when things are counted; absent: nothing was yet. */
  readonly since?: Date;
}

export type ReadInfo = () => Promise<Info>;

export function createReadInfo({ about, settings, totals }: ReadInfoDeps): ReadInfo {
  return async () => {
    const [limits, counted] = await Promise.all([settings.current(), totals.read()]);
    return { ...about, limits, ...(counted && { since: counted.since }) };
  };
}
