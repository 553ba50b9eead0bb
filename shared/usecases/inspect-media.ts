import { createHash } from "node:crypto";
import { type MediaType, type Medium, mediaKindOf } from "#shared/domain/media.ts";
import {
  checkMedium,
  checkSize,
  type MediaLimits,
  promisedFamily,
  publishableType,
  X_MEDIA_LIMITS,
} from "#shared/domain/media-rules.ts";
import type { Reason } from "#shared/domain/reason.ts";
import type { MediaInspector, RangeReader } from "#shared/ports/media-inspector.ts";
import type { MediaSource } from "#shared/ports/media-source.ts";
import { err, ok, type Result } from "#shared/result.ts";

export interface InspectMediaDeps {
  readonly source: MediaSource;
  readonly inspector: MediaInspector;
  /** @default what X takes from every account */
  readonly limits?: MediaLimits;
}

/** A file as the bucket lists it. */
export interface DroppedFile {
  /** Without folders, as the person sees it. */
  readonly name: string;
  readonly key: string;
  readonly etag: string;
  readonly sizeBytes: number;
}

export type InspectRefusal =
  /** X would refuse it, for this reason. */
  | { readonly reason: "refused"; readonly why: Reason }
  /** Somebody replaced or deleted it meanwhile: list again. */
  | { readonly reason: "changed" };

export type InspectMedia = (file: DroppedFile) => Promise<Result<Medium, InspectRefusal>>;

/** Read and hashed at a time; two are in memory. */
const HASH_CHUNK_BYTES = 4 * 1024 * 1024;

class ChangedWhileRead extends Error {
  override readonly name = "ChangedWhileRead";
}

/**
 * Decides from a file's bytes whether it can be published, and gives it its identity.
 *
 * Everything is read by ranges of one version; the digest is the only thing that reads the whole file, and comes last.
 *
 * Refusals (`why.code`): `media-empty`, `media-type-mismatch`, `media-unsupported`, `media-truncated`,
 * `media-invalid`, `media-too-large`, `media-too-long`, `media-too-short`, `media-dimensions`.
 */
export function createInspectMedia({
  source,
  inspector,
  limits = X_MEDIA_LIMITS,
}: InspectMediaDeps): InspectMedia {
  return async (file) => {
    const { name, key, etag, sizeBytes } = file;
    const refuse = (why: Reason) => err({ reason: "refused", why } as const);
    if (sizeBytes === 0)
      return refuse({
        code: "media-empty",
        message: `${name} has 0 bytes.`,
        remedy: "Drop the file again: the upload was probably cut off.",
      });

    async function fill(start: number, into: Uint8Array): Promise<void> {
      const read = await source.read({ key, etag }, start, into);
      if (!read.ok) throw new ChangedWhileRead();
    }

    async function digest(): Promise<string> {
      const hash = createHash("sha256");
      const chunkBytes = Math.min(HASH_CHUNK_BYTES, sizeBytes);
      let [filled, spare] = [
        new Uint8Array(chunkBytes),
        new Uint8Array(sizeBytes > chunkBytes ? chunkBytes : 0),
      ];
      const part = (chunk: Uint8Array, start: number) =>
        chunk.subarray(0, Math.min(chunkBytes, sizeBytes - start));
      await fill(0, part(filled, 0));
      for (let start = 0; start < sizeBytes; start += chunkBytes) {
        const next = start + chunkBytes;
        const filling = next < sizeBytes ? fill(next, part(spare, next)) : undefined;
        hash.update(part(filled, start));
        await filling;
        [filled, spare] = [spare, filled];
      }
      return hash.digest("hex");
    }

    const reader: RangeReader = {
      sizeBytes,
      async read(start, end) {
        const bytes = new Uint8Array(end - start);
        await fill(start, bytes);
        return bytes;
      },
    };

    try {
      const type = chooseType(name, await inspector.identify(reader));
      if (!type.ok) return refuse(type.error);
      const tooLarge = checkSize(name, mediaKindOf(type.value), sizeBytes, limits);
      if (tooLarge) return refuse(tooLarge);
      const facts = await inspector.inspect(reader, type.value);
      if (facts.kind !== "whole") return refuse(damaged(name, facts.kind));
      const { width, height, durationMs } = facts;
      const described = {
        name,
        type: type.value,
        sizeBytes,
        width,
        height,
        ...(durationMs !== undefined && { durationMs }),
      };
      const why = checkMedium(described, limits);
      if (why) return refuse(why);
      return ok({ ...described, key, etag, sha256: await digest() });
    } catch (error) {
      if (error instanceof ChangedWhileRead) return err({ reason: "changed" });
      throw error;
    }
  };
}

const TAKEN = "X takes JPEG, PNG, WEBP and GIF pictures, and MP4 and MOV videos";

const unsupported = (name: string, type: string): Reason => ({
  code: "media-unsupported",
  message: `${name} is ${type}. ${TAKEN}.`,
  remedy: "Convert the file and drop it again.",
});

const damaged = (name: string, how: "truncated" | "invalid"): Reason => ({
  code: how === "truncated" ? "media-truncated" : "media-invalid",
  message:
    how === "truncated" ? `${name} ends in the middle: a part of it is missing.` : `${name} cannot be read.`,
  remedy: "Check that it opens on your computer, and drop it again.",
});

/** A name may promise another kind of picture than the bytes hold, but not another kind of thing. */
function chooseType(name: string, actual: string | undefined): Result<MediaType, Reason> {
  const promised = promisedFamily(name);
  if (promised && !actual?.startsWith(`${promised}/`))
    return err({
      code: "media-type-mismatch",
      message: `${name} is named like ${promised === "image" ? "a picture" : "a video"}, but holds ${actual ?? "something else"}.`,
      remedy: "Drop the right file, or give it its right name.",
    });
  const type = actual === undefined ? undefined : publishableType(actual);
  return type ? ok(type) : err(unsupported(name, actual ?? "no known kind of file"));
}
