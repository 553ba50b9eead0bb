import { describe, expect, it, vi } from "vitest";
import { createHandler } from "#functions/accept-drop/handler.ts";
import { asTaskId } from "#shared/domain/ids.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { AcceptDrop, IntakeMessage } from "#shared/usecases/accept-drop.ts";
import type { UploadedObject } from "#shared/usecases/accept-upload.ts";
import { manualClock } from "#test/support/clock.ts";

/** As EventBridge puts it into the queue. */
const objectCreated = (key: string) =>
  JSON.stringify({
    version: "0",
    id: "17793124-05d4-b198-2fde-7ededc63b103",
    "detail-type": "Object Created",
    source: "aws.s3",
    account: "111122223333",
    time: "2026-12-01T01:00:00Z",
    region: "eu-west-1",
    resources: ["arn:aws:s3:::drops"],
    detail: {
      version: "0",
      bucket: { name: "drops" },
      object: { key, size: 5, etag: "b1946ac92492d2347c6235b4d2611184", sequencer: "00617F08299329D189" },
      "request-id": "N4N7GDK58NMKJ12R",
      requester: "123456789012",
      reason: "PutObject",
    },
  });

const setUp = (acceptDrop: AcceptDrop = async () => ({ kind: "settling" })) => {
  const seen: IntakeMessage[] = [];
  const uploads: UploadedObject[] = [];
  const deadlines: Date[] = [];
  const logger = { info: vi.fn(), error: vi.fn() };
  const handler = createHandler({
    clock: manualClock("2026-12-01T01:00:00Z"),
    logger,
    acceptUpload: async (object) => {
      uploads.push(object);
      return { kind: "ready" };
    },
    acceptDrop: async (message, deadline) => {
      seen.push(message);
      deadlines.push(deadline);
      return acceptDrop(message, deadline);
    },
  });
  const deliver = (...bodies: string[]) =>
    handler(
      { Records: bodies.map((body, index) => ({ messageId: `m${index + 1}`, body })) },
      { getRemainingTimeInMillis: () => 120_000 },
    );
  return { deliver, seen, uploads, deadlines, logger };
};

describe("accept-drop", () => {
  it("takes created objects by their key as it is, and its own messages", async () => {
    const { deliver, seen, deadlines } = setUp();
    const settle = { kind: "settle", project: "default", base: "a" };
    const scan = { kind: "scan", project: "default" };
    expect(
      await deliver(objectCreated("drop/default/a b%20+中.md"), JSON.stringify(settle), JSON.stringify(scan)),
    ).toEqual({ batchItemFailures: [] });
    expect(seen).toEqual([{ kind: "file", key: "drop/default/a b%20+中.md" }, settle, scan]);
    expect(deadlines[0]).toEqual(new Date("2026-12-01T01:01:40Z"));
  });

  it.each([
    "no JSON",
    "{}",
    '{ "kind": "settle" }',
    '{ "detail-type": "Object Deleted", "detail": {} }',
    "null",
  ])("leaves %j to the dead letters, and handles the others", async (body) => {
    const { deliver, seen, logger } = setUp();
    expect(await deliver(body, objectCreated("drop/default/a.md"))).toEqual({
      batchItemFailures: [{ itemIdentifier: "m1" }],
    });
    expect(seen).toHaveLength(1);
    expect(logger.error).toHaveBeenCalledWith(
      "a record failed",
      expect.objectContaining({ id: "m1", code: "malformed-message", retry: "never" }),
    );
  });

  it("takes uploads of the API for themselves, pinned to the version that the event is about", async () => {
    const { deliver, seen, uploads, logger } = setUp();
    const key = "media/anne/01KBBBBBBBBBBBBBBBBBBBBBBB";
    expect(await deliver(objectCreated(key))).toEqual({ batchItemFailures: [] });
    expect(seen).toEqual([]);
    expect(uploads).toEqual([
      { kind: "upload", key, etag: '"b1946ac92492d2347c6235b4d2611184"', sizeBytes: 5 },
    ]);
    expect(logger.info.mock.calls).toEqual([
      ["upload looked at", { messageId: "m1", key, report: { kind: "ready" } }],
    ]);
  });

  it("fails only the messages that failed", async () => {
    const { deliver } = setUp(async (message) => {
      if (message.kind === "file" && message.key.includes("b.md")) throw new DependencyFault("no answer");
      return { kind: "accepted", taskId: asTaskId("t"), slotAt: new Date(0) };
    });
    const keys = ["a", "b", "c"].map((base) => objectCreated(`drop/default/${base}.md`));
    expect(await deliver(...keys)).toEqual({ batchItemFailures: [{ itemIdentifier: "m2" }] });
  });

  it("handles the files of one post one after the other", async () => {
    let running = 0;
    let most = 0;
    const { deliver, seen } = setUp(async () => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      return { kind: "settling" };
    });
    await deliver(...["a.md", "a.jpg", "a.1.jpg"].map((file) => objectCreated(`drop/default/${file}`)));
    expect(seen).toHaveLength(3);
    expect(most).toBe(1);
  });

  it("logs what was decided, but nothing that was written", async () => {
    const { deliver, logger } = setUp();
    await deliver(objectCreated("drop/default/a.md"));
    expect(logger.info.mock.calls).toEqual([
      [
        "drop looked at",
        {
          messageId: "m1",
          intake: { kind: "file", key: "drop/default/a.md" },
          report: { kind: "settling" },
        },
      ],
    ]);
  });
});
