/** A post that recurs: what is posted, and when. Each occurrence of it becomes a task of its own. */
import type { AccountId, OwnerId, ProjectId, RecurrenceId } from "../ids.ts";
import type { Medium } from "../media.ts";
import type { Strategy } from "../planning/strategy.ts";
import type { Reason } from "../reason.ts";
import type { LatePolicy, Part, ReconcilePolicy } from "../task.ts";
import { durationInWords, instantInWords } from "../words.ts";
import { instantOf, type LocalTime } from "./local-time.ts";
import { listOccurrences, type Occurrence } from "./occurrences.ts";
import type { Schedule } from "./schedule.ts";

/** `ended`: its rule names nothing more. `deleted`: kept until its future is cancelled, and seen by nobody. */
export const RECURRENCE_STATUSES = ["active", "paused", "ended", "deleted"] as const;
export type RecurrenceStatus = (typeof RECURRENCE_STATUSES)[number];

/** So far ahead its occurrences are tasks: long enough to be looked at, short enough to be changed. */
export const HORIZON_MS = 14 * 86_400_000;
/** One occurrence may be moved by this much. */
export const MAX_MOVE_MS = 7 * 86_400_000;
export const MAX_VARIANTS = 50;
/** Occurrences that are skipped, or differ from the others. What has passed does not count. */
export const MAX_EXCEPTIONS = 200;

/** The small half. Every write replaces it on the condition that `version` is still the one that was read. */
export interface Recurrence {
  readonly id: RecurrenceId;
  readonly ownerId: OwnerId;
  readonly projectId: ProjectId;
  readonly accountId: AccountId;
  /** Any account of the project will do; `accountId` is its default. */
  readonly isAny: boolean;
  /** For people; may be given twice. */
  readonly name: string;
  readonly schedule: Schedule;
  /** Occurrences that are left out, one by one. */
  readonly skips: readonly LocalTime[];
  readonly status: RecurrenceStatus;
  readonly version: number;
  /** Grows with every change by a person. */
  readonly rev: number;
  /** The revision whose `RecurrenceContent` is in force: skipping changes no text. */
  readonly contentRev: number;
  readonly strategy: Strategy;
  readonly priority: number;
  readonly language: string;
  readonly latePolicy: LatePolicy;
  readonly reconcile?: ReconcilePolicy;
  readonly maxRetries: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Every occurrence until then is a task, as far as it is to be posted. */
  readonly expandedUntil?: Date;
  /** When there is something to do about it. Absent: never again, unless somebody changes it. */
  readonly wakeAt?: Date;
}

/** What differs at one occurrence. */
export interface Override {
  readonly parts?: readonly Part[];
  /** A local time of the recurrence's zone. */
  readonly at?: LocalTime;
}

/** What one revision of a recurrence says. Immutable. */
export interface RecurrenceContent {
  readonly recurrenceId: RecurrenceId;
  readonly rev: number;
  /** In rotation: each the parts of a post. */
  readonly variants: readonly (readonly Part[])[];
  /** Of every occurrence, attached to the first part. */
  readonly media: readonly Medium[];
  /** By the local time that the rule names. */
  readonly overrides: Readonly<Record<string, Override>>;
}

/** An occurrence as it is to be posted. */
export interface Wish {
  readonly occurrence: Occurrence;
  readonly publishAt: Date;
  readonly parts: readonly Part[];
}

const shift = (at: Date, ms: number): Date => new Date(at.getTime() + ms);

/**
 * What is to be posted after `after` and until `until`, by time: without what is skipped, moved where it was moved to,
 * and each with its text. The n-th occurrence has the n-th text and so on, round and round, whatever else is skipped.
 */
export function listWishes(
  { schedule, skips }: Pick<Recurrence, "schedule" | "skips">,
  { variants, overrides }: Pick<RecurrenceContent, "variants" | "overrides">,
  { after, until }: { readonly after: Date; readonly until: Date },
): readonly Wish[] {
  const skipped = new Set(skips);
  // One that is moved may come from outside.
  const wide = { after: shift(after, -MAX_MOVE_MS), until: shift(until, MAX_MOVE_MS) };
  return listOccurrences(schedule, wide)
    .filter(({ local }) => !skipped.has(local))
    .map((occurrence): Wish => {
      const { at, parts } = overrides[occurrence.local] ?? {};
      return {
        occurrence,
        publishAt: at ? instantOf(at, schedule.timeZone).at : occurrence.at,
        parts: parts ?? variants[occurrence.index % variants.length] ?? [],
      };
    })
    .filter(({ publishAt }) => publishAt > after && publishAt <= until)
    .toSorted((a, b) => a.publishAt.getTime() - b.publishAt.getTime());
}

const textOf = (parts: readonly Part[]): string => JSON.stringify(parts.map(({ text }) => text));

/**
 * Why X, or the project's own rule, may refuse a coming occurrence: its text would be posted again too soon. Undefined: as
 * far as can be seen ahead no text is.
 *
 * @param wishes - by time
 * @param windowMs - the project's duplicate window. 0: nothing is compared
 */
export function findRepeat(wishes: readonly Wish[], windowMs: number): Reason | undefined {
  const last = new Map<string, Date>();
  for (const { publishAt, parts } of wishes) {
    const text = textOf(parts);
    const before = last.get(text);
    const apartMs = before && publishAt.getTime() - before.getTime();
    if (before && apartMs !== undefined && apartMs < windowMs) {
      const within = wishes.filter(
        (one) => one.publishAt >= before && one.publishAt.getTime() < before.getTime() + windowMs,
      ).length;
      return {
        code: "repeats-too-soon",
        message:
          `The text of ${instantInWords(before)} comes again at ${instantInWords(publishAt)}, after ${durationInWords(apartMs)}; ` +
          `the project wants ${durationInWords(windowMs)} between equal texts, and X refuses what it takes for a repetition.`,
        remedy: `Give more texts: ${within} would do, one for each post of that time. Or post less often.`,
      };
    }
    last.set(text, publishAt);
  }
  return undefined;
}
