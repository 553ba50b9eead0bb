import { describe, expect, it, vi } from "vitest";
import { createHandler } from "#functions/relay-events/handler.ts";
import { fromGate, fromLogEntry, fromTask } from "#shared/adapters/dynamodb/items.ts";
import { newGate, reserve } from "#shared/domain/gate.ts";
import { asAttemptId, asBatchId } from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import type { StoredChange } from "#shared/domain/measures.ts";
import type { Task } from "#shared/domain/task.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { AnnouncedChange } from "#shared/usecases/announce-change.ts";
import type { ChangedTask } from "#shared/usecases/count-batch.ts";
import type { ChangedDrop, RelayOutcome } from "#shared/usecases/relay-outcome.ts";
import { aTask } from "#test/support/builders.ts";

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

/** A value as the stream has it. */
function attribute(value: unknown): unknown {
  if (Array.isArray(value)) return { L: value.map(attribute) };
  switch (typeof value) {
    case "string":
      return { S: value };
    case "number":
      return { N: `${value}` };
    case "boolean":
      return { BOOL: value };
    default:
      return { M: image(value ?? {}) };
  }
}
const image = (item: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(item).map(([name, value]) => [name, attribute(value)]));

const WRITTEN_AT = new Date("2026-12-01T01:00:07.000Z");

interface Write {
  readonly before?: object;
  readonly after?: object;
}

