import { describe, expect, it, vi } from "vitest";
import { asDraftId, type Draft } from "#shared/domain/draft.ts";
import { asAccountId, asOwnerId, asProjectId, type asTaskId } from "#shared/domain/ids.ts";
import { DEFAULT_DUPLICATE_RULES } from "#shared/domain/planning/rules.ts";
import { asMediaId, inspected, newStoredMedium } from "#shared/domain/stored-media.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { createApproveDraft } from "#shared/usecases/approve-draft.ts";
import { createCreateTask } from "#shared/usecases/create-task.ts";
import { createPlacePost } from "#shared/usecases/place-post.ts";
import { createPlanSlot } from "#shared/usecases/plan-slot.ts";
import { createShowTasks } from "#shared/usecases/show-tasks.ts";
import { createPostMedia } from "#shared/usecases/take-media.ts";
import { aMedium, freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryBatches } from "#test/support/in-memory-batches.ts";
import { createInMemoryDrafts } from "#test/support/in-memory-drafts.ts";
import { createInMemoryFingerprints } from "#test/support/in-memory-fingerprints.ts";
import { createInMemoryMedia } from "#test/support/in-memory-media.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const ownerId = asOwnerId("anne");
const projectId = asProjectId("project-1");
const accountId = asAccountId("anne.main");
const WISH = { publishAt: "2026-12-02T01:00:00Z", priority: 3, maxRetries: 3, again: false };

async function setUp() {
  const clock = manualClock();
  const store = createInMemoryStore(clock);
  const accounts = createInMemoryAccounts();
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
  const entropy = { newId: () => String(freshTaskId()), random: () => 0 };
  const tasks: TaskStore = { ...store.tasks };
  const drafts = { ...createInMemoryDrafts() };
  const media = createInMemoryMedia(clock);
  const placePost = createPlacePost({
    tasks: { ...store.tasks, create: (...given) => tasks.create(...given) },
    planSlot: createPlanSlot({ tasks, accounts, clock }),
    fingerprints: createInMemoryFingerprints(clock),
    arrange: vi.fn(),
    clock,
    entropy,
    report: vi.fn(),
  });
  const createTask = createCreateTask({
    accounts,
    batches: createInMemoryBatches(),
    placePost,
    clock,
    uploads: { ...createPostMedia({ media, tasks, clock }), ...entropy },
  });
  const show = createShowTasks({ tasks, accounts });
  const deps = { drafts, tasks, accounts, createTask, show, clock, entropy };
  const draft: Draft = {
    id: asDraftId(String(freshTaskId())),
    ownerId,
    projectId,
    text: "The harbour",
    media: [],
    notes: "ask Bela",
    language: "en",
    createdAt: clock.now(),
    updatedAt: clock.now(),
    version: 1,
  };
  await drafts.save(draft);
  const approve = createApproveDraft(deps);
  return {
    ...deps,
    media,
    draft,
    approve: (over: object = {}, ...more: readonly never[] | [ReturnType<typeof asTaskId>]) =>
      approve({ ownerId, id: draft.id }, { ...WISH, ...over }, ...more),
    read: () => drafts.get(ownerId, draft.id),
    made: async () => (await tasks.list({ by: "owner", ownerId, limit: 100 })).items.map(({ id }) => id),
  };
}

