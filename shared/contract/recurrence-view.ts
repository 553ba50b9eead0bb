import * as z from "zod";
import { asRecurrenceId, type TaskId } from "#shared/domain/ids.ts";
import {
  languageField,
  latePolicyField,
  nameField,
  priorityField,
  publishAtField,
  reconcileField,
  threadField,
} from "#shared/domain/post-fields.ts";
import type { Reason } from "#shared/domain/reason.ts";
import type { LocalTime } from "#shared/domain/recurrence/local-time.ts";
import { MAX_DATES } from "#shared/domain/recurrence/read-recurrence.ts";
import {
  MAX_VARIANTS,
  type Recurrence,
  type RecurrenceContent,
} from "#shared/domain/recurrence/recurrence.ts";
import { formatRule } from "#shared/domain/recurrence/rule.ts";
import {
  DEFAULT_LANGUAGE,
  DEFAULT_MAX_RETRIES,
  DEFAULT_PRIORITY,
  type LatePolicy,
  type Part,
} from "#shared/domain/task.ts";
import { instantInWords } from "#shared/domain/words.ts";
import { cursorField, limitField, nextField } from "./paging.ts";

const MAX_PAGE = 100;

export const recurrencePath = z.strictObject({ id: z.ulid().transform(asRecurrenceId) });

const titleField = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .refine((name) => name.isWellFormed() && !/\p{Cc}/u.test(name), "no control characters");

/** The grammar of the domain says more than a pattern could. */
const dates = z.array(publishAtField).max(MAX_DATES);

const wanted = {
  /** For people. */
  name: titleField,
  /** `any`: whichever account of the project has most room. Absent: the project's default account. */
  account: nameField.optional(),
  /** In rotation. A list of texts is a thread. */
  texts: z
    .array(z.union([z.string(), threadField]))
    .min(1)
    .max(MAX_VARIANTS),
  /** RFC 5545, such as `FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=9`. */
  rule: z.string().max(2_000),
  /** Rule and count begin here: a local time, or an instant. */
  dtStart: publishAtField,
  /** IANA name. Absent: the project's. */
  timeZone: z.string().max(100).optional(),
  exDates: dates.default([]),
  rDates: dates.default([]),
  paused: z.boolean().default(false),
  priority: priorityField.default(DEFAULT_PRIORITY),
  language: languageField.default(DEFAULT_LANGUAGE),
  /** Absent: the project's. */
  latePolicy: latePolicyField.optional(),
  reconcile: reconcileField.optional(),
  maxRetries: z.int().min(0).max(10).default(DEFAULT_MAX_RETRIES),
};

/** Body of `POST /api/v1/scheduling/recurrences`. */
export const createRecurrenceBody = z.strictObject({ project: nameField.default("default"), ...wanted });

/** Body of `PUT …/{id}`: everything but the project, which stays. */
export const changeRecurrenceBody = z.strictObject(wanted);

/** Which one: the local time that the rule names, as `coming` has it, or its instant. */
const occurrenceField = publishAtField;

export const skipBody = z.strictObject({
  occurrence: occurrenceField,
  /** True: it is posted like the others again. */
  undo: z.boolean().default(false),
});

export const overrideBody = z
  .strictObject({
    occurrence: occurrenceField,
    text: z.string().optional(),
    /** One text per part. */
    thread: threadField.optional(),
    /** A local time of the recurrence's zone, or an instant. */
    publishAt: publishAtField.optional(),
  })
  .refine(({ text, thread }) => text === undefined || thread === undefined, {
    path: ["thread"],
    error: "give text or thread, not both",
  })
  .refine(({ text, thread, publishAt }) => (text ?? thread ?? publishAt) !== undefined, {
    path: ["text"],
    error: "give text, thread or publishAt",
  });

export const listRecurrencesQuery = z.strictObject({
  limit: limitField,
  cursor: cursorField.optional(),
});

const texts = z.array(z.union([z.string(), z.array(z.string())]));
/** `2026-12-01T09:00:00`, of the recurrence's zone. */
const localTime = z.string();

