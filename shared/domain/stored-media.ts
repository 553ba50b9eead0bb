import type { OwnerId, ProjectId, TaskId } from "./ids.ts";
import { type MediaType, type Medium, mediaKindOf } from "./media.ts";
import { checkSize, X_MEDIA_LIMITS } from "./media-rules.ts";
import type { Reason } from "./reason.ts";

declare const brand: unique symbol;
/** ULID: sorts by creation. */
export type MediaId = string & { readonly [brand]: "MediaId" };
export const asMediaId = (id: string): MediaId => id as MediaId;

/** Where media of the API lie: `media/<owner>/<id>`. */
export const MEDIA_PREFIX = "media/";
/** An upload has to begin within this; what is under way then may go on. */
export const UPLOAD_FORM_MS = 15 * 60_000;
/** Nobody waits longer for an upload. */
export const UPLOAD_WITHIN_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** What nothing can become of is still told for this long. */
const KEPT_MS = { expired: DAY_MS, refused: 30 * DAY_MS, deleted: DAY_MS } as const;
/** Between a use and its task lie milliseconds, and no function that makes tasks lives longer than this. */
export const USE_GRACE_MS = 5 * 60_000;
/** From so many uses on, those whose tasks have ended are forgotten. */
export const MANY_USES = 100;

export const MEDIA_STATUSES = ["awaiting-upload", "inspecting", "ready", "refused", "expired"] as const;
export type MediaStatus = (typeof MEDIA_STATUSES)[number];

/** A file that a client sends to the bucket by itself, and what the inspection of its bytes said. */
export interface StoredMedium {
  readonly id: MediaId;
  readonly ownerId: OwnerId;
  readonly projectId: ProjectId;
  /** File name without folders, as the person sees it. */
  readonly name: string;
  /** As announced; the bytes decide, see `medium`. */
  readonly type: MediaType;
  readonly sizeBytes: number;
  /** `expired` is what time makes of one that is awaited: see `mediaStatus`. */
  readonly status: Exclude<MediaStatus, "expired">;
  /** Of the object that was decided about. */
  readonly etag?: string;
  /** Ready ones: what a post takes. */
  readonly medium?: Medium;
  /** Refused ones: why. */
  readonly reason?: Reason;
  /** Tasks that took it, and when. Some of them may never have come into being. */
  readonly uses: Readonly<Record<string, Date>>;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** It is gone for everybody, and its object is or will be deleted. */
  readonly deletedAt?: Date;
  /** Grows by one with every write. */
  readonly version: number;
}

/** A form that sends one file into the bucket, without any right of ours. */
export interface UploadForm {
  readonly url: string;
  /** All of them are sent, and before the file. */
  readonly fields: Readonly<Record<string, string>>;
  /** The upload has to begin before. */
  readonly expiresAt: Date;
}

/** Keys hold nothing that a client chose. */
export const mediaKey = ({ ownerId, id }: Pick<StoredMedium, "ownerId" | "id">): string =>
  `${MEDIA_PREFIX}${ownerId}/${id}`;

const KEY = /^media\/(?<ownerId>[^/]+)\/(?<id>[0-9A-HJKMNP-TV-Z]{26})$/;

/** Whose object it is; undefined: no medium's. */
export function parseMediaKey(key: string): Pick<StoredMedium, "ownerId" | "id"> | undefined {
  const { ownerId, id } = KEY.exec(key)?.groups ?? {};
  return ownerId === undefined || id === undefined
    ? undefined
    : { ownerId: ownerId as OwnerId, id: id as MediaId };
}

/** What a client says about a file before it sends it. */
export type AnnouncedFile = Pick<StoredMedium, "projectId" | "name" | "type" | "sizeBytes">;

/** Why X would refuse a file of this size, before a byte of it was sent. */
export const checkAnnounced = ({ name, type, sizeBytes }: AnnouncedFile): Reason | undefined => {
  const why = checkSize(name, mediaKindOf(type), sizeBytes, X_MEDIA_LIMITS);
  return why && forUpload(why);
};

