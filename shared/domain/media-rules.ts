import { MEDIA_TYPES, type MediaKind, type MediaType, mediaKindOf } from "./media.ts";
import type { Reason } from "./reason.ts";

const KIB = 1_024;
const MIB = KIB * KIB;

/** What one medium of a kind may be at most. */
export interface KindLimits {
  readonly maxBytes: number;
  /** Longer and shorter side, in pixels, whichever way it is held. */
  readonly maxLongSide: number;
  readonly maxShortSide: number;
  /** Either side, in pixels. */
  readonly minSide: number;
}

/** X raises these by account and over time, so they are settings. */
export interface MediaLimits {
  readonly photo: KindLimits;
  readonly gif: KindLimits;
  readonly video: KindLimits & { readonly minDurationMs: number; readonly maxDurationMs: number };
  readonly maxPhotos: number;
}

/**
 * What X takes from every account. Accounts with Premium may go beyond.
 *
 * @see https://docs.x.com/x-api/media/quickstart/best-practices
 */
export const X_MEDIA_LIMITS: MediaLimits = {
  photo: { maxBytes: 5 * MIB, maxLongSide: 8_192, maxShortSide: 8_192, minSide: 4 },
  gif: { maxBytes: 15 * MIB, maxLongSide: 1_280, maxShortSide: 1_080, minSide: 4 },
  video: {
    maxBytes: 512 * MIB,
    maxLongSide: 1_920,
    maxShortSide: 1_200,
    minSide: 32,
    minDurationMs: 500,
    maxDurationMs: 140_000,
  },
  maxPhotos: 4,
};

/** MIME types that are others under another name. */
const ALIASES: Readonly<Record<string, MediaType>> = {
  "image/apng": "image/png",
  "video/x-m4v": "video/mp4",
};

/** The type under which a file with this content is published; undefined: not at all. */
export function publishableType(type: string): MediaType | undefined {
  const plain = ALIASES[type] ?? type;
  return MEDIA_TYPES.find((known) => known === plain);
}

const FAMILIES: Readonly<Record<string, "image" | "video">> = {
  jpg: "image",
  jpeg: "image",
  png: "image",
  gif: "image",
  webp: "image",
  mp4: "video",
  m4v: "video",
  mov: "video",
};

/** Whether a file name promises a picture or a video; undefined: neither. */
export const promisedFamily = (name: string): "image" | "video" | undefined => {
  const dot = name.lastIndexOf(".");
  return dot < 0 ? undefined : FAMILIES[name.slice(dot + 1).toLowerCase()];
};

/** Bytes as people say them: `48 kB`, `5 MiB`. */
function sizeInWords(bytes: number): string {
  if (bytes < KIB) return `${bytes} bytes`;
  const [value, unit] = bytes < MIB ? [bytes / KIB, "KiB"] : [bytes / MIB, "MiB"];
  // Rounded up, so that a file above a limit never looks as if it were at the limit.
  return `${Math.ceil(value * 10) / 10} ${unit}`;
}

const NAMES: Readonly<Record<MediaKind, string>> = { photo: "photo", gif: "GIF", video: "video" };

/** A file as its content describes it. */
export interface MediumFacts {
  readonly name: string;
  readonly type: MediaType;
  readonly sizeBytes: number;
  readonly width: number;
  readonly height: number;
  readonly durationMs?: number;
}

/** Why X would refuse the file's bytes; known before anything was read. */
export function checkSize(
  name: string,
  kind: MediaKind,
  sizeBytes: number,
  limits: MediaLimits,
): Reason | undefined {
  const { maxBytes } = limits[kind];
  if (sizeBytes <= maxBytes) return undefined;
  return {
    code: "media-too-large",
    message: `${name} has ${sizeInWords(sizeBytes)}; X takes a ${NAMES[kind]} of at most ${sizeInWords(maxBytes)}.`,
    remedy: "Make the file smaller and drop it again.",
  };
}

/** Why X would refuse one medium; undefined: it would not. */
export function checkMedium(facts: MediumFacts, limits: MediaLimits = X_MEDIA_LIMITS): Reason | undefined {
  const { name, width, height, durationMs } = facts;
  const kind = mediaKindOf(facts.type);
  const tooLarge = checkSize(name, kind, facts.sizeBytes, limits);
  if (tooLarge) return tooLarge;

  const { minSide, maxLongSide, maxShortSide } = limits[kind];
  const [short, long] = width < height ? [width, height] : [height, width];
  if (short < minSide || long > maxLongSide || short > maxShortSide)
    return {
      code: "media-dimensions",
      message:
        `${name} is ${width} × ${height} pixels; X takes a ${NAMES[kind]} ` +
        `of ${minSide} × ${minSide} to ${maxLongSide} × ${maxShortSide}.`,
      remedy: "Scale it and drop it again.",
    };

  if (kind === "video" && durationMs !== undefined) {
    const { minDurationMs, maxDurationMs } = limits.video;
    const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;
    if (durationMs > maxDurationMs)
      return {
        code: "media-too-long",
        message: `${name} lasts ${seconds(durationMs)}; X takes a video of at most ${seconds(maxDurationMs)}.`,
        remedy: "Cut the video and drop it again.",
      };
    if (durationMs < minDurationMs)
      return {
        code: "media-too-short",
        message: `${name} lasts ${seconds(durationMs)}; X takes a video of at least ${seconds(minDurationMs)}.`,
        remedy: "Use a longer video, or a GIF.",
      };
  }
  return undefined;
}

/**
 * Why X would refuse these media together; undefined: it would not.
 *
 * @param media - in the order of the post
 */
export function checkMediaSet(
  media: readonly { readonly type: MediaType }[],
  { maxPhotos }: Pick<MediaLimits, "maxPhotos"> = X_MEDIA_LIMITS,
): Reason | undefined {
  const kinds = media.map(({ type }) => mediaKindOf(type));
  const heavy = kinds.filter((kind) => kind !== "photo");
  if (heavy.length > 0 && media.length > 1)
    return {
      code: "mixed-media",
      message: `A post has up to ${maxPhotos} photos, or one GIF, or one video; this one has ${countInWords(kinds)}.`,
      remedy: "Keep either the photos or one GIF or video, and post the rest by itself.",
    };
  if (media.length > maxPhotos)
    return {
      code: "too-many-photos",
      message: `A post has at most ${maxPhotos} photos; this one has ${media.length}.`,
      remedy: `Remove ${media.length - maxPhotos} of them, or post them in two posts.`,
    };
  return undefined;
}

const countInWords = (kinds: readonly MediaKind[]): string =>
  (["photo", "gif", "video"] as const)
    .map((kind) => ({ kind, count: kinds.filter((other) => other === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} ${NAMES[kind]}${count > 1 ? "s" : ""}`)
    .join(" and ");