/** A recurrence without its texts, as a list shows it. */
export const recurrenceSummary = z.strictObject({
  id: z.ulid(),
  name: z.string(),
  status: z.enum(["active", "paused", "ended"]),
  /** Grows with every change of what is wished. */
  version: z.int().positive(),
  rule: z.string(),
  dtStart: localTime,
  timeZone: z.string(),
  exDates: z.array(z.string()),
  rDates: z.array(localTime),
  /** Occurrences that are left out, one by one. */
  skips: z.array(localTime),
  priority: z.int(),
  language: z.string(),
  latePolicy: z.strictObject({ postWithin: z.string(), then: z.enum(["missed", "hold"]) }),
  reconcile: reconcileField.optional(),
  maxRetries: z.int(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  /** Its occurrences until then are tasks. */
  expandedUntil: z.iso.datetime().optional(),
});

export const recurrenceView = recurrenceSummary.extend({
  project: z.string(),
  account: z.string(),
  texts,
  /** What differs at single occurrences. */
  overrides: z.array(
    z.strictObject({
      occurrence: localTime,
      text: z.union([z.string(), z.array(z.string())]).optional(),
      publishAt: localTime.optional(),
    }),
  ),
  /** The next ones that are to be posted, at most ten. */
  coming: z.array(
    z.strictObject({
      occurrence: localTime,
      publishAt: z.iso.datetime(),
      /** Absent: it is too far ahead to be a task. */
      taskId: z.ulid().optional(),
    }),
  ),
  /** What may go wrong with it although it is taken. */
  warnings: z.array(z.strictObject({ code: z.string(), message: z.string(), remedy: z.string() })),
});

/** Oldest first. */
export const recurrencePage = z.strictObject({
  items: z.array(recurrenceSummary).max(MAX_PAGE),
  next: nextField,
});

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** As it would be written in a request. */
function postWithin({ postWithinMs }: LatePolicy): string {
  if (postWithinMs === undefined) return "forever";
  const [unit, unitMs] = UNITS.find(([, ms]) => postWithinMs >= ms && postWithinMs % ms === 0) ?? [
    "s",
    1_000,
  ];
  return `${postWithinMs / unitMs}${unit}`;
}

const textView = (parts: readonly Part[]): string | string[] =>
  parts.length === 1 ? (parts[0]?.text ?? "") : parts.map(({ text }) => text);

export function toRecurrenceSummary(recurrence: Recurrence): z.output<typeof recurrenceSummary> {
  const { id, name, status, rev, schedule, skips, priority, language, latePolicy, reconcile, maxRetries } =
    recurrence;
  const { createdAt, updatedAt, expandedUntil } = recurrence;
  if (status === "deleted") throw new RangeError(`the deleted recurrence ${id} is shown to nobody`);
  return {
    id,
    name,
    status,
    version: rev,
    rule: formatRule(schedule.rule),
    dtStart: schedule.dtStart,
    timeZone: schedule.timeZone,
    exDates: [...schedule.exDates],
    rDates: [...schedule.rDates],
    skips: [...skips],
    priority,
    language,
    latePolicy: { postWithin: postWithin(latePolicy), then: latePolicy.then },
    ...(reconcile && { reconcile }),
    maxRetries,
    createdAt: instantInWords(createdAt),
    updatedAt: instantInWords(updatedAt),
    ...(expandedUntil && { expandedUntil: instantInWords(expandedUntil) }),
  };
}

/** What it takes to show a recurrence: its names are those that people gave. */
interface ShownRecurrence {
  readonly recurrence: Recurrence;
  readonly content: RecurrenceContent;
  readonly project: string;
  readonly account: string;
  readonly coming: readonly {
    readonly occurrence: LocalTime;
    readonly publishAt: Date;
    readonly taskId?: TaskId;
  }[];
  readonly warnings: readonly Reason[];
}

export const toRecurrenceView = ({
  recurrence,
  content,
  project,
  account,
  coming,
  warnings,
}: ShownRecurrence): z.output<typeof recurrenceView> => ({
  ...toRecurrenceSummary(recurrence),
  project,
  account: recurrence.isAny ? "any" : account,
  texts: content.variants.map(textView),
  overrides: Object.entries(content.overrides).map(([occurrence, { parts, at }]) => ({
    occurrence,
    ...(parts && { text: textView(parts) }),
    ...(at && { publishAt: at }),
  })),
  coming: coming.map(({ occurrence, publishAt, taskId }) => ({
    occurrence,
    publishAt: instantInWords(publishAt),
    ...(taskId && { taskId }),
  })),
  warnings: warnings.map((warning) => ({ ...warning })),
});