describe("approveDraft", () => {
  it("makes the task that the draft and the wish say, and remembers it", async () => {
    const { approve, read } = await setUp();
    const approved = await approve();
    expect(approved).toMatchObject({
      ok: true,
      value: {
        project: "default",
        task: { priority: 3, language: "en", slotAt: new Date(WISH.publishAt), source: { kind: "api" } },
        content: { parts: [{ text: "The harbour" }] },
      },
    });
    const taskId = approved.ok && approved.value.task.id;
    expect(await read()).toMatchObject({ taskId });
    expect(await read()).not.toHaveProperty("nextTaskId");
    expect(JSON.stringify(approved)).not.toContain("ask Bela");
  });

  it("makes a thread of a thread, with its media", async () => {
    const { approve, drafts, draft, media, clock } = await setUp();
    const announced = { projectId, name: "k.jpg", type: "image/jpeg", sizeBytes: 9 } as const;
    const id = asMediaId(String(freshTaskId()));
    const stored = newStoredMedium(id, ownerId, announced, clock.now());
    await media.save(stored);
    await media.save(inspected(stored, aMedium(), clock.now()));
    const { text: _, ...rest } = draft;
    await drafts.save({ ...rest, thread: ["one", "two"], media: [{ id, altText: "a kite" }], version: 2 });
    const approved = await approve();
    expect(approved).toMatchObject({
      ok: true,
      value: {
        task: { partCount: 2, mediaCount: 1 },
        content: { media: [aMedium({ altText: "a kite" })] },
      },
    });
    const taskId = approved.ok ? approved.value.task.id : "";
    expect(Object.keys((await media.get(ownerId, id))?.uses ?? {})).toEqual([taskId]);
  });

  it("makes no second task, unless it is asked for another", async () => {
    const { approve, made, accounts } = await setUp();
    await accounts.setPolicy(projectId, { duplicates: DEFAULT_DUPLICATE_RULES });
    await approve();
    const [taskId] = await made();
    expect(await approve()).toEqual({ ok: false, error: { reason: "approved", taskId } });
    // The same text is refused by the account's rules, not by the draft. That takes nothing back.
    const again = await approve({ again: true });
    expect(again).toMatchObject({ error: { reason: "refused", why: { reason: "repeats", by: taskId } } });
    expect(await approve()).toEqual({ ok: false, error: { reason: "approved", taskId } });
    expect(await made()).toEqual([taskId]);
  });

  it("makes another one when it may", async () => {
    const { approve, made, read } = await setUp();
    await approve();
    const again = await approve({ again: true });
    expect(again).toMatchObject({ ok: true });
    expect(await made()).toHaveLength(2);
    expect((await read())?.taskId).toBe(again.ok && again.value.task.id);
  });

  it("finds the task of an approval that died before it was marked", async () => {
    const { approve, drafts, made } = await setUp();
    const save = drafts.save;
    drafts.save = async (next) => {
      if (next.taskId) throw new Error("died");
      return save(next);
    };
    await expect(approve()).rejects.toThrow("died");
    const [taskId] = await made();
    drafts.save = save;
    // It is there, so what is wished now, possible or not, changes nothing.
    const found = await approve({ account: "nobody" });
    expect(found).toMatchObject({ ok: true, value: { task: { id: taskId } } });
    expect(await made()).toEqual([taskId]);
    expect(await approve()).toMatchObject({ error: { reason: "approved", taskId } });
  });

  it("makes the task of an approval that died before it, under the same id", async () => {
    const { approve, tasks, read, made } = await setUp();
    const { create } = tasks;
    tasks.create = async () => {
      throw new Error("died");
    };
    await expect(approve()).rejects.toThrow("died");
    const noted = (await read())?.nextTaskId;
    tasks.create = create;
    expect(await approve()).toMatchObject({ ok: true, value: { task: { id: noted } } });
    expect(await made()).toEqual([noted]);
  });

  it("is not fooled by an answer of the table that was lost", async () => {
    const { approve, tasks, made } = await setUp();
    const { create } = tasks;
    tasks.create = async (...given) => {
      await create(...given);
      throw new Error("socket hang up");
    };
    const approved = await approve();
    expect(approved).toMatchObject({ ok: true });
    expect(await made()).toEqual([approved.ok && approved.value.task.id]);
  });

  it("makes one task of two approvals at once", async () => {
    const { approve, made, draft } = await setUp();
    const both = await Promise.all([approve(), approve()]);
    expect(await made()).toHaveLength(1);
    const [taskId] = await made();
    for (const one of both)
      expect(one.ok ? one.value.task.id : one.error).toEqual(
        one.ok ? taskId : { reason: "approved", taskId },
      );
    expect(draft.version).toBe(1);
  });

  it("answers a request that is repeated with its task, whatever version it named", async () => {
    const { drafts, tasks, accounts, createTask, show, clock, entropy, draft, made } = await setUp();
    const approve = createApproveDraft({ drafts, tasks, accounts, createTask, show, clock, entropy });
    const id = freshTaskId();
    const which = { ownerId, id: draft.id, ifVersion: 1 };
    const first = await approve(which, WISH, id);
    expect(first).toMatchObject({ ok: true, value: { task: { id } } });
    expect(await approve(which, WISH, id)).toMatchObject({ ok: true, value: { task: { id } } });
    expect(await made()).toEqual([id]);
    expect(await approve(which, WISH, freshTaskId())).toMatchObject({
      error: { reason: "precondition-failed" },
    });
  });

  it("refuses what no task can be made of, and the draft can be mended", async () => {
    const { approve, drafts, read, made } = await setUp();
    const draft = (await read()) as Draft;
    await drafts.save({ ...draft, text: "x".repeat(281), version: 2 });
    expect(await approve()).toMatchObject({
      error: { reason: "refused", project: "default", why: { code: "text-too-long" } },
    });
    expect(await made()).toEqual([]);
    const refused = (await read()) as Draft;
    await drafts.save({ ...refused, text: "short", version: refused.version + 1 });
    expect(await approve()).toMatchObject({ ok: true, value: { content: { parts: [{ text: "short" }] } } });
  });

  it("knows no other owner's draft, and no other version", async () => {
    const { drafts, tasks, accounts, createTask, show, clock, entropy, draft, made } = await setUp();
    const approve = createApproveDraft({ drafts, tasks, accounts, createTask, show, clock, entropy });
    const other = await approve({ ownerId: asOwnerId("bela"), id: draft.id }, WISH);
    expect(other).toEqual({ ok: false, error: { reason: "not-found" } });
    const stale = await approve({ ownerId, id: draft.id, ifVersion: 2 }, WISH);
    expect(stale).toEqual({ ok: false, error: { reason: "precondition-failed", version: 1 } });
    expect(await made()).toEqual([]);
  });
});
