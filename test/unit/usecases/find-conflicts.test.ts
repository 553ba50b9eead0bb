import { describe, expect, it } from "vitest";
import { accountIdFor, type Project } from "#shared/domain/account.ts";
import { mediaClaimKey } from "#shared/domain/claim.ts";
import { printOf } from "#shared/domain/duplicates/fingerprint.ts";
import { asOwnerId, asProjectId, asRecurrenceId } from "#shared/domain/ids.ts";
import { newBoard, noteSlot } from "#shared/domain/planning/board.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import type { Content, Task } from "#shared/domain/task.ts";
import {
  type CheckedDraft,
  createFindConflicts,
  createReadConflicts,
} from "#shared/usecases/find-conflicts.ts";
import { aContent, aMedium, aTask, freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryCounters } from "#test/support/in-memory-counters.ts";
import { createInMemoryFingerprints } from "#test/support/in-memory-fingerprints.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const ANNE = asOwnerId("anne");
const MAIN = accountIdFor(ANNE, "main");
const PROJECT = asProjectId("anne-project");
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const START = new Date("2026-12-01T08:00:00Z");
const SLOT = new Date("2026-12-02T12:00:00Z");
const later = (ms: number, from = SLOT): Date => new Date(from.getTime() + ms);
const TEXT = "The harbour opens at nine this morning. Come early if you want to see the boats go out.";
const NEARLY = "The harbour opens at nine this morning. Come early if you want to watch the boats leave.";
const COMPARED: Policy = {
  duplicates: { windowMs: 30 * DAY_MS, threshold: 0.6, near: "blocks" },
  uniqueMedia: true,
};

async function setUp(policy: Policy = {}) {
  const clock = manualClock(START);
  const { tasks, snapshot } = createInMemoryStore(clock);
  const accounts = createInMemoryAccounts();
  const fingerprints = createInMemoryFingerprints(clock);
  const counters = createInMemoryCounters();
  const project: Project = {
    id: PROJECT,
    ownerId: ANNE,
    name: "default",
    timeZone: "UTC",
    accountIds: [MAIN],
    defaultAccountId: MAIN,
    policy,
  };
  await accounts.saveAccount({
    id: MAIN,
    ownerId: ANNE,
    name: "main",
    maxTextLength: 280,
    status: "active",
    version: 1,
  });
  await accounts.addProject(project);
  const deps = { tasks, accounts, fingerprints, counters, clock };
  const findConflicts = createFindConflicts(deps);
  const read = createReadConflicts({ ...deps, findConflicts });

  /** Stores a task as the other use cases do, and its print. */
  async function put(over: Partial<Task> = {}, said: Partial<Content> = {}): Promise<Task> {
    const task = aTask({ ownerId: ANNE, projectId: PROJECT, accountId: MAIN, slotAt: SLOT, ...over });
    const content = aContent(task, said);
    const claims = content.media.map(({ sha256 }) => ({ key: mediaClaimKey(PROJECT, sha256) }));
    const created = await tasks.create(task, content, { claims });
    if (!created.ok && created.error.reason !== "claimed") throw new RangeError(created.error.reason);
    if (!created.ok) await tasks.create(task, content);
    const print = printOf(task, content);
    if (print) await fingerprints.put(print, later(60 * DAY_MS));
    return task;
  }
  const aDraft = (over: Partial<CheckedDraft> = {}): CheckedDraft => ({
    id: "draft-1",
    accountId: MAIN,
    slotAt: SLOT,
    partCount: 1,
    costMicros: 15_000,
    latePolicy: { then: "hold" },
    priority: 5,
    source: { kind: "api" },
    parts: [{ text: TEXT }],
    media: [],
    reuseMedia: false,
    ...over,
  });
  const find = async (...drafts: readonly Partial<CheckedDraft>[]) => {
    const found = await findConflicts(
      project,
      drafts.map((draft, n) => aDraft({ id: `draft-${n + 1}`, ...draft })),
    );
    return found.map((conflicts) =>
      conflicts.map(({ code, severity, with: others }) => [code, severity, ...others.map(({ id }) => id)]),
    );
  };
  const said = (text: string) => ({ parts: [{ text }] });
  return {
    clock,
    tasks,
    snapshot,
    accounts,
    fingerprints,
    counters,
    project,
    put,
    find,
    findConflicts,
    aDraft,
    read,
    said,
  };
}

