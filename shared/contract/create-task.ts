import * as z from "zod";
import {
  enhanceField,
  generateField,
  hashtagsField,
  onEnhanceFailureField,
} from "#shared/domain/content/writing-fields.ts";
import { STRATEGIES } from "#shared/domain/planning/strategy.ts";
import {
  batchField,
  languageField,
  latePolicyField,
  nameField,
  priorityField,
  publishAtField,
  reconcileField,
  threadField,
} from "#shared/domain/post-fields.ts";
import { splitField } from "#shared/domain/split-thread.ts";
import { DEFAULT_LANGUAGE, DEFAULT_MAX_RETRIES, DEFAULT_PRIORITY } from "#shared/domain/task.ts";
import { mediaField } from "./media-view.ts";

/** Body of `POST /api/v1/scheduling/tasks`. How long a text may be depends on the account, so it is checked later. */
export const createTaskBody = z
  .strictObject({
    project: nameField.default("default"),
    /** `any`: whichever account of the project has most room. Absent: the project's default account. */
    account: nameField.optional(),
    /** When X's answer was lost and the post is proven not to be out. Absent: repost a text, hold what has media. */
    reconcile: reconcileField.optional(),
    /** Name of the batch that it belongs to; the first task that names it makes it. */
    batch: batchField.optional(),
    text: z.string().optional(),
    /** One long text becomes a thread; with numbers before its parts, if wanted. */
    split: splitField.optional(),
    /** What Gemini does with the text, or makes of a brief, before the post goes out. */
    enhance: enhanceField.optional(),
    generate: generateField.optional(),
    hashtags: hashtagsField.optional(),
    onEnhanceFailure: onEnhanceFailureField.optional(),
    /** One text per part. */
    thread: threadField.optional(),
    /** Uploaded by `POST /api/v1/media` before, in the order of the post. */
    media: mediaField.optional(),
    /** Once more what the project posts only once. */
    reuseMedia: z.boolean().default(false),
    publishAt: publishAtField.default("now"),
    /** How the slot is chosen. Absent: now, or the time that `publishAt` names. */
    strategy: z.enum(STRATEGIES).optional(),
    priority: priorityField.default(DEFAULT_PRIORITY),
    language: languageField.default(DEFAULT_LANGUAGE),
    /** Absent: the project's. */
    latePolicy: latePolicyField.optional(),
    maxRetries: z.int().min(0).max(10).default(DEFAULT_MAX_RETRIES),
  })
  .refine(({ text, thread, generate, media }) => (text ?? thread ?? generate ?? media) !== undefined, {
    path: ["text"],
    error: "give text, thread, generate or media",
  })
  .refine(({ text, thread }) => text === undefined || thread === undefined, {
    path: ["thread"],
    error: "give text or thread, not both",
  });
