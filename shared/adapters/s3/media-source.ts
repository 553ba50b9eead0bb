import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { GetObjectCommand, type S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { ConfigurationFault, DependencyFault } from "#shared/errors.ts";
import type { MediaSource } from "#shared/ports/media-source.ts";
import { err, ok } from "#shared/result.ts";

export interface S3MediaSourceOptions {
  readonly s3: Pick<S3Client, "send">;
  readonly bucket: string;
  /** Of one range, from the call to its last byte, in ms. @default 10,000 */
  readonly deadlineMs?: number;
}

const DEFAULT_DEADLINE_MS = 10_000;
/** The SDK repeats requests, but not a body that broke off. */
const MAX_TRIES = 3;

/** A body with another length than asked for. */
class WrongLength extends Error {
  override readonly name = "WrongLength";
}

/**
 * Ranges of objects by `GetObject`, pinned to one version by `IfMatch`.
 *
 * Needs `s3:ListBucket` besides `s3:GetObject`: without it S3 calls a deleted object forbidden.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
export function createS3MediaSource({
  s3,
  bucket,
  deadlineMs = DEFAULT_DEADLINE_MS,
}: S3MediaSourceOptions): MediaSource {
  async function readOnce(key: string, etag: string, start: number, into: Uint8Array): Promise<void> {
    const { Body } = await s3.send(
      new GetObjectCommand({
        Bucket: bucket,
        Key: key,
        IfMatch: etag,
        Range: `bytes=${start}-${start + into.length - 1}`,
      }),
      { abortSignal: AbortSignal.timeout(deadlineMs) },
    );
    if (!(Body instanceof Readable)) throw new RangeError("S3 gave no stream of Node");
    let filled = 0;
    // Each piece is copied once, and nothing of it is kept. An iterator would cost a promise for every piece.
    Body.on("data", (piece: Uint8Array) => {
      if (filled + piece.length <= into.length) into.set(piece, filled);
      filled += piece.length;
      if (filled > into.length) Body.destroy(new WrongLength("more bytes than asked for"));
    });
    await finished(Body);
    if (filled < into.length) throw new WrongLength("fewer bytes than asked for");
  }

  return {
    async read({ key, etag }, start, into) {
      if (into.length === 0) return ok(undefined);
      for (let tries = 1; ; tries++) {
        try {
          await readOnce(key, etag, start, into);
          return ok(undefined);
        } catch (error) {
          const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
          if (status === 412 || status === 404 || status === 416) return err({ reason: "changed" });
          if (status === 403)
            throw new ConfigurationFault("the function may not read the drop bucket", { cause: error });
          if (tries === MAX_TRIES)
            throw new DependencyFault("the drop bucket did not give a range", {
              cause: error,
              details: { start, length: into.length },
            });
        }
      }
    },
  };
}
