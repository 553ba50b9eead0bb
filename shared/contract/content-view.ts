import * as z from "zod";
import { asDraftId, type Draft, type DraftContent, MAX_NOTES } from "#shared/domain/draft.ts";
import { languageField, nameField, publishAtField, threadField } from "#shared/domain/post-fields.ts";
import { DEFAULT_LANGUAGE } from "#shared/domain/task.ts";
import { instantInWords } from "#shared/domain/words.ts";
import { createTaskBody } from "./create-task.ts";
import { mediaField } from "./media-view.ts";
import { cursorField, limitField, nextField } from "./paging.ts";

const MAX_PAGE = 100;

const draftIdField = z.ulid().transform(asDraftId);

export const contentPath = z.strictObject({ id: draftIdField });

const notesField = z
  .string()
  .max(MAX_NOTES)
  .meta({ description: "For the people who work on it. Never published." });

const oneText = ({ text, thread }: { readonly text?: unknown; readonly thread?: unknown }): boolean =>
  typeof text !== "string" || !Array.isArray(thread);
const ONE_TEXT = { path: ["thread"], error: "give text or thread, not both" };

export const createContentBody = z
  .strictObject({
    project: nameField.default("default"),
    text: z.string().optional(),
    /** One text per part. */
    thread: threadField.optional(),
    media: mediaField.default([]),
    notes: notesField.optional(),
    language: languageField.default(DEFAULT_LANGUAGE),
  })
  .refine(oneText, ONE_TEXT);

/** As RFC 7396 merges: what is absent stays, `null` removes. A text replaces a thread, and the reverse. */
export const updateContentBody = z
  .strictObject({
    project: nameField.optional(),
    text: z.string().nullable().optional(),
    thread: threadField.nullable().optional(),
    media: mediaField.optional(),
    notes: notesField.nullable().optional(),
    language: languageField.optional(),
  })
  .refine(oneText, ONE_TEXT)
  .refine((change) => Object.keys(change).length > 0, "give what is to change");

const { account, reconcile, batch, split, strategy, priority, latePolicy, maxRetries, reuseMedia } =
  createTaskBody.shape;
const { enhance, hashtags, onEnhanceFailure, publishAt } = createTaskBody.shape;

/** What a post needs besides what the draft says. */
const schedulingFields = {
  account,
  strategy,
  priority,
  latePolicy,
  reconcile,
  batch,
  split,
  enhance,
  hashtags,
  onEnhanceFailure,
  maxRetries,
  reuseMedia,
};

const againField = z
  .boolean()
  .default(false)
  .meta({ description: "Makes another task of a draft that is approved already." });

/** Body of `POST …/approve`; none is needed. */
export const approveContentBody = z.strictObject({ publishAt, ...schedulingFields, again: againField });

/** Body of `POST /api/v1/publish-pool/add`: a draft, or what `POST /api/v1/scheduling/tasks` takes. */
export const addToPoolBody = z
  .strictObject({
    contentId: draftIdField
      .optional()
      .meta({ description: "A draft of `/contents`. It is approved by this." }),
    again: againField,
    project: nameField.optional(),
    text: z.string().optional(),
    thread: threadField.optional(),
    media: mediaField.optional(),
    language: languageField.optional(),
    ...schedulingFields,
    publishAt: publishAtField.optional(),
    scheduledAt: publishAtField.optional().meta({ description: "Another name of `publishAt`." }),
  })
  .refine(({ publishAt: at, scheduledAt }) => at === undefined || scheduledAt === undefined, {
    path: ["scheduledAt"],
    error: "give publishAt or scheduledAt, not both",
  })
  .refine(oneText, ONE_TEXT)
  .refine(({ contentId, text, thread, media }) => (contentId ?? text ?? thread ?? media) !== undefined, {
    path: ["contentId"],
    error: "give contentId, text, thread or media",
  })
  .refine(
    ({ contentId, ...own }) =>
      contentId === undefined ||
      (["project", "text", "thread", "media", "language"] as const).every(
        (field) => own[field] === undefined,
      ),
    { path: ["contentId"], error: "the draft says project, text, thread, media and language" },
  )
  .refine(({ contentId, again }) => contentId !== undefined || !again, {
    path: ["again"],
    error: "only a draft can be approved again",
  });

export const listContentsQuery = z.strictObject({
  limit: limitField,
  cursor: cursorField.optional(),
  project: nameField.optional(),
});

const instant = z.iso.datetime();

/** A draft. */
export const contentView = z.strictObject({
  id: z.ulid(),
  project: z.string(),
  status: z.enum(["draft", "approved"]),
  taskId: z
    .ulid()
    .optional()
    .meta({ description: "The task that it became, the newest one. Present when it is approved." }),
  text: z.string().optional(),
  thread: z.array(z.string()).optional(),
  media: z.array(z.strictObject({ id: z.ulid(), altText: z.string().optional() })),
  notes: z.string().optional(),
  language: z.string(),
  createdAt: instant,
  updatedAt: instant,
  version: z.int().positive().meta({ description: "Grows with every change. The `ETag` begins with it." }),
});

/** Newest first. */
export const contentPage = z.strictObject({
  items: z.array(contentView).max(MAX_PAGE),
  /** Cursor of the next page; absent on the last one. */
  next: nextField,
});

export const toDraftContent = <Body extends Omit<z.output<typeof createContentBody>, "project">>({
  text,
  thread,
  media,
  notes,
  language,
}: Body): Omit<DraftContent, "projectId"> => ({
  ...(text !== undefined && { text }),
  ...(thread && { thread }),
  media,
  ...(notes !== undefined && { notes }),
  language,
});

/** What it takes to show a draft. */
interface ShownDraft {
  readonly draft: Draft;
  /** Name of its project. */
  readonly project: string;
}

export const toContentView = ({ draft, project }: ShownDraft): z.output<typeof contentView> => {
  const { id, taskId, text, thread, media, notes, language, createdAt, updatedAt, version } = draft;
  return {
    id,
    project,
    status: taskId === undefined ? "draft" : "approved",
    ...(taskId !== undefined && { taskId }),
    ...(text !== undefined && { text }),
    ...(thread && { thread: [...thread] }),
    media: media.map(({ id: mediaId, altText }) => ({
      id: mediaId,
      ...(altText !== undefined && { altText }),
    })),
    ...(notes !== undefined && { notes }),
    language,
    createdAt: instantInWords(createdAt),
    updatedAt: instantInWords(updatedAt),
    version,
  };
};
