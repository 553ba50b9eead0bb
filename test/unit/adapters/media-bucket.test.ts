import { S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { createS3MediaBucket } from "#shared/adapters/s3/media-bucket.ts";
import { createS3UploadForms } from "#shared/adapters/s3/upload-forms.ts";
import { manualClock } from "#test/support/clock.ts";

/** A client that answers every command with this status. */
const answering = (status: number): S3Client =>
  Object.assign(
    new S3Client({
      region: "eu-west-1",
      credentials: { accessKeyId: "AKID", secretAccessKey: "secret", sessionToken: "session" },
    }),
    {
      async send() {
        if (status < 300) return {};
        const $metadata = { httpStatusCode: status };
        throw new S3ServiceException({ name: "Refused", $fault: "client", $metadata });
      },
    },
  );

const open = (status: number) => createS3MediaBucket({ s3: answering(status), bucket: "drops" });

describe("the form of an upload", () => {
  const wish = { key: "media/anne/1", type: "image/jpeg", maxBytes: 1_000, validMs: 900_000 };

  it("takes one key, one type, and a file of 1 byte to what was announced, for 15 minutes", async () => {
    const before = Date.now();
    const { url, fields, expiresAt } = await createS3UploadForms({
      s3: answering(204),
      bucket: "drops",
      clock: manualClock(new Date()),
    }).create(wish);
    expect(url).toBe("https://drops.s3.eu-west-1.amazonaws.com/");
    const policy = JSON.parse(Buffer.from(fields["Policy"] ?? "", "base64").toString()) as {
      expiration: string;
      conditions: unknown[];
    };
    expect(policy.conditions).toEqual(
      expect.arrayContaining([
        ["content-length-range", 1, 1_000],
        { key: "media/anne/1" },
        { bucket: "drops" },
        { "Content-Type": "image/jpeg" },
        { "X-Amz-Security-Token": "session" },
      ]),
    );
    // S3 refuses every field that no condition names.
    expect(policy.conditions.filter((one) => Array.isArray(one))).toHaveLength(1);
    expect(fields).toMatchObject({ key: "media/anne/1", "Content-Type": "image/jpeg" });
    const expiry = Date.parse(policy.expiration);
    expect(expiry).toBeGreaterThan(before + 898_000);
    expect(expiry).toBeLessThanOrEqual(Date.now() + 900_000);
    expect(Math.abs(expiresAt.getTime() - expiry)).toBeLessThan(5_000);
  });
});

describe("a deletion", () => {
  it("is done when the object is gone, whoever deleted it", async () => {
    await expect(open(204).remove("media/anne/1")).resolves.toBeUndefined();
    await expect(open(404).remove("media/anne/1")).resolves.toBeUndefined();
  });

  it.each([
    [403, "configuration"],
    [503, "dependency-unavailable"],
  ])("that S3 answers with %i is a fault of kind %s", async (status, code) => {
    await expect(open(status).remove("media/anne/1")).rejects.toMatchObject({ code });
  });
});
