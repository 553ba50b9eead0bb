import type * as z from "zod";
import type { createTaskBody } from "#shared/contract/create-task.ts";
import type { OwnerId, TaskId } from "#shared/domain/ids.ts";
import type { NewTask } from "#shared/usecases/create-task.ts";

/** A post as it is sent, as the use cases take it. @param id - of the task. Absent: a new one */
export const toNewTask = (
  ownerId: OwnerId,
  { text, thread, ...fields }: z.output<typeof createTaskBody>,
  id?: TaskId,
): NewTask => ({ ownerId, texts: thread ?? [text ?? ""], ...fields, ...(id && { id }) });
