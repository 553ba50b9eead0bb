import * as z from "zod";
import {
  languageField,
  latePolicyField,
  nameField,
  priorityField,
  publishAtField,
  threadField,
} from "#shared/domain/post-fields.ts";
import {
  DEFAULT_LANGUAGE,
  DEFAULT_LATE_POLICY,
  DEFAULT_MAX_RETRIES,
  DEFAULT_PRIORITY,
} from "#shared/domain/task.ts";

/** Body of `POST /api/v1/scheduling/tasks`. How long a text may be depends on the account, so it is checked later. */
export const createTaskBody = z
  .strictObject({
    project: nameField.default("default"),
    /** Absent: the project's default account. */
    account: nameField.optional(),
    text: z.string().optional(),
    /** One text per part. */
    thread: threadField.optional(),
    publishAt: publishAtField.default("now"),
    priority: priorityField.default(DEFAULT_PRIORITY),
    language: languageField.default(DEFAULT_LANGUAGE),
    latePolicy: latePolicyField.default(DEFAULT_LATE_POLICY),
    maxRetries: z.int().min(0).max(10).default(DEFAULT_MAX_RETRIES),
  })
  .refine(({ text, thread }) => text !== undefined || thread !== undefined, {
    path: ["text"],
    error: "give text, or thread",
  })
  .refine(({ text, thread }) => text === undefined || thread === undefined, {
    path: ["thread"],
    error: "give text or thread, not both",
  });
