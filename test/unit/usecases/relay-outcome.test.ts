import { describe, expect, it, vi } from "vitest";
import { outcomeViewSchema, toOutcomeView } from "#shared/contract/task-view.ts";
import type { Drop } from "#shared/domain/drop.ts";
import { asAccountId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import type { Outcome } from "#shared/domain/outcome.ts";
import type { Reason } from "#shared/domain/reason.ts";
import type { Task } from "#shared/domain/task.ts";
import { DependencyFault } from "#shared/errors.ts";
import { createRelayOutcome } from "#shared/usecases/relay-outcome.ts";
import { aContent, aMedium, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { aDrop } from "#test/support/drop-builders.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const WHY: Reason = { code: "already-posted", message: "The post is out.", remedy: "Use a new name." };
const projectId = asProjectId("project-1");

async function setUp() {
  const { tasks, drops } = createInMemoryStore(manualClock());
  const accounts = createInMemoryAccounts();
  const ownerId = asOwnerId("owner-1");
  const accountId = asAccountId("account-1");
  await accounts.saveAccount({
    id: accountId,
    ownerId,
    name: "main",
    maxTextLength: 280,
    status: "active",
    version: 1,
  });
  await accounts.addProject({
    id: projectId,
    ownerId,
    name: "default",
    timeZone: "UTC",
    accountIds: [accountId],
    defaultAccountId: accountId,
  });
  const written: Outcome[] = [];
  const relayOutcome = createRelayOutcome({
    tasks,
    drops,
    accounts,
    outcomes: {
      async put(outcome) {
        written.push(outcome);
        return "written";
      },
    },
  });
  /** The file, as it would be read. */
  const last = () => {
    const [outcome] = written.slice(-1);
    return outcome && outcomeViewSchema.parse(JSON.parse(JSON.stringify(toOutcomeView(outcome))));
  };
  const accept = async (task: Task, over: Partial<Drop> = {}) => {
    const drop = aDrop({ status: "accepted", taskId: task.id, file: "trip.md", ...over });
    const content = aContent(task, { media: [aMedium({ altText: "A red kite" })] });
    await tasks.create(task, content, { drop });
    return drop;
  };
  return { relayOutcome, written, last, accept, drops, tasks, accounts };
}

describe("relayOutcome", () => {
  it("finds the drop of a task by its folder, which need not have the project's name", async () => {
    const { relayOutcome, written, accept } = await setUp();
    const task = aTask({ source: { kind: "drop", base: "trip", file: "trip.md", folder: "press" } });
    await accept(task, { project: "press" });
    const changed = { projectId, base: "trip", taskId: task.id, version: 1 };
    expect(await relayOutcome(changed)).toBe("nothing");
    expect(await relayOutcome({ ...changed, folder: "press" })).toBe("written");
    expect(written).toMatchObject([{ drop: { project: "press", base: "trip" } }]);
  });

  it("shows the task of a drop as the API does, with its file", async () => {
    const { relayOutcome, last, accept } = await setUp();
    const sentAt = new Date("2026-12-01T01:10:00.041Z");
    const task = aTask({
      status: "published",
      partCount: 2,
      mediaCount: 1,
      sentAt,
      posted: [{ postId: "1999", sentAt }],
      source: { kind: "drop", base: "trip", file: "trip.md" },
    });
    await accept(task);

    expect(await relayOutcome({ project: "default", base: "trip", version: 1 })).toBe("written");

    expect(last()).toEqual({
      id: task.id,
      project: "default",
      account: "main",
      status: "published",
      rev: 1,
      priority: 5,
      language: "zh",
      publishAt: "2026-12-01T01:10:00Z",
      slotAt: "2026-12-01T01:10:00Z",
      slotLocal: "2026-12-01 01:10:00",
      timeZone: "UTC",
      sentAt: "2026-12-01T01:10:00.041Z",
      latenessMs: 41,
      parts: [
        { text: `part 1 of ${task.id}`, postId: "1999", link: "https://x.com/i/status/1999" },
        { text: `part 2 of ${task.id}` },
      ],
      media: [{ name: "kite.jpg", type: "image/jpeg", sizeBytes: 48_213, altText: "A red kite" }],
      file: "trip.md",
      version: "1.1",
    });
  });

  it("finds the drop of a changed task by the project's folder", async () => {
    const { relayOutcome, written, accept } = await setUp();
    const task = aTask();
    await accept(task);
    expect(await relayOutcome({ projectId, base: "trip", taskId: task.id, version: 1 })).toBe("written");
    expect(written).toMatchObject([{ drop: { project: "default" }, post: { task: { id: task.id } } }]);
  });

  it("keeps the task's reason and what happened to later files apart", async () => {
    const { relayOutcome, last, accept } = await setUp();
    const reason = { ...WHY, code: "duplicate-text" };
    await accept(aTask({ status: "failed", reason }), { reason: WHY, missing: ["b.jpg"] });
    await relayOutcome({ project: "default", base: "trip", version: 1 });
    expect(last()).toMatchObject({ reason, notice: WHY, missing: ["b.jpg"] });
  });

  it("tells why there is no task", async () => {
    const { relayOutcome, last, drops } = await setUp();
    await drops.save(aDrop({ status: "failed", file: "trip.md", reason: WHY }));
    expect(await relayOutcome({ project: "default", base: "trip", version: 1 })).toBe("written");
    expect(last()).toEqual({
      project: "default",
      status: "failed",
      file: "trip.md",
      reason: WHY,
      version: "1.0",
    });
  });

  it("says nothing before there is something to say", async () => {
    const { relayOutcome, written, drops } = await setUp();
    await drops.save(aDrop());
    expect(await relayOutcome({ project: "default", base: "trip", version: 1 })).toBe("nothing");
    expect(await relayOutcome({ project: "default", base: "other", version: 1 })).toBe("nothing");
    expect(
      await relayOutcome({
        projectId: asProjectId("no-project"),
        base: "trip",
        taskId: aTask().id,
        version: 1,
      }),
    ).toBe("nothing");
    expect(written).toEqual([]);
  });

  it("follows the drop to its newest task", async () => {
    const { relayOutcome, last, accept, drops } = await setUp();
    const [first, second] = [aTask({ status: "cancelled" }), aTask()];
    const drop = await accept(first);
    await accept(second, { base: "helper" });
    await drops.save({ ...drop, taskId: second.id, version: 2 });
    await relayOutcome({ projectId, base: "trip", taskId: first.id, version: 1 });
    expect(last()).toMatchObject({ id: second.id, version: "2.1" });
  });

  it("reads nothing for a change that it has told already", async () => {
    const { relayOutcome, written, accept, drops, tasks } = await setUp();
    const task = aTask();
    const drop = await accept(task);
    const ofDrop = { project: "default", base: "trip", version: 1 };
    const ofTask = { projectId, base: "trip", taskId: task.id, version: 1 };
    await relayOutcome(ofDrop);
    const reads = [vi.spyOn(drops, "get"), vi.spyOn(tasks, "get")];
    expect([await relayOutcome(ofDrop), await relayOutcome(ofTask)]).toEqual(["superseded", "superseded"]);
    for (const read of reads) expect(read).not.toHaveBeenCalled();

    await tasks.save({ ...task, status: "preparing", version: 2 });
    expect(await relayOutcome({ ...ofTask, version: 2 })).toBe("written");
    await drops.save({ ...drop, version: 2 });
    expect(await relayOutcome({ ...ofDrop, version: 2 })).toBe("written");
    expect(await relayOutcome({ ...ofTask, taskId: aTask().id })).toBe("written");
    expect(written.map(({ drop: told, post }) => [told.version, post?.task.version])).toEqual([
      [1, 1],
      [1, 2],
      [2, 2],
      [2, 2],
    ]);
  });

  it("tells again what could not be written", async () => {
    const { drops, tasks, accounts } = await setUp();
    await drops.save(aDrop({ status: "failed", file: "trip.md", reason: WHY }));
    const put = vi
      .fn<(outcome: Outcome) => Promise<"written">>()
      .mockRejectedValueOnce(new DependencyFault("no answer"))
      .mockResolvedValue("written");
    const relayOutcome = createRelayOutcome({ tasks, drops, accounts, outcomes: { put } });
    const changed = { project: "default", base: "trip", version: 1 };
    await expect(relayOutcome(changed)).rejects.toThrow("no answer");
    expect(await relayOutcome(changed)).toBe("written");
  });
});
