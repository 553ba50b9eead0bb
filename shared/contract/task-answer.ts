import * as z from "zod";
import type { Plan } from "#shared/domain/planning/plan.ts";
import { type Content, isInFlight, type Task } from "#shared/domain/task.ts";
import { instantInWords } from "#shared/domain/words.ts";
import { planView, toPlanView } from "./plan-view.ts";
import { taskViewSchema, toTaskView } from "./task-view.ts";

/** A task as the API answers it. */
export const taskAnswer = taskViewSchema
  .extend({
    /** Grows with every write, those of Punctual itself among them. It is the answer's ETag. */
    version: z.int().positive(),
    /** See `GET /api/v1/batches/{id}`. */
    batchId: z.string().optional(),
    /** The task that ended without a post, and that this one tries once more. */
    retryOf: z.ulid().optional(),
    /** Somebody wants it cancelled while it is being posted: honoured at a definite no, or before the next part. */
    cancelAskedAt: z.iso.datetime().optional(),
  })
  .strict();

/** A task that was just made or moved, and how its slot was chosen, unless it was given or stayed. */
export const taskCreated = taskAnswer.extend({ plan: planView.optional() });

/** What it takes to show a task: its names are those that people gave. */
interface ShownTask {
  readonly task: Task;
  readonly content: Content;
  readonly project: string;
  readonly account: string;
  /** Of the project: IANA name. */
  readonly timeZone: string;
}

export const toTaskAnswer = ({
  task,
  content,
  project,
  account,
  timeZone,
}: ShownTask): z.output<typeof taskAnswer> => ({
  ...toTaskView(task, content, { project, account, timeZone }),
  version: task.version,
  ...(task.retryOf && { retryOf: task.retryOf }),
  ...(task.batchId && { batchId: task.batchId }),
  ...(task.cancelAskedAt && isInFlight(task.status) && { cancelAskedAt: instantInWords(task.cancelAskedAt) }),
});

export const toTaskCreated = ({
  plan,
  ...shown
}: ShownTask & { readonly plan?: Plan }): z.output<typeof taskCreated> => ({
  ...toTaskAnswer(shown),
  ...(plan && { plan: toPlanView(plan) }),
});
