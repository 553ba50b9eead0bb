import type { Settings } from "#shared/domain/settings.ts";

/** What is in force, at most 30 s old. */
export interface ServiceSettings {
  /** @throws whatever the table throws, unless it was read before: then what was in force is still */
  current(): Promise<Settings>;
}
