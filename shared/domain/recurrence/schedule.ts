/** When something recurs: a rule, where it starts, and what is taken out or added. */
import type { LocalDay, LocalTime } from "./local-time.ts";
import type { Rule } from "./rule.ts";

export interface Schedule {
  readonly rule: Rule;
  /** Rule and count begin here. It is the first occurrence only if the rule names it. */
  readonly dtStart: LocalTime;
  /** IANA name. All local times are of it. */
  readonly timeZone: string;
  /** Not these. They count for COUNT all the same. */
  readonly exDates: readonly ExDate[];
  /** These too. */
  readonly rDates: readonly LocalTime[];
}

/** One occurrence, or all of one day (`2026-12-25`). */
export type ExDate = LocalTime | LocalDay;
