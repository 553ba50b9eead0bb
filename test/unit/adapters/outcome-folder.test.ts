import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { createS3OutcomeFolder } from "#shared/adapters/s3/outcome-folder.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { aDrop } from "#test/support/drop-builders.ts";
import { sha256Of } from "#test/support/media-files.ts";

const refusal = (name: string, httpStatusCode: number) =>
  new S3ServiceException({ name, $fault: "client", $metadata: { httpStatusCode } });

/** One bucket with S3's conditional writes, and a moment between its answers where others can come. */
function conditionalBucket(between: () => Promise<unknown> = async () => {}) {
  const objects = new Map<string, { body: string; etag: string; metadata: Record<string, string> }>();
  const calls: string[] = [];
  const send = async (command: unknown) => {
    if (command instanceof HeadObjectCommand || command instanceof GetObjectCommand) {
      calls.push("read");
      const found = objects.get(command.input.Key ?? "");
      if (!found) throw refusal("NotFound", 404);
      return { ETag: found.etag, Metadata: found.metadata };
    }
    if (!(command instanceof PutObjectCommand)) throw new Error("an unexpected call");
    calls.push("write");
    const { Key = "", Body, IfMatch, IfNoneMatch, Metadata = {} } = command.input;
    await between();
    const found = objects.get(Key);
    if (IfNoneMatch === "*" && found) throw refusal("PreconditionFailed", 412);
    if (IfMatch !== undefined && !found) throw refusal("NoSuchKey", 404);
    if (IfMatch !== undefined && IfMatch !== found?.etag) throw refusal("PreconditionFailed", 412);
    if (IfMatch === undefined && IfNoneMatch === undefined) throw new Error("an unconditional write");
    const body = String(Body);
    objects.set(Key, { body, etag: `"${sha256Of(Buffer.from(body))}"`, metadata: Metadata });
    return {};
  };
  return { s3: { send } as Parameters<typeof createS3OutcomeFolder>[0]["s3"], objects, calls };
}

const KEY = "outcome/default/trip.json";
const task = aTask();
const outcome = (drop: number, taskVersion: number) => ({
  drop: aDrop({ version: drop, taskId: task.id, status: "accepted" }),
  post: {
    task: { ...task, version: taskVersion },
    content: aContent(task),
    account: "main",
    timeZone: "UTC",
  },
});

describe("the outcome folder of the bucket", () => {
  it("writes JSON for people, with the ids beside it", async () => {
    const { s3, objects } = conditionalBucket();
    expect(await createS3OutcomeFolder({ s3, bucket: "drops" }).put(outcome(2, 1))).toBe("written");
    const stored = objects.get(KEY);
    expect(JSON.parse(stored?.body ?? "")).toMatchObject({ id: task.id, version: "2.1", file: "trip" });
    expect(stored?.metadata).toEqual({ version: "2.1", "task-id": task.id });
  });

  it("leaves what is as new or newer", async () => {
    const { s3, objects, calls } = conditionalBucket();
    const folder = createS3OutcomeFolder({ s3, bucket: "drops" });
    await folder.put(outcome(2, 5));
    expect(await folder.put(outcome(2, 4))).toBe("superseded");
    expect(await folder.put(outcome(2, 5))).toBe("superseded");
    expect(await folder.put(outcome(2, 6))).toBe("written");
    expect(objects.get(KEY)?.metadata["version"]).toBe("2.6");
    expect(calls.filter((call) => call === "write")).toHaveLength(2);
  });

  it("never covers a newer outcome that came between reading and writing", async () => {
    let interrupted = false;
    const { s3, objects } = conditionalBucket(async () => {
      if (interrupted) return;
      interrupted = true;
      await folder.put(outcome(3, 1));
    });
    const folder = createS3OutcomeFolder({ s3, bucket: "drops" });
    expect(await folder.put(outcome(2, 9))).toBe("superseded");
    expect(objects.get(KEY)?.metadata["version"]).toBe("3.1");
  });

  it("ends with the newest of many writers", async () => {
    const { s3, objects } = conditionalBucket();
    const folder = createS3OutcomeFolder({ s3, bucket: "drops" });
    await Promise.all([4, 2, 9, 1, 7].map((version) => folder.put(outcome(1, version))));
    expect(objects.get(KEY)?.metadata["version"]).toBe("1.9");
  });

  it("replaces a file that somebody else put there", async () => {
    const { s3, objects } = conditionalBucket();
    objects.set(KEY, { body: "mine", etag: '"1"', metadata: {} });
    expect(await createS3OutcomeFolder({ s3, bucket: "drops" }).put(outcome(1, 1))).toBe("written");
  });

  it.each([
    [503, "dependency-unavailable"],
    [403, "configuration"],
  ])("answers a %i of the bucket by a fault", async (status, code) => {
    const s3 = { send: async () => Promise.reject(refusal("Refused", status)) };
    await expect(createS3OutcomeFolder({ s3, bucket: "drops" }).put(outcome(1, 1))).rejects.toMatchObject({
      code,
    });
  });
});
