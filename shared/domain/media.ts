import { LARGE_VIDEO_BYTES, PREPARE_LEADS_MS } from "./timing.ts";

/** What Punctual publishes. The list is X's. @see https://docs.x.com/x-api/media/quickstart/best-practices */
export const MEDIA_TYPES = [
  "image/jpeg",
  "image/png",
  "image/webp",
  "image/gif",
  "video/mp4",
  "video/quicktime",
] as const;
export type MediaType = (typeof MEDIA_TYPES)[number];
export type MediaKind = "photo" | "gif" | "video";

/** A file of a post, as it was when the post was accepted. Bytes are pinned by `etag`; `sha256` is its identity. */
export interface Medium {
  /** File name without folders, as the person sees it. */
  readonly name: string;
  /** Key in the bucket. */
  readonly key: string;
  /** Pins every later range read (`IfMatch`). Not an identity: it depends on how the file was uploaded. */
  readonly etag: string;
  readonly type: MediaType;
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly width: number;
  readonly height: number;
  /** Videos only. */
  readonly durationMs?: number;
  readonly altText?: string;
}

export const mediaKindOf = (type: MediaType): MediaKind =>
  type.startsWith("video/") ? "video" : type === "image/gif" ? "gif" : "photo";

export type PrepareLeads = Readonly<Record<keyof typeof PREPARE_LEADS_MS, number>>;

/** How far ahead of the slot the upload starts, in ms; 0 when there is nothing to upload. */
export function prepareLeadMs(media: readonly Medium[], leads: PrepareLeads = PREPARE_LEADS_MS): number {
  return Math.max(
    0,
    ...media.map(({ type, sizeBytes }) => {
      const kind = mediaKindOf(type);
      return kind === "video" && sizeBytes > LARGE_VIDEO_BYTES ? leads.large : leads[kind];
    }),
  );
}