const setUp = (relayOutcome: RelayOutcome = async () => "written", brokenBatch?: string) => {
  const counted: { batchId: string; changes: readonly ChangedTask[] }[] = [];
  const seen: ChangedDrop[] = [];
  const measured: StoredChange[] = [];
  const totalled: StoredChange[] = [];
  const announced: AnnouncedChange[] = [];
  const logger = { info: vi.fn(), error: vi.fn() };
  const handler = createHandler({
    logger,
    countBatch: async (batchId, changes) => {
      if (batchId === brokenBatch) throw new DependencyFault("the table is busy");
      counted.push({ batchId, changes });
      return { counted: changes.length, unchanged: 0 };
    },
    announceChange: async (change) => {
      if (brokenBatch === "webhooks") throw new DependencyFault("the queue is busy");
      return announced.push(change);
    },
    recordMeasures: (changes) => measured.push(...changes),
    countChanges: async (changes) => {
      if (brokenBatch === "uncounted") throw new DependencyFault("the table is busy");
      totalled.push(...changes);
    },
    relayOutcome: async (changed) => {
      seen.push(changed);
      return relayOutcome(changed);
    },
  });
  const deliverWrites = (...writes: readonly Write[]) =>
    handler({
      Records: writes.map(({ before, after }, index) => ({
        eventName: after ? (before ? "MODIFY" : "INSERT") : "REMOVE",
        dynamodb: {
          SequenceNumber: `${index + 1}00`,
          ApproximateCreationDateTime: WRITTEN_AT.getTime() / 1_000,
          ...(after && { NewImage: after }),
          ...(before && { OldImage: before }),
        },
      })),
    });
  const deliver = (...images: (object | undefined)[]) =>
    deliverWrites(...images.map((after) => (after ? { after } : { before: dropImage("gone") })));
  return { deliver, deliverWrites, seen, counted, measured, totalled, announced, logger };
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

  it("tells tasks of one base name apart by their folder", async () => {
    const { deliver, seen } = setUp();
    const { source, ...task } = taskImage("trip");
    const inPress = { ...task, source: { M: { ...source.M, folder: { S: "press" } } } };
    await deliver(taskImage("trip"), inPress);
    expect(seen).toEqual([
      { projectId: "project-1", base: "trip", taskId: "01JZ", version: 5 },
      { projectId: "project-1", base: "trip", folder: "press", taskId: "01JZ", version: 5 },
    ]);
  });

  it("counts the tasks of each batch together, in their order", async () => {
    const { deliver, counted } = setUp();
    const inBatch = (batch: string, version: number, status: string) => ({
      ...taskImage(),
      batchId: { S: batch },
      status: { S: status },
      version: { N: `${version}` },
    });
    await deliver(
      inBatch("b-1", 2, "ready"),
      inBatch("b-2", 1, "pending"),
      taskImage(),
      inBatch("b-1", 3, "published"),
    );
    expect(counted).toEqual([
      {
        batchId: "b-1",
        changes: [
          { taskId: "01JZ", status: "ready", version: 2 },
          { taskId: "01JZ", status: "published", version: 3 },
        ],
      },
      { batchId: "b-2", changes: [{ taskId: "01JZ", status: "pending", version: 1 }] },
    ]);
  });

  it("has every record of a batch delivered again that could not be counted, and no other", async () => {
    const { deliver } = setUp(undefined, "b-1");
    const inBatch = { ...taskImage(), batchId: { S: "b-1" }, status: { S: "ready" } };
    expect(await deliver(dropImage("a"), inBatch, taskImage("b"), inBatch)).toEqual({
      batchItemFailures: [{ itemIdentifier: "200" }, { itemIdentifier: "400" }],
    });
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
      announced: 0,
      observations: 0,
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

describe("relay-events announces", () => {
  const pending = aTask();
  const reason = { code: "slot-passed", message: "It passed.", remedy: "Nothing." };
  const held: Task = {
    ...pending,
    status: "held",
    version: 2,
    batchId: asBatchId("b-1"),
    written: true,
    strategy: "optimal",
    arrangedFor: WRITTEN_AT,
    sentAt: WRITTEN_AT,
    posted: [{ postId: "1999", sentAt: WRITTEN_AT }],
    reason,
  };
  const taskItem = (task: typeof pending) => image(fromTask(task, "write-1"));
  const accountItem = (over: object) => image({ entity: "account", ...over });
  const account = {
    id: "owner-1.main",
    ownerId: "owner-1",
    name: "main",
    status: "paused",
    reason,
    pausedUntil: WRITTEN_AT.toISOString(),
    maxTextLength: 280,
    version: 4,
  };

  it("changes of tasks and accounts, as the table's own adapters write them, with the instant of the stream", async () => {
    const { deliverWrites, announced, logger } = setUp();
    await deliverWrites(
      { after: taskItem(pending) },
      { before: taskItem(pending), after: taskItem(held) },
      { before: accountItem({ ...account, status: "active", version: 3 }), after: accountItem(account) },
      { before: taskItem(held) },
      { after: dropImage("a") },
    );
    expect(logger.error).not.toHaveBeenCalled();
    const [ofTask, ofAccount] = ["task", "account"].map((kind) =>
      announced.filter((one) => one.kind === kind),
    );
    expect(ofTask).toMatchObject([
      { after: { id: pending.id, status: "pending", version: 1, recoveries: 0 }, at: WRITTEN_AT },
      { before: { status: "pending" }, at: WRITTEN_AT },
    ]);
    expect(ofAccount).toMatchObject([
      {
        kind: "account",
        before: { status: "active", reason },
        after: { id: "owner-1.main", status: "paused", reason, pausedUntil: WRITTEN_AT, version: 4 },
        at: WRITTEN_AT,
      },
    ]);
    expect(ofTask?.[0]).not.toHaveProperty("before");
    const { version, contentRev, batchId, written, strategy, arrangedFor, sentAt, posted } = held;
    expect(ofTask?.[1]?.after).toMatchObject({
      ...{ version, contentRev, batchId, written, strategy, arrangedFor, sentAt, posted, reason },
    });
  });

  it("each again that the queue did not take, and after it all of the same task", async () => {
    const { deliverWrites, measured } = setUp(undefined, "webhooks");
    const write = { before: taskItem(pending), after: taskItem(held) };
    expect(await deliverWrites({ after: dropImage("a") }, write, write)).toEqual({
      batchItemFailures: [{ itemIdentifier: "200" }, { itemIdentifier: "300" }],
    });
    expect(measured).toEqual([]);
  });

  it("the others when an item has not its shape, and says so", async () => {
    const { deliverWrites, announced, logger } = setUp();
    const misshapen = accountItem({ ...account, name: 7 });
    expect(await deliverWrites({ after: misshapen }, { after: taskItem(pending) })).toEqual({
      batchItemFailures: [],
    });
    expect(announced).toHaveLength(1);
    expect(logger.error).toHaveBeenCalledWith("a change could not be announced", {
      id: "100",
      code: "internal",
      error: expect.objectContaining({ name: "ZodError" }),
    });
  });
});

describe("relay-events measures", () => {
  const at = new Date("2026-12-01T01:00:00.041Z");
  const posting = aTask({ status: "posting", source: { kind: "drop", base: "kite", file: "kite.md" } });
  const published = {
    ...posting,
    status: "published" as const,
    sentAt: at,
    excusedUntil: at,
    posted: [{ postId: "1999", sentAt: at }],
    version: 2,
  };
  const taskItem = (task: typeof posting) => image(fromTask(task, "write-1"));
  const entry: LogEntry = {
    at,
    attemptId: asAttemptId("attempt-1"),
    step: "publish",
    via: "scheduler",
    status: "retrying",
    class: "transient",
    code: "unavailable",
    message: "X is unavailable.",
    phases: { waitedMs: 64_000, callMs: 12.5 },
  };
  const gate = reserve(newGate(posting.accountId), {
    taskId: posting.id,
    attemptId: asAttemptId("attempt-1"),
    ownerId: posting.ownerId,
    now: at,
    units: 1,
    policy: {},
  });
  const log = { after: image(fromLogEntry(posting.id, entry)) };
  const publication = { before: taskItem(posting), after: taskItem(published) };

  it("tasks, log entries and gates, as the table's own adapter writes them", async () => {
    const { deliverWrites, measured, logger } = setUp();
    const gateItem = image(fromGate(gate, "write-1"));
    await deliverWrites(publication, log, { after: gateItem }, { before: gateItem, after: gateItem });
    expect(logger.error).not.toHaveBeenCalled();
    const { message: _, ...attempt } = entry;
    const { accountId, quarter } = gate;
    const storedGate = { accountId, quarter, reservations: [{ at }] };
    expect(measured).toEqual([
      {
        kind: "task",
        before: expect.objectContaining({ id: posting.id, status: "posting", posted: [] }),
        after: {
          id: posting.id,
          ownerId: posting.ownerId,
          projectId: posting.projectId,
          accountId: posting.accountId,
          status: "published",
          createdAt: posting.createdAt,
          slotAt: posting.slotAt,
          excusedUntil: at,
          sentAt: at,
          posted: [{ postId: "1999", sentAt: at }],
          partCount: 1,
        },
      },
      { kind: "attempt", after: { ...attempt, taskId: posting.id } },
      { kind: "gate", after: storedGate },
      { kind: "gate", before: storedGate, after: storedGate },
    ]);
  });

  it("no item that was deleted, no log entry twice, and nothing else of the table", async () => {
    const { deliverWrites, measured, logger } = setUp();
    await deliverWrites(
      { before: publication.after },
      { before: log.after },
      { before: log.after, after: log.after },
      { after: dropImage("a") },
      { after: { entity: { S: "content" } } },
    );
    expect(measured).toEqual([]);
    expect(logger.error).not.toHaveBeenCalled();
  });

  it("nothing from the first failure on: all of that is delivered again", async () => {
    const { deliverWrites, measured, totalled } = setUp(async () => {
      throw new DependencyFault("no answer");
    });
    expect(await deliverWrites(log, { after: dropImage("a") }, log, publication)).toEqual({
      batchItemFailures: [{ itemIdentifier: "200" }, { itemIdentifier: "400" }],
    });
    expect(measured.map(({ kind }) => kind)).toEqual(["attempt"]);
    expect(totalled).toEqual(measured);
  });

  it("and goes on when the counts cannot be written: what is late with outcomes is worse", async () => {
    const { deliverWrites, measured, logger } = setUp(undefined, "uncounted");
    expect(await deliverWrites(log)).toEqual({ batchItemFailures: [] });
    expect(measured).toHaveLength(1);
    expect(logger.error).toHaveBeenCalledWith(
      "what happened was not counted",
      expect.objectContaining({ error: expect.objectContaining({ code: "dependency-unavailable" }) }),
    );
  });

  it("the others when an item has not its shape, tells all outcomes, and says so", async () => {
    const { deliverWrites, seen, measured, logger } = setUp();
    const misshapen = { ...publication.after, posted: { S: "1999" } };
    expect(await deliverWrites({ after: misshapen }, log)).toEqual({ batchItemFailures: [] });
    expect(seen).toHaveLength(1);
    expect(measured.map(({ kind }) => kind)).toEqual(["attempt"]);
    expect(logger.error).toHaveBeenCalledWith("an item could not be measured", {
      id: "100",
      code: "internal",
      error: expect.objectContaining({ name: "ZodError" }),
    });
  });
});
