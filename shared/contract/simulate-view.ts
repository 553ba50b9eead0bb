import * as z from "zod";
import type { QuotaForecast } from "#shared/domain/planning/forecast.ts";
import type { Plan } from "#shared/domain/planning/plan.ts";
import {
  type CalendarReport,
  SIMULATED_OUTCOMES,
  type SimulatedAccount,
  type SimulatedPost,
} from "#shared/domain/planning/simulate-calendar.ts";
import { nameField } from "#shared/domain/post-fields.ts";
import type { PostPrice } from "#shared/domain/price.ts";
import type { Reason } from "#shared/domain/reason.ts";
import type { Content } from "#shared/domain/task.ts";
import { instantInWords } from "#shared/domain/words.ts";
import { conflictView, toConflictView } from "./conflict-view.ts";
import { createTaskBody } from "./create-task.ts";
import { planView, toPlanView } from "./plan-view.ts";
import { inputErrorSchema, PROBLEMS, type ProblemCode } from "./problem.ts";

/** Drafts of one request. They are planned together. */
const MAX_DRAFTS = 50;
/** Stored tasks that are told one by one; the counts are of all. */
const MAX_TASKS_TOLD = 200;
const DEFAULT_DAYS = 7;

/** Body of `POST /api/v1/scheduling/simulate`. A draft that would be refused is an entry of the report, and no failure. */
export const simulateBody = z.strictObject({
  project: nameField.default("default"),
  /** Only its tasks and days are told. Everything else is looked at all the same. */
  account: nameField.optional(),
  /** Of the project; today is the first. */
  days: z.int().min(1).max(31).default(DEFAULT_DAYS),
  drafts: z.array(z.unknown()).max(MAX_DRAFTS).default([]),
});

/** The body of a new task; its project is that of the request. */
export const simulateEntry = createTaskBody;

const instant = z.iso.datetime();
const micros = z.int().nonnegative();
const usd = z.number().nonnegative();
const reasonView = z.strictObject({ code: z.string(), message: z.string(), remedy: z.string() });

const postFields = {
  /** Of a pool the one that will probably be chosen. */
  accountId: z.string(),
  slotAt: instant,
  /** `goes-out`; `warns`: it does, and there is a conflict; `moves`: at another time, by itself; `stops`: somebody has to act. */
  outcome: z.enum(SIMULATED_OUTCOMES),
  /** When it goes out. */
  at: instant.optional(),
  /** Later than the days that were asked for, and not before this. */
  notBeforeAt: instant.optional(),
  /** What it waits for, or what stops it. */
  reasons: z.array(reasonView),
  conflicts: z.array(conflictView),
  costMicros: micros,
  costUsd: usd,
};

const draftView = z.union([
  z.strictObject({
    /** Into the request: `/drafts/3`. */
    pointer: z.string(),
    ...postFields,
    /** Absent: its slot was given. */
    plan: planView.optional(),
    /** What X charges for each part. */
    parts: z.array(
      z.strictObject({
        text: z.string(),
        micros,
        usd,
        /** The link that makes the part dear. */
        url: z.string().optional(),
      }),
    ),
  }),
  z.strictObject({
    pointer: z.string(),
    outcome: z.literal("refused"),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
    detail: z.string(),
    errors: z.array(inputErrorSchema).optional(),
    /** Parts that are too long, in weighted characters. */
    tooLong: z
      .array(z.strictObject({ part: z.int(), length: z.int(), limit: z.int(), excess: z.int().positive() }))
      .optional(),
  }),
]);
export type DraftView = z.output<typeof draftView>;

const accountView = z.strictObject({
  accountId: z.string(),
  /** As people name it. Absent: it does not exist any more. */
  name: z.string().optional(),
  /** What keeps it from posting. */
  problems: z.array(reasonView),
  /** Of these days; parts of threads count. */
  posts: z.int().nonnegative(),
  days: z.array(
    z.strictObject({
      date: z.iso.date(),
      posts: z.int().nonnegative(),
      /** Of the 24 hours that run when the day ends. */
      used: z.int().nonnegative(),
      limit: z.int().nonnegative().optional(),
    }),
  ),
  /** At the pace of the day that is running. Absent: nothing is limited. */
  forecast: z
    .strictObject({
      kind: z.enum(["unused", "lasts", "runs-out", "used-up"]),
      message: z.string(),
      /** When it runs out, or when the window is over that is used up. */
      at: instant.optional(),
    })
    .optional(),
});