describe("conflicts of a draft", () => {
  it("are none where there is room, and nothing is written", async () => {
    const { find, put, said, snapshot } = await setUp({ ...COMPARED, minIntervalMs: HOUR_MS, dailyMax: 3 });
    await put(
      { slotAt: later(-2 * HOUR_MS) },
      said("Researchers have found a way to recycle old wind turbines."),
    );
    const before = snapshot();
    expect(await find({})).toEqual([[]]);
    expect(await find()).toEqual([]);
    expect(snapshot()).toEqual(before);
  });

  it("come from the account's calendar, and from what was planned a moment ago", async () => {
    const { find, put, tasks } = await setUp({ minIntervalMs: HOUR_MS });
    const listed = await put({ slotAt: later(30 * MINUTE_MS) });
    const noted = { taskId: freshTaskId(), at: later(-20 * MINUTE_MS), parts: 1, priority: 5 };
    expect(await find({})).toEqual([[["account-busy", "blocks", listed.id]]]);
    await tasks.save({ ...listed, version: 2 }, { board: noteSlot(newBoard(MAIN), noted, START) });
    expect(await find({})).toEqual([[["account-busy", "blocks", noted.taskId, listed.id]]]);
  });

  it("come with free slots of the planner, at most two weeks after it", async () => {
    const { findConflicts, put, aDraft, project } = await setUp({ minIntervalMs: HOUR_MS });
    await put({ slotAt: later(30 * MINUTE_MS) });
    const [[conflict] = []] = await findConflicts(project, [aDraft()]);
    expect(conflict?.suggestions).toMatchObject([
      { kind: "slot", accountId: MAIN },
      { kind: "slot" },
      { kind: "slot" },
    ]);
    for (const suggestion of conflict?.suggestions ?? []) {
      if (suggestion.kind !== "slot") throw new RangeError("no slot");
      expect(suggestion.at.getTime()).toBeGreaterThanOrEqual(later(90 * MINUTE_MS).getTime());
      expect(await findConflicts(project, [aDraft({ slotAt: suggestion.at })])).toEqual([[]]);
    }
    const whenClosed = { ...project, policy: { blackout: { fromHour: 0, toHour: 24 } } };
    await expect(findConflicts(whenClosed, [aDraft()])).rejects.toThrow("a blackout that never ends");
  });

  it("say who says the same, or nearly, in the window of the policy", async () => {
    const { find, put, said } = await setUp(COMPARED);
    const same = await put({ slotAt: later(-29 * DAY_MS) }, said(`${TEXT} 🎉`));
    const near = await put({ slotAt: later(29 * DAY_MS) }, said(NEARLY));
    await put({ slotAt: later(-31 * DAY_MS) }, said(TEXT));
    expect(await find({})).toEqual([
      [
        ["duplicate-content", "blocks", same.id],
        ["near-duplicate", "blocks", near.id],
      ],
    ]);
    expect(await find({ pool: "open" })).toEqual([[]]);
  });

  it("forget a post that ended without being out, moved away, or is another account's now", async () => {
    const { find, put, said, tasks } = await setUp(COMPARED);
    for (const status of ["failed", "missed", "cancelled"] as const) await put({ status }, said(TEXT));
    const published = await put({ status: "published", slotAt: later(-DAY_MS) }, said(TEXT));
    expect(await find({})).toEqual([[["duplicate-content", "blocks", published.id]]]);
    const moved = await put({ slotAt: later(DAY_MS) }, said(TEXT));
    await tasks.save({ ...moved, slotAt: later(40 * DAY_MS), version: 2 });
    const lent = await put({ slotAt: later(DAY_MS) }, said(TEXT));
    await tasks.save({ ...lent, accountId: accountIdFor(ANNE, "second"), version: 2 });
    expect(await find({})).toEqual([[["duplicate-content", "blocks", published.id]]]);
  });

  it("compare nothing without a rule", async () => {
    const { find, put, said } = await setUp();
    await put({ slotAt: later(DAY_MS) }, { ...said(TEXT), media: [aMedium()] });
    expect(await find({ media: [aMedium()] })).toEqual([[]]);
  });

  it("let a recurrence repeat itself, with a warning for the very same text", async () => {
    const { find, put, said } = await setUp(COMPARED);
    const source = (id: string) =>
      ({ kind: "recurrence", recurrenceId: asRecurrenceId(id), occurrenceAt: SLOT }) as const;
    const earlier = await put({ slotAt: later(-DAY_MS), source: source("weekly") }, said(TEXT));
    expect(await find({ source: source("weekly") })).toEqual([[["duplicate-content", "warns", earlier.id]]]);
    expect(await find({ source: source("weekly"), parts: [{ text: NEARLY }] })).toEqual([[]]);
    expect(await find({ source: source("daily") })).toEqual([[["duplicate-content", "blocks", earlier.id]]]);
  });

  it("say which task has a medium, unless it may be used again or its task ended without a post", async () => {
    const { find, put, tasks } = await setUp(COMPARED);
    const medium = aMedium();
    const holder = await put({ slotAt: later(-90 * DAY_MS), mediaCount: 1 }, { media: [medium] });
    expect(await find({ media: [medium] })).toEqual([[["media-used", "blocks", holder.id]]]);
    expect(await find({ media: [medium], reuseMedia: true })).toEqual([[]]);
    expect(await find({ media: [aMedium({ sha256: "cd".repeat(32) })] })).toEqual([[]]);
    const source = { kind: "recurrence", recurrenceId: asRecurrenceId("r"), occurrenceAt: SLOT } as const;
    expect(await find({ media: [medium], source })).toEqual([[]]);
    await tasks.save({ ...holder, status: "cancelled", version: 2 });
    expect(await find({ media: [medium] })).toEqual([[]]);
  });

  it("count what the project spent in the month of the slot", async () => {
    const { find, counters } = await setUp({ monthlyBudgetMicros: 100_000 });
    const spend = (month: string) =>
      counters.take({ kind: "project-spend", ownerId: ANNE, projectId: PROJECT, month }, 90_000, 1_000_000);
    await spend("2026-11");
    expect(await find({})).toEqual([[]]);
    await spend("2026-12");
    expect(await find({})).toEqual([[["budget", "blocks"]]]);
    expect(await find({ slotAt: new Date("2027-01-01T00:00:00Z") })).toEqual([[]]);
  });
});

