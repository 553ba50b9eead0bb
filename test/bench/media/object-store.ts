/** S3 for the bench, in memory, in a process of its own. */
import { createHash } from "node:crypto";
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import * as z from "zod";
import { startFauxqs } from "#infra/local/stores/fauxqs-server.ts";
import { answerParent } from "#test/bench/process.ts";
import { patternBytes, readFixture } from "#test/support/media-files.ts";

const REGION = "us-east-1";
const BUCKET = "bench";
/** The store takes bodies of at most 11 MiB. */
const PART_BYTES = 8 * 1_024 * 1_024;

const server = await startFauxqs({ region: REGION });
const endpoint = `http://127.0.0.1:${server.port}`;
const s3 = new S3Client({
  endpoint,
  region: REGION,
  forcePathStyle: true,
  credentials: { accessKeyId: "bench", secretAccessKey: "bench" },
});
await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));

/** A real clip, and noise behind it in a box that players skip. */
function* contentOf(sizeBytes: number): Generator<Uint8Array> {
  const clip = readFixture("clip.mp4");
  const header = Buffer.from("\0\0\0\0free", "latin1");
  header.writeUInt32BE(sizeBytes - clip.length, 0);
  const noise = patternBytes(PART_BYTES);
  let part = Buffer.concat([clip, header]);
  for (let left = sizeBytes; left > 0; ) {
    const length = Math.min(PART_BYTES, left);
    if (part.length < length) part = Buffer.concat([part, noise.subarray(0, length - part.length)]);
    // No two parts are alike, so that a swapped one changes the digest.
    part.writeUInt32LE(left, length - 4);
    yield part.subarray(0, length);
    left -= length;
    part = Buffer.alloc(0);
  }
}

answerParent(
  {
    async address() {
      return { endpoint, region: REGION, bucket: BUCKET };
    },
    async put(argument) {
      const { key, sizeBytes } = z.object({ key: z.string(), sizeBytes: z.int() }).parse(argument);
      const object = { Bucket: BUCKET, Key: key };
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand(object));
      const hash = createHash("sha256");
      const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
      for (const Body of contentOf(sizeBytes)) {
        hash.update(Body);
        const PartNumber = Parts.length + 1;
        const { ETag } = await s3.send(new UploadPartCommand({ ...object, UploadId, PartNumber, Body }));
        Parts.push({ PartNumber, ETag });
      }
      await s3.send(new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload: { Parts } }));
      const { ETag: etag } = await s3.send(new HeadObjectCommand(object));
      return { key, sizeBytes, etag, sha256: hash.digest("hex") };
    },
  },
  () => server.close(),
);