export const simulateView = z.strictObject({
  /** What is told was so at this instant. */
  at: instant,
  until: instant,
  project: z.string(),
  timeZone: z.string(),
  /** In their order. */
  drafts: z.array(draftView),
  /** Stored tasks of these days that do not simply go out, by slot. */
  tasks: z.array(z.strictObject({ id: z.string(), ...postFields })),
  /** How many more of them there are. */
  tasksLeftOut: z.int().nonnegative(),
  accounts: z.array(accountView),
  /** Of the whole project. */
  total: z.strictObject({
    /** Drafts and stored tasks. */
    outcomes: z.strictObject({
      "goes-out": z.int(),
      warns: z.int(),
      moves: z.int(),
      stops: z.int(),
      refused: z.int(),
    }),
    /** Of what goes out. */
    costMicros: micros,
    costUsd: usd,
    months: z.array(
      z.strictObject({
        month: z.string(),
        spentUsd: usd,
        plannedUsd: usd,
        budgetUsd: usd.optional(),
      }),
    ),
    /** The first that the month's budget has no room for: a task, or a draft by its pointer. */
    beyondBudget: z
      .strictObject({ id: z.string().optional(), pointer: z.string().optional(), at: instant })
      .optional(),
  }),
  /** What a dry run cannot know. */
  unchecked: z.array(z.string()),
});

const UNCHECKED = [
  "Media of stored tasks: they were checked when they came.",
  "Texts that Gemini is still to write: prices and lengths are of the texts as they are.",
  "What X or the drop folder brings meanwhile, and what is planned at this very moment.",
] as const;

/** The draft of that place in the request. */
export const draftId = (index: number): string => `drafts/${index}`;
const pointerTo = (id: string): string => `/${id}`;

const toUsd = (amount: number): number => amount / 1_000_000;
const toReasonView = ({ code, message, remedy }: Reason) => ({ code, message, remedy });

const toPostFields = (post: SimulatedPost) => ({
  accountId: post.accountId,
  slotAt: instantInWords(post.slotAt),
  outcome: post.outcome,
  ...(post.at && { at: instantInWords(post.at) }),
  ...(post.notBeforeAt && { notBeforeAt: instantInWords(post.notBeforeAt) }),
  reasons: post.reasons.map(toReasonView),
  conflicts: post.conflicts.map(toConflictView),
  costMicros: post.costMicros,
  costUsd: toUsd(post.costMicros),
});

interface ShownDraft {
  readonly post: SimulatedPost;
  readonly content: Pick<Content, "parts">;
  readonly price: PostPrice;
  readonly plan?: Plan;
}

export const toDraftView = ({ post, content, price, plan }: ShownDraft): DraftView => ({
  pointer: pointerTo(post.id),
  ...toPostFields(post),
  ...(plan && { plan: toPlanView(plan) }),
  parts: content.parts.map(({ text }, index) => {
    const { micros: charged = 0, url } = price.parts[index] ?? {};
    return { text, micros: charged, usd: toUsd(charged), ...(url !== undefined && { url }) };
  }),
});

const toForecastView = (forecast: QuotaForecast) => {
  const at = "at" in forecast ? forecast.at : "until" in forecast ? forecast.until : undefined;
  return { kind: forecast.kind, message: forecast.message, ...(at && { at: instantInWords(at) }) };
};

const toAccountView = ({ id, name, problems, posts, days, forecast }: SimulatedAccount) => ({
  accountId: id,
  ...(name !== undefined && { name }),
  problems: problems.map(toReasonView),
  posts,
  days: days.map((day) => ({ ...day })),
  ...(forecast && { forecast: toForecastView(forecast) }),
});

interface ShownRun {
  readonly at: Date;
  readonly project: { readonly name: string; readonly timeZone: string };
  readonly report: CalendarReport;
}

export function toSimulateView(
  { at, project, report }: ShownRun,
  drafts: readonly DraftView[],
): z.output<typeof simulateView> {
  const told = report.posts.filter(({ isDraft, outcome }) => !isDraft && outcome !== "goes-out");
  const { beyondBudget } = report;
  const isDraft = drafts.some(({ pointer }) => beyondBudget && pointer === pointerTo(beyondBudget.id));
  return {
    at: instantInWords(at),
    until: instantInWords(report.until),
    project: project.name,
    timeZone: project.timeZone,
    drafts: [...drafts],
    tasks: told.slice(0, MAX_TASKS_TOLD).map((post) => ({ id: post.id, ...toPostFields(post) })),
    tasksLeftOut: Math.max(0, told.length - MAX_TASKS_TOLD),
    accounts: report.accounts.map(toAccountView),
    total: {
      outcomes: {
        ...report.counts,
        refused: drafts.filter(({ outcome }) => outcome === "refused").length,
      },
      costMicros: report.costMicros,
      costUsd: toUsd(report.costMicros),
      months: report.months.map(({ month, spentMicros, plannedMicros, budgetMicros }) => ({
        month,
        spentUsd: toUsd(spentMicros),
        plannedUsd: toUsd(plannedMicros),
        ...(budgetMicros !== undefined && { budgetUsd: toUsd(budgetMicros) }),
      })),
      ...(beyondBudget && {
        beyondBudget: {
          ...(isDraft ? { pointer: pointerTo(beyondBudget.id) } : { id: beyondBudget.id }),
          at: instantInWords(beyondBudget.at),
        },
      }),
    },
    unchecked: [...UNCHECKED],
  };
}
