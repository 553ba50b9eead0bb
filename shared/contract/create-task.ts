import * as z from "zod";
import {
  languageField,
  latePolicyField,
  maxRetriesField,
  nameField,
  priorityField,
  publishAtField,
} from "./post-fields.ts";

/** Body of `POST /api/v1/scheduling/tasks`. How long a text may be depends on the account, so it is checked later. */
export const createTaskBody = z
  .strictObject({
    project: nameField.default("default"),
    /** Absent: the project's default account. */
    account: nameField.optional(),
    text: z.string().optional(),
    /** One text per part. */
    thread: z.array(z.string()).min(1).max(1_000).optional(),
    publishAt: publishAtField,
    priority: priorityField,
    language: languageField,
    latePolicy: latePolicyField,
    maxRetries: maxRetriesField,
  })
  .refine(({ text, thread }) => text !== undefined || thread !== undefined, {
    path: ["text"],
    error: "give text, or thread",
  })
  .refine(({ text, thread }) => text === undefined || thread === undefined, {
    path: ["thread"],
    error: "give text or thread, not both",
  });