describe("drafts that are looked at together", () => {
  it("give way to those before them: in time, text, media and money", async () => {
    const { find } = await setUp({ ...COMPARED, minIntervalMs: HOUR_MS, monthlyBudgetMicros: 40_000 });
    const media = [aMedium()];
    expect(
      await find(
        { media },
        { slotAt: later(30 * MINUTE_MS), parts: [{ text: NEARLY }] },
        { slotAt: later(DAY_MS), media },
      ),
    ).toEqual([
      [],
      [
        ["account-busy", "blocks", "draft-1"],
        ["near-duplicate", "blocks", "draft-1"],
      ],
      [
        ["duplicate-content", "blocks", "draft-1"],
        ["near-duplicate", "blocks", "draft-2"],
        ["media-used", "blocks", "draft-1"],
        ["budget", "blocks"],
      ],
    ]);
  });

  it("are where the list has them, not where they were stored", async () => {
    const { find, put, said } = await setUp({ ...COMPARED, minIntervalMs: HOUR_MS });
    const task = await put({}, said(TEXT));
    expect(
      await find({ id: task.id, slotAt: later(3 * HOUR_MS) }, { parts: [{ text: "Something else." }] }),
    ).toEqual([[], []]);
    expect(await find({ id: task.id })).toEqual([[]]);
    expect(
      await find({}, { id: task.id, slotAt: later(DAY_MS), parts: [{ text: "Something else." }] }),
    ).toEqual([[], []]);
  });

  it("have the media that the list gives them, not those that they were stored with", async () => {
    const { find, put } = await setUp(COMPARED);
    const media = [aMedium()];
    const { id } = await put({ mediaCount: 1, slotAt: later(DAY_MS) }, { media });
    const other = { id, slotAt: later(DAY_MS), parts: [{ text: "Something else." }] };
    expect(await find({ media }, other)).toEqual([[], []]);
    expect(await find({ media }, { ...other, media })).toEqual([[], [["media-used", "blocks", "draft-1"]]]);
  });

  it("of several accounts do not meet", async () => {
    const { find, accounts } = await setUp({ ...COMPARED, minIntervalMs: HOUR_MS });
    const second = accountIdFor(ANNE, "second");
    await accounts.saveAccount({
      id: second,
      ownerId: ANNE,
      name: "second",
      maxTextLength: 280,
      status: "active",
      version: 1,
    });
    expect(await find({}, { accountId: second })).toEqual([[], []]);
  });
});

