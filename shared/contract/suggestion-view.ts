import * as z from "zod";
import type { Plan } from "#shared/domain/planning/plan.ts";
import { nameField, publishAtField } from "#shared/domain/post-fields.ts";
import { DEFAULT_PRIORITY, MAX_PARTS } from "#shared/domain/task.ts";
import { planView, toPlanView } from "./plan-view.ts";

const wholeNumber = (most: number) =>
  z
    .string()
    .regex(/^\d{1,2}$/, "write a whole number")
    .transform(Number)
    .pipe(z.int().min(1).max(most));

/** Query of `GET /api/v1/scheduling/suggestions`. */
export const suggestionQuery = z.strictObject({
  project: nameField.default("default"),
  /** `any`: the accounts of the project are compared. Absent: its default account. */
  account: nameField.optional(),
  strategy: z.enum(["optimal", "preferred", "balanced", "next-free"]).default("optimal"),
  /** Nothing is suggested before it. */
  from: publishAtField.default("now"),
  /** Of a thread. */
  parts: wholeNumber(MAX_PARTS).default(1),
  priority: wholeNumber(10).default(DEFAULT_PRIORITY),
});

const slotView = planView.shape.alternatives.element;

/** Free slots, best first. Nothing is kept free: the first who asks for one gets it. */
export const suggestionView = z.strictObject({
  project: z.string(),
  /** Of the project: the reasons name times of it. */
  timeZone: z.string(),
  strategy: z.string(),
  slots: z.array(slotView).min(1),
});

export function toSuggestionView({
  project,
  plan,
}: {
  readonly project: { readonly name: string; readonly timeZone: string };
  readonly plan: Plan;
}): z.output<typeof suggestionView> {
  const { strategy, alternatives, ...best } = toPlanView(plan);
  return { project: project.name, timeZone: project.timeZone, strategy, slots: [best, ...alternatives] };
}
