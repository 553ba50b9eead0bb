import { Fault } from "#shared/errors.ts";
import type { SettingsStore } from "#shared/ports/settings-store.ts";

export interface CheckReadinessDeps {
  readonly settingsStore: Pick<SettingsStore, "get">;
  readonly report: (error: unknown) => void;
}

export interface Readiness {
  readonly ready: boolean;
  /** For a person. */
  readonly why: string;
}

/** One read of the one thing that every request needs: the settings from the table. Never throws. */
export type CheckReadiness = () => Promise<Readiness>;

export function createCheckReadiness({ settingsStore, report }: CheckReadinessDeps): CheckReadiness {
  return async () => {
    try {
      await settingsStore.get();
      return { ready: true, why: "The table can be read." };
    } catch (error) {
      report(error);
      const because = error instanceof Fault ? ` (${error.code})` : "";
      return { ready: false, why: `The table could not be read: no request can be answered${because}.` };
    }
  };
}
