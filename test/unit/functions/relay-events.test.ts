import { describe, expect, it, vi } from "vitest";
import { createHandler } from "#functions/relay-events/handler.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { ChangedDrop, RelayOutcome } from "#shared/usecases/relay-outcome.ts";

const dropImage = (base: string) => ({
  pk: { S: `DROP#default/${base}` },
  sk: { S: "DROP" },
  entity: { S: "drop" },
  project: { S: "default" },
  base: { S: base },
  version: { N: "2" },
});
const taskImage = (base?: string) => ({
  pk: { S: "TASK#01JZ" },
  sk: { S: "TASK" },
  entity: { S: "task" },
  projectId: { S: "project-1" },
  source: {
    M: base ? { kind: { S: "drop" }, base: { S: base }, file: { S: `${base}.md` } } : { kind: { S: "api" } },
  },
});

const setUp = (relayOutcome: RelayOutcome = async () => "written") => {
  const seen: ChangedDrop[] = [];
  const logger = { info: vi.fn(), error: vi.fn() };
  const handler = createHandler({
    logger,
    relayOutcome: async (changed) => {
      seen.push(changed);
      return relayOutcome(changed);
    },
  });
  const deliver = (...images: (object | undefined)[]) =>
    handler({
      Records: images.map((NewImage, index) => ({
        eventName: NewImage ? "MODIFY" : "REMOVE",
        dynamodb: { SequenceNumber: `${index + 1}00`, ...(NewImage && { NewImage }) },
      })),
    });
  return { deliver, seen, logger };
};

describe("relay-events", () => {
  it("relays drops and the tasks of drops, and nothing else", async () => {
    const { deliver, seen } = setUp();
    expect(
      await deliver(dropImage("a"), taskImage("b"), taskImage(), undefined, { entity: { S: "content" } }),
    ).toEqual({ batchItemFailures: [] });
    expect(seen).toEqual([
      { project: "default", base: "a" },
      { projectId: "project-1", base: "b" },
    ]);
  });

  it("writes once for several changes of a batch", async () => {
    const { deliver, seen, logger } = setUp();
    await deliver(dropImage("a"), dropImage("a"), dropImage("b"), dropImage("a"));
    expect(seen).toHaveLength(2);
    expect(logger.info).toHaveBeenCalledWith("outcomes relayed", {
      records: 4,
      written: 2,
      superseded: 0,
      nothing: 0,
    });
  });

  it("names the first failed record of an outcome and all after it, and no other", async () => {
    const { deliver } = setUp(async (changed) => {
      if (changed.base === "b") throw new DependencyFault("no answer");
      return "written";
    });
    expect(await deliver(dropImage("a"), dropImage("b"), dropImage("a"), dropImage("b"))).toEqual({
      batchItemFailures: [{ itemIdentifier: "200" }, { itemIdentifier: "400" }],
    });
  });
});
