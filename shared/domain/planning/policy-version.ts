import type { Policy } from "./rules.ts";

/** Everything that people set of a project, as it was from one change to the next. Immutable. */
export interface PolicyVersion {
  /** From 1, without a gap. */
  readonly version: number;
  readonly policy: Policy;
  /** IANA name. */
  readonly timeZone: string;
  /** Share of the capacity when it is short, 1 to 10. */
  readonly weight?: number;
  readonly savedAt: Date;
  /** The id of an API key, or the command that did it. */
  readonly savedBy: string;
}
