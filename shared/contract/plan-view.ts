import * as z from "zod";
import type { Plan, ScoredSlot } from "#shared/domain/planning/plan.ts";
import { instantInWords } from "#shared/domain/words.ts";

const slotView = z.strictObject({
  accountId: z.string(),
  at: z.iso.datetime(),
  /** In [0, 1]: comparable among the slots of one post. */
  score: z.number().min(0).max(1),
  /** Why this one, in words. */
  reasons: z.array(z.strictObject({ code: z.string(), message: z.string() })),
});

/** How a slot was chosen, and what else was free. */
export const planView = slotView.extend({
  strategy: z.string(),
  /** Best first, at most three. */
  alternatives: z.array(slotView),
});

const toSlotView = ({ accountId, at, score, reasons }: ScoredSlot): z.output<typeof slotView> => ({
  accountId,
  at: instantInWords(at),
  score,
  reasons: reasons.map((reason) => ({ ...reason })),
});

export const toPlanView = (plan: Plan): z.output<typeof planView> => ({
  ...toSlotView(plan),
  strategy: plan.strategy,
  alternatives: plan.alternatives.map(toSlotView),
});
