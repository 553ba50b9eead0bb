import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FauxqsServer, startFauxqs } from "#infra/local/stores/fauxqs-server.ts";
import { createS3DropFolder } from "#shared/adapters/s3/drop-folder.ts";
import { createS3OutcomeFolder } from "#shared/adapters/s3/outcome-folder.ts";
import { outcomeViewSchema } from "#shared/contract/task-view.ts";
import { dropFolderContract } from "#test/contracts/drop-folder.ts";
import { aDrop } from "#test/support/drop-builders.ts";

const bucket = "drops";
let fauxqs: FauxqsServer;
let s3: S3Client;

const s3At = (port: number) =>
  new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    forcePathStyle: true,
    region: "eu-west-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });

beforeAll(async () => {
  fauxqs = await startFauxqs({ region: "eu-west-1" });
  s3 = s3At(fauxqs.port);
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
});
afterAll(async () => {
  s3.destroy();
  await fauxqs.close();
});

dropFolderContract("S3", () => ({
  folder: createS3DropFolder({ s3, bucket }),
  async put(key, body) {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  },
}));

describe("the drop folder of the bucket", () => {
  it("answers by a fault where the bucket does not", async () => {
    const nobody = s3At(1);
    const folder = createS3DropFolder({ s3: nobody, bucket });
    await expect(folder.list("default", "a")).rejects.toMatchObject({ code: "dependency-unavailable" });
    await expect(folder.read({ key: "drop/default/a.md", etag: '"1"' })).rejects.toMatchObject({
      code: "dependency-unavailable",
    });
    nobody.destroy();
  });
});

describe("the outcome folder of the bucket", () => {
  it("keeps the newest, readable by its schema", async () => {
    const folder = createS3OutcomeFolder({ s3, bucket });
    const why = { code: "no-sidecar", message: "There is no text.", remedy: "Drop one." };
    const outcome = (version: number) => ({
      drop: aDrop({ base: "周末 trip", status: "failed", reason: why, version }),
    });
    expect(await folder.put(outcome(2))).toBe("written");
    expect(await folder.put(outcome(1))).toBe("superseded");
    expect(await folder.put(outcome(3))).toBe("written");

    const { Body, ContentType, Metadata } = await s3.send(
      new GetObjectCommand({ Bucket: bucket, Key: "outcome/default/周末 trip.json" }),
    );
    expect(outcomeViewSchema.parse(JSON.parse((await Body?.transformToString()) ?? ""))).toEqual({
      project: "default",
      status: "failed",
      file: "周末 trip",
      reason: why,
      version: "3.0",
    });
    expect({ ContentType, Metadata }).toEqual({
      ContentType: "application/json; charset=utf-8",
      Metadata: { version: "3.0" },
    });
  });
});