export const newStoredMedium = (
  id: MediaId,
  ownerId: OwnerId,
  { projectId, name, type, sizeBytes }: AnnouncedFile,
  now: Date,
): StoredMedium => ({
  id,
  ownerId,
  projectId,
  name,
  type,
  sizeBytes,
  status: "awaiting-upload",
  uses: {},
  createdAt: now,
  updatedAt: now,
  version: 1,
});

/** The instant until which an upload counts. */
const uploadUntil = ({ createdAt }: Pick<StoredMedium, "createdAt">): Date =>
  new Date(createdAt.getTime() + UPLOAD_WITHIN_MS);

export const mediaStatus = (medium: StoredMedium, now: Date): MediaStatus =>
  medium.status === "awaiting-upload" && now >= uploadUntil(medium) ? "expired" : medium.status;

/** When the record itself disappears; undefined: not by itself. */
export function forgottenAt(medium: StoredMedium): Date | undefined {
  const { status, updatedAt, deletedAt } = medium;
  const after = (from: Date, ms: number) => new Date(from.getTime() + ms);
  if (deletedAt) return after(deletedAt, KEPT_MS.deleted);
  switch (status) {
    case "awaiting-upload":
      return after(uploadUntil(medium), KEPT_MS.expired);
    case "refused":
      return after(updatedAt, KEPT_MS.refused);
    case "inspecting":
    case "ready":
      return undefined;
  }
}

/** What to do about an object that came into being. */
export type UploadDecision =
  /** Nobody can use it: delete it. */
  | "unwanted"
  /** It was decided about already. */
  | "decided"
  | "inspect";

export function decideUpload(medium: StoredMedium | undefined, etag: string, now: Date): UploadDecision {
  if (!medium || medium.deletedAt || mediaStatus(medium, now) === "expired") return "unwanted";
  const isKnown = medium.etag === etag;
  switch (medium.status) {
    case "ready":
      return isKnown ? "decided" : "inspect";
    case "refused":
      return isKnown ? "unwanted" : "inspect";
    case "awaiting-upload":
    // Whoever inspected it may have died.
    case "inspecting":
      return "inspect";
  }
}

const changed = (medium: StoredMedium, now: Date) => {
  const { medium: _medium, reason: _reason, ...rest } = medium;
  return { ...rest, updatedAt: now, version: medium.version + 1 };
};

export const inspecting = (medium: StoredMedium, now: Date): StoredMedium => ({
  ...changed(medium, now),
  status: "inspecting",
});

export const inspected = (medium: StoredMedium, found: Medium, now: Date): StoredMedium => ({
  ...changed(medium, now),
  status: "ready",
  etag: found.etag,
  medium: found,
});

export const refused = (medium: StoredMedium, reason: Reason, etag: string, now: Date): StoredMedium => ({
  ...changed(medium, now),
  status: "refused",
  etag,
  reason,
});

export const deleted = (medium: StoredMedium, now: Date): StoredMedium => ({
  ...medium,
  deletedAt: now,
  updatedAt: now,
  version: medium.version + 1,
});

/** Why bytes are not what was announced: a picture may be another picture, but no video. */
export function checkKind(
  { name, type }: Pick<StoredMedium, "name" | "type">,
  found: Medium,
): Reason | undefined {
  const familyOf = (mime: MediaType) => (mime.startsWith("video/") ? "a video" : "a picture");
  if (familyOf(type) === familyOf(found.type)) return undefined;
  return {
    code: "media-type-mismatch",
    message: `${name} was announced as ${type}, but holds ${found.type}.`,
    remedy: "Upload the right file, or announce it as what it is.",
  };
}

/** The rules of files speak of dropping: here it is uploading. */
export const forUpload = ({ remedy, ...why }: Reason): Reason => ({
  ...why,
  remedy: remedy.replaceAll("Drop ", "Upload ").replaceAll("drop ", "upload "),
});

/** Uses by age, oldest first. */
export const usesOf = ({ uses }: Pick<StoredMedium, "uses">): readonly { taskId: TaskId; usedAt: Date }[] =>
  Object.entries(uses)
    .map(([taskId, usedAt]) => ({ taskId: taskId as TaskId, usedAt }))
    .toSorted((a, b) => a.usedAt.getTime() - b.usedAt.getTime());
