import * as z from "zod";
import { nameField } from "#shared/domain/post-fields.ts";
import { TASK_STATUSES } from "#shared/domain/task.ts";
import { taskAnswer } from "./task-answer.ts";

const MAX_PAGE = 100;
const DEFAULT_PAGE = "20";

/** Query of `GET /api/v1/scheduling/tasks`: nothing but paging lists all tasks of the key's owner. */
export const listTasksQuery = z
  .strictObject({
    limit: z
      .string()
      .regex(/^\d{1,3}$/, "write a whole number")
      .default(DEFAULT_PAGE)
      .transform(Number)
      .pipe(z.int().min(1).max(MAX_PAGE)),
    /** `next` of the page before, with the same filters. */
    cursor: z.string().min(1).max(500).optional(),
    project: nameField.optional(),
    status: z.enum(TASK_STATUSES).optional(),
    account: nameField.optional(),
  })
  .refine(({ project, status }) => (project === undefined) === (status === undefined), {
    path: ["status"],
    error: "project and status are given together",
  })
  .refine(({ project, account }) => project === undefined || account === undefined, {
    path: ["account"],
    error: "give account, or project and status",
  });

/** Earliest slot first. */
export const taskPage = z.strictObject({
  items: z.array(taskAnswer).max(MAX_PAGE),
  /** Cursor of the next page; absent on the last one. */
  next: z.string().optional(),
});
