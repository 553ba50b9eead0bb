import * as z from "zod";
import { MEDIA_TYPES } from "#shared/domain/media.ts";
import { nameField } from "#shared/domain/post-fields.ts";
import {
  asMediaId,
  MEDIA_STATUSES,
  mediaStatus,
  type StoredMedium,
  type UploadForm,
} from "#shared/domain/stored-media.ts";
import { instantInWords } from "#shared/domain/words.ts";
import { cursorField, limitField, nextField } from "./paging.ts";

const MAX_PAGE = 100;
/** As dropped files: it fits into a file name of the usual disks. */
const MAX_NAME_BYTES = 240;
/** What X takes. @see https://docs.x.com/x-api/media/metadata-create */
const MAX_ALT_TEXT = 1_000;
/** More than X takes, so that the rules can say why. */
const MAX_MEDIA = 10;

const mediaIdField = z.ulid().transform(asMediaId);

export const mediaPath = z.strictObject({ id: mediaIdField });

/** An uploaded file in a post. */
const mediaRefField = z.strictObject({
  /** Of `POST /api/v1/media`. */
  id: mediaIdField,
  altText: z
    .string()
    .max(MAX_ALT_TEXT)
    .optional()
    .meta({ description: "What the picture shows, for people who cannot see it." }),
});

/** In the order of the post. */
export const mediaField = z
  .array(mediaRefField)
  .max(MAX_MEDIA)
  .refine((media) => new Set(media.map(({ id }) => id)).size === media.length, "give every medium once");

const fileNameField = z
  .string()
  .min(1)
  .refine(
    (name) => new TextEncoder().encode(name).length <= MAX_NAME_BYTES,
    `at most ${MAX_NAME_BYTES} bytes`,
  )
  .refine(
    (name) => !/[\p{Cc}\\/]/u.test(name) && name.trim() !== "",
    "a file name without folders and control characters",
  );

export const createMediaBody = z.strictObject({
  name: fileNameField.meta({ description: "File name without folders, for people." }),
  type: z
    .enum(MEDIA_TYPES)
    .meta({ description: "What the file is. Its bytes are inspected after the upload." }),
  sizeBytes: z.int().positive().meta({ description: "Bytes of the file. More are not taken by the upload." }),
  project: nameField.default("default"),
});

export const listMediaQuery = z.strictObject({
  limit: limitField,
  cursor: cursorField.optional(),
  project: nameField.optional(),
});

const instant = z.iso.datetime();
const pixels = z.int().positive();

/** An uploaded file, and what its bytes said. */
export const mediaView = z.strictObject({
  id: z.ulid(),
  project: z.string(),
  name: z.string(),
  /** As announced. */
  type: z.enum(MEDIA_TYPES),
  sizeBytes: z.int().positive(),
  status: z.enum(MEDIA_STATUSES).meta({
    description:
      "`awaiting-upload` for an hour at most, then `expired`; `inspecting` when the file is there; `ready` for posts, or `refused` with the reason.",
  }),
  createdAt: instant,
  updatedAt: instant,
  probe: z
    .strictObject({
      type: z.enum(MEDIA_TYPES),
      sizeBytes: z.int().positive(),
      width: pixels,
      height: pixels,
      durationMs: z.number().optional().meta({ description: "Videos only, in milliseconds." }),
      sha256: z.string().meta({ description: "SHA-256 of the file, in hexadecimal." }),
    })
    .optional()
    .meta({ description: "What the bytes are. Present when it is ready." }),
  reason: z
    .strictObject({ code: z.string(), message: z.string(), remedy: z.string() })
    .optional()
    .meta({ description: "Why it was refused. Codes are explained in docs/errors.md." }),
});

export const mediaCreated = mediaView.extend({
  upload: z
    .strictObject({
      url: z.url(),
      fields: z.record(z.string(), z.string()),
      expiresAt: instant,
    })
    .meta({
      description:
        "Send a multipart/form-data POST to `url`: all `fields` as they are, then the file as the field `file`. It has to begin before `expiresAt`.",
    }),
});

/** Newest first. */
export const mediaPage = z.strictObject({
  items: z.array(mediaView).max(MAX_PAGE),
  /** Cursor of the next page; absent on the last one. */
  next: nextField,
});

/** What it takes to show a medium. */
interface ShownMedium {
  readonly medium: StoredMedium;
  /** Name of its project. */
  readonly project: string;
  readonly now: Date;
}

export const toMediaView = ({ medium: stored, project, now }: ShownMedium): z.output<typeof mediaView> => {
  const { id, name, type, sizeBytes, createdAt, updatedAt, medium, reason } = stored;
  return {
    id,
    project,
    name,
    type,
    sizeBytes,
    status: mediaStatus(stored, now),
    createdAt: instantInWords(createdAt),
    updatedAt: instantInWords(updatedAt),
    ...(medium && {
      probe: {
        type: medium.type,
        sizeBytes: medium.sizeBytes,
        width: medium.width,
        height: medium.height,
        ...(medium.durationMs !== undefined && { durationMs: medium.durationMs }),
        sha256: medium.sha256,
      },
    }),
    ...(reason && { reason: { ...reason } }),
  };
};

export const toMediaCreated = ({
  upload: { url, fields, expiresAt },
  ...shown
}: ShownMedium & { readonly upload: UploadForm }): z.output<typeof mediaCreated> => ({
  ...toMediaView(shown),
  upload: { url, fields: { ...fields }, expiresAt: instantInWords(expiresAt) },
});
