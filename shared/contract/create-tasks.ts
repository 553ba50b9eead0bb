import * as z from "zod";
import { SETTINGS } from "#shared/domain/settings.ts";
import { createTaskBody } from "./create-task.ts";
import { inputErrorSchema, PROBLEMS, type ProblemCode } from "./problem.ts";
import { taskCreated } from "./task-answer.ts";

/** Body of `POST /api/v1/scheduling/tasks/batch`: the setting says how many at most. One bad entry refuses none of the others: it has an answer of its own. */
export const createTasksBody = z.strictObject({
  tasks: z.array(z.unknown()).min(1).max(SETTINGS.batchSize.max),
});

export const createTasksEntry = createTaskBody;

/** One answer for each entry, in their order. */
export const createTasksAnswer = z.strictObject({
  accepted: z.int().nonnegative(),
  refused: z.int().nonnegative(),
  results: z.array(
    z.union([
      z.strictObject({ task: taskCreated }),
      z.strictObject({
        code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
        detail: z.string(),
        retryable: z.boolean(),
        /** Pointers begin with the entry, such as `/tasks/3/text`. */
        errors: z.array(inputErrorSchema).optional(),
      }),
    ]),
  ),
});
