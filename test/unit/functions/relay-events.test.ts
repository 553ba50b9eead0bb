import { describe, expect, it, vi } from "vitest";
import { createHandler } from "#functions/relay-events/handler.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { ChangedDrop, RelayOutcome } from "#shared/usecases/relay-outcome.ts";

const dropImage = (base: string, version = 2) => ({
  pk: { S: `DROP#default/${base}` },
  sk: { S: "DROP" },
  entity: { S: "drop" },
  project: { S: "default" },
  base: { S: base },
  version: { N: `${version}` },
});
const taskImage = (base?: string) => ({
  pk: { S: "TASK#01JZ" },
  sk: { S: "TASK" },
  entity: { S: "task" },
  id: { S: "01JZ" },
  version: { N: "5" },
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
      { project: "default", base: "a", version: 2 },
      { projectId: "project-1", base: "b", taskId: "01JZ", version: 5 },
    ]);
  });

  it("writes once for several changes of a batch, by the newest", async () => {
    const { deliver, seen, logger } = setUp();
    await deliver(dropImage("a", 2), dropImage("a", 3), dropImage("b", 7), dropImage("a", 4));
    expect(seen).toEqual([
      { project: "default", base: "a", version: 4 },
      { project: "default", base: "b", version: 7 },
    ]);
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