describe("conflicts of a task", () => {
  it("are its own owner's to see", async () => {
    const { read, put } = await setUp();
    const { id } = await put();
    expect(await read(asOwnerId("bela"), id)).toEqual({ ok: false, error: { reason: "not-found" } });
    expect(await read(ANNE, freshTaskId())).toEqual({ ok: false, error: { reason: "not-found" } });
  });

  it("are those of its text, media and slot, itself left out", async () => {
    const { read, put, said } = await setUp({ ...COMPARED, minIntervalMs: HOUR_MS });
    const task = await put(
      { written: true },
      { original: [{ text: TEXT }], parts: [{ text: "Written for it." }] },
    );
    expect(await read(ANNE, task.id)).toMatchObject({ ok: true, value: { task, conflicts: [] } });
    const other = await put({ slotAt: later(MINUTE_MS) }, said(TEXT));
    expect(await read(ANNE, task.id)).toMatchObject({
      value: {
        conflicts: [
          { code: "account-busy", with: [{ id: other.id }] },
          { code: "duplicate-content", with: [{ id: other.id }] },
        ],
      },
    });
  });

  it("ask about used media only before it was accepted", async () => {
    const { read, put } = await setUp(COMPARED);
    const media = [aMedium()];
    await put({ slotAt: later(-DAY_MS), mediaCount: 1 }, { media });
    const accepted = await put({ mediaCount: 1 }, { media });
    const draft = await put({ mediaCount: 1, status: "draft", slotAt: later(DAY_MS) }, { media });
    expect(await read(ANNE, accepted.id)).toMatchObject({ value: { conflicts: [] } });
    expect(await read(ANNE, draft.id)).toMatchObject({ value: { conflicts: [{ code: "media-used" }] } });
  });

  it("are none of one that has ended, or is being posted", async () => {
    const { read, put } = await setUp({ frozen: true });
    for (const status of ["published", "failed", "missed", "cancelled", "posting", "unknown"] as const) {
      const { id } = await put({ status });
      expect(await read(ANNE, id)).toMatchObject({ ok: true, value: { conflicts: [] } });
    }
    const { id } = await put({ status: "held", slotAt: later(DAY_MS) });
    expect(await read(ANNE, id)).toMatchObject({ value: { conflicts: [{ code: "frozen" }] } });
  });

  it("are of what is left of a thread, when it is due", async () => {
    const { read, put } = await setUp({
      monthlyBudgetMicros: 30_000,
      blackout: { fromHour: 12, toHour: 13 },
    });
    const posted = [{ postId: "1", sentAt: SLOT }];
    const { id } = await put({
      partCount: 3,
      costMicros: 45_000,
      posted,
      notBeforeAt: later(HOUR_MS),
      status: "ready",
    });
    expect(await read(ANNE, id)).toMatchObject({ value: { conflicts: [] } });
  });
});
