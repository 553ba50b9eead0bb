/** What a person says to change one task. */
import * as z from "zod";
import { STRATEGIES } from "#shared/domain/planning/strategy.ts";
import {
  languageField,
  latePolicyField,
  nameField,
  priorityField,
  publishAtField,
  reconcileField,
  threadField,
} from "#shared/domain/post-fields.ts";

/**
 * Body of `PATCH …/tasks/{id}`: what is left out stays, and `null` is the project's own.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7386
 */
export const updateTaskBody = z
  .strictObject({
    text: z.string().optional(),
    /** One text per part. */
    thread: threadField.optional(),
    /** `any`: whichever account of the project has most room. */
    account: nameField.optional(),
    priority: priorityField.optional(),
    language: languageField.optional(),
    latePolicy: latePolicyField.nullable().optional(),
    reconcile: reconcileField.nullable().optional(),
    maxRetries: z.int().min(0).max(10).optional(),
  })
  .refine(({ text, thread }) => text === undefined || thread === undefined, {
    path: ["thread"],
    error: "give text or thread, not both",
  });

/** Body of `PUT …/tasks/{id}/reschedule`. */
export const rescheduleTaskBody = z
  .strictObject({
    /** Absent: from now on. */
    publishAt: publishAtField.optional(),
    /** Absent: now, or the time that `publishAt` names. */
    strategy: z.enum(STRATEGIES).optional(),
  })
  .refine(({ publishAt, strategy }) => (publishAt ?? strategy) !== undefined, {
    path: ["publishAt"],
    error: "give publishAt, strategy or both",
  });

/** Body of `POST …/tasks/{id}/resolve`: what was found on the account's timeline. */
export const resolveTaskBody = z.discriminatedUnion("as", [
  z.strictObject({
    as: z.literal("posted"),
    postId: z
      .string()
      .regex(/^\d{1,19}$/, "write the number at the end of the post's address")
      .meta({ description: "The post's id on X." }),
  }),
  z.strictObject({ as: z.literal("repost") }),
  z.strictObject({ as: z.literal("drop") }),
]);
