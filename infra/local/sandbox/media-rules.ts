/** A segment of exactly 5 MB passes the edge; 5 MiB does not. */
export const MAX_SEGMENT_BYTES = 5_000_000;
export const MAX_SEGMENT_INDEX = 999;
export const MAX_ALT_TEXT_CHARACTERS = 1_000;

export type MediaKind = "photo" | "gif" | "video";
export type MediaCategory = "tweet_image" | "tweet_gif" | "tweet_video";

export const CATEGORY_KINDS: Readonly<Record<MediaCategory, MediaKind>> = {
  tweet_image: "photo",
  tweet_gif: "gif",
  tweet_video: "video",
};

/** How X types a file in `includes.media`, and the prefix of its media key. */
export const KIND_TYPES: Readonly<
  Record<MediaKind, { readonly apiType: string; readonly keyPrefix: string }>
> = {
  photo: { apiType: "photo", keyPrefix: "3_" },
  gif: { apiType: "animated_gif", keyPrefix: "16_" },
  video: { apiType: "video", keyPrefix: "13_" },
};

const TYPES_OF_KIND: Readonly<Record<MediaKind, readonly string[]>> = {
  photo: ["image/jpeg", "image/png", "image/webp"],
  gif: ["image/gif"],
  video: ["video/mp4", "video/quicktime"],
};

export const isTypeOfKind = (type: string, kind: MediaKind): boolean => TYPES_OF_KIND[kind].includes(type);

const MIB = 1_024 * 1_024;

export interface MediaSizeLimits {
  readonly photoBytes: number;
  readonly gifBytes: number;
  readonly videoBytes: number;
  readonly premiumVideoBytes: number;
}

/** @see https://docs.x.com/x-api/media/quickstart/best-practices */
export const MEDIA_SIZE_LIMITS: MediaSizeLimits = {
  photoBytes: 5 * MIB,
  gifBytes: 15 * MIB,
  videoBytes: 512 * MIB,
  premiumVideoBytes: 16 * 1_024 * MIB,
};

export function sizeLimitOf(kind: MediaKind, premium: boolean, limits: MediaSizeLimits): number {
  switch (kind) {
    case "photo":
      return limits.photoBytes;
    case "gif":
      return limits.gifBytes;
    case "video":
      return premium ? limits.premiumVideoBytes : limits.videoBytes;
  }
}

/** Enough bytes of a file's start for `sniffType`. */
export const SNIFF_BYTES = 16;

/** The type that the first bytes of a file tell, whatever it was declared as; `undefined` when X takes no such file. */
export function sniffType(head: Buffer): string | undefined {
  const ascii = head.toString("latin1", 0, SNIFF_BYTES);
  if (ascii.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (ascii.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (ascii.startsWith("GIF87a") || ascii.startsWith("GIF89a")) return "image/gif";
  if (ascii.startsWith("RIFF") && ascii.slice(8, 12) === "WEBP") return "image/webp";
  if (ascii.slice(4, 8) === "ftyp") return ascii.slice(8, 12) === "qt  " ? "video/quicktime" : "video/mp4";
  return undefined;
}
