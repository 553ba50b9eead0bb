import * as z from "zod";
import { nameField } from "#shared/domain/post-fields.ts";
import { TASK_STATUSES } from "#shared/domain/task.ts";
import { cursorField, limitField, nextField } from "./paging.ts";
import { taskAnswer } from "./task-answer.ts";

const slotField = z.iso.datetime({ offset: true }).transform((iso) => new Date(iso));

/** Query of `GET /api/v1/scheduling/tasks`: nothing but paging lists all tasks of the key's owner. */
export const listTasksQuery = z
  .strictObject({
    limit: limitField,
    cursor: cursorField.optional(),
    project: nameField.optional(),
    account: nameField.optional(),
    status: z.enum(TASK_STATUSES).optional(),
    from: slotField.optional().meta({ description: "The earliest slot: an instant with its offset." }),
    until: slotField.optional().meta({ description: "Slots before this instant only." }),
  })
  .refine(({ from, until }) => !from || !until || from < until, {
    path: ["until"],
    error: "until is after from",
  });

/** Earliest slot first. */
export const taskPage = z.strictObject({
  items: z.array(taskAnswer),
  /** A page may have few items, or none, and be followed by others. */
  next: nextField,
});
