import * as z from "zod";
import type { Project } from "#shared/domain/account.ts";
import { localTimeText } from "#shared/domain/local-clock.ts";
import type { PlanRefusal, ScoredSlot } from "#shared/domain/planning/plan.ts";
import type { Task } from "#shared/domain/task.ts";
import { instantInWords } from "#shared/domain/words.ts";

const MAX_ITEMS = 500;

/** Body of `POST …/replan`; none is a preview of the policy in force. */
export const replanBody = z.strictObject({
  /** True: what moves is moved. It needs the scope `manage`. */
  apply: z.boolean().default(false),
  /** Of the policy, as the preview told it: if another one is in force by now, nothing is done. */
  version: z.int().nonnegative().optional(),
  /** `next` of the answer before. */
  from: z.iso
    .datetime()
    .transform((iso) => new Date(iso))
    .optional(),
});

const OUTCOMES = ["moved", "changed", "slot-taken", "left"] as const;

const replannedTask = z.strictObject({
  taskId: z.string(),
  account: z.string(),
  strategy: z.string(),
  /** Before. */
  slotAt: z.iso.datetime(),
  /** The same by the clocks of the project, such as `2026-12-01 09:00:00`. */
  slotLocal: z.string(),
  /** `no-place`: the policy lets it go out at no time; it stays where it is, and waits there. */
  change: z.enum(["keeps", "moves", "no-place"]),
  newSlotAt: z.iso.datetime().optional(),
  newSlotLocal: z.string().optional(),
  /** Why it moves, or what is in the way. */
  reasons: z.array(z.strictObject({ code: z.string(), message: z.string() })),
  /** Of what moves, with `apply`. `changed`: somebody changed it meanwhile; `left`: the time ended first. */
  outcome: z.enum(OUTCOMES).optional(),
});

const count = z.int().nonnegative();

export const replanView = z.strictObject({
  project: z.string(),
  /** Of the policy that is compared with; send it with `apply`. */
  version: count,
  /** Of the policy that the slots were chosen by. Absent: the same. */
  comparedWith: count.optional(),
  timeZone: z.string(),
  applied: z.boolean(),
  counts: z.strictObject({ keeps: count, moves: count, noPlace: count, moved: count, notMoved: count }),
  /** Tasks whose slots were chosen by a strategy and that nobody is at work on, by slot. */
  items: z.array(replannedTask).max(MAX_ITEMS),
  /** There are more: from this slot on. */
  next: z.iso.datetime().optional(),
});

type ItemView = z.output<typeof replannedTask>;

/** What became of a task; @see `ReplannedTask` */
type ShownTask = { readonly task: Task; readonly account: string } & (
  | { readonly kind: "keeps" }
  | {
      readonly kind: "moves";
      readonly plan: Pick<ScoredSlot, "at" | "reasons">;
      readonly outcome?: (typeof OUTCOMES)[number];
    }
  | { readonly kind: "no-place"; readonly reason: PlanRefusal }
);

interface ShownReplan {
  readonly project: Project;
  readonly comparedWith?: number;
  readonly tasks: readonly ShownTask[];
  readonly nextAt?: Date;
}

function toItem(shown: ShownTask, localTime: (at: Date) => string): ItemView {
  const { task, account, kind } = shown;
  const { id: taskId, strategy = "next-free", slotAt } = task;
  const common = {
    taskId,
    account,
    strategy,
    slotAt: instantInWords(slotAt),
    slotLocal: localTime(slotAt),
    change: kind,
  };
  switch (kind) {
    case "keeps":
      return { ...common, reasons: [] };
    case "moves": {
      const { plan, outcome } = shown;
      return {
        ...common,
        newSlotAt: instantInWords(plan.at),
        newSlotLocal: localTime(plan.at),
        reasons: plan.reasons.map((reason) => ({ ...reason })),
        ...(outcome && { outcome }),
      };
    }
    case "no-place":
      return { ...common, reasons: [{ code: shown.reason.code, message: shown.reason.message }] };
  }
}

export function toReplanView(
  { project, comparedWith, tasks, nextAt }: ShownReplan,
  applied: boolean,
): z.output<typeof replanView> {
  const { name, policyVersion = 0, timeZone } = project;
  const items = tasks.map((task) => toItem(task, (at) => localTimeText(at, timeZone)));
  const of = (change: ItemView["change"]): number => items.filter((item) => item.change === change).length;
  const moved = items.filter(({ outcome }) => outcome === "moved").length;
  return {
    project: name,
    version: policyVersion,
    ...(comparedWith !== undefined && { comparedWith }),
    timeZone,
    applied,
    counts: {
      keeps: of("keeps"),
      moves: of("moves"),
      noPlace: of("no-place"),
      moved,
      notMoved: applied ? of("moves") - moved : 0,
    },
    items,
    ...(nextAt && { next: instantInWords(nextAt) }),
  };
}
