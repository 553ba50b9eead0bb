import { ListObjectsV2Command, S3ServiceException } from "@aws-sdk/client-s3";
import { expect, it } from "vitest";
import { createS3DropFolder } from "#shared/adapters/s3/drop-folder.ts";

const answering = (answer: object) =>
  ({ send: async () => answer }) as unknown as Parameters<typeof createS3DropFolder>[0]["s3"];

it("reads keys that XML could not hold, as S3 spells them", async () => {
  const asked: unknown[] = [];
  const s3 = {
    async send(command: unknown) {
      asked.push(command instanceof ListObjectsV2Command && command.input.EncodingType);
      return {
        EncodingType: "url",
        Contents: [
          { Key: "drop/default/a+b%2B%25%E4%B8%AD%01.md", ETag: '"1"', Size: 1, LastModified: new Date(0) },
        ],
      };
    },
  } as unknown as Parameters<typeof createS3DropFolder>[0]["s3"];
  const [file] = await createS3DropFolder({ s3, bucket: "drops" }).list("default", "a");
  expect(asked).toEqual(["url"]);
  expect(file?.name).toBe("a b+%中\u0001.md");
});

it("follows the pages of a listing", async () => {
  const pages = [
    { IsTruncated: true, NextContinuationToken: "next", Contents: [] },
    { Contents: [{ Key: "drop/default/a.md", ETag: '"1"', Size: 1, LastModified: new Date(0) }] },
  ];
  const tokens: unknown[] = [];
  const s3 = {
    async send(command: ListObjectsV2Command) {
      tokens.push(command.input.ContinuationToken);
      return pages[tokens.length - 1];
    },
  } as unknown as Parameters<typeof createS3DropFolder>[0]["s3"];
  expect(await createS3DropFolder({ s3, bucket: "drops" }).list("default", "a")).toHaveLength(1);
  expect(tokens).toEqual([undefined, "next"]);
});

it("calls a refusal a wrong deployment", async () => {
  const denied = new S3ServiceException({
    name: "AccessDenied",
    $fault: "client",
    $metadata: { httpStatusCode: 403 },
  });
  const s3 = { ...answering({}), send: async () => Promise.reject(denied) };
  await expect(createS3DropFolder({ s3, bucket: "drops" }).list("default", "a")).rejects.toMatchObject({
    code: "configuration",
  });
});
