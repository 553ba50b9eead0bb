import { describe, expect, it, vi } from "vitest";
import type { Project } from "#shared/domain/account.ts";
import type { Claim } from "#shared/domain/claim.ts";
import { type AccountId, asAccountId, asOwnerId, asProjectId, asRecurrenceId } from "#shared/domain/ids.ts";
import { cancel } from "#shared/domain/moves.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import { DEFAULT_LATE_POLICY } from "#shared/domain/task.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { type CheckedPost, createPlacePost } from "#shared/usecases/place-post.ts";
import { createPlanSlot } from "#shared/usecases/plan-slot.ts";
import { aMedium, freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryFingerprints } from "#test/support/in-memory-fingerprints.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const ownerId = asOwnerId("anne");
const [main, second] = [asAccountId("anne.main"), asAccountId("anne.second")];
const NOW = new Date("2026-12-01T08:00:00Z");
const HOUR_MS = 3_600_000;
const MONTH_MS = 30 * 24 * HOUR_MS;

const aProject = (policy: Policy = {}): Project => ({
  id: asProjectId("project-1"),
  ownerId,
  name: "default",
  timeZone: "UTC",
  accountIds: [main, second],
  defaultAccountId: main,
  policy,
});

const post = (over: Partial<CheckedPost> = {}): CheckedPost => ({
  project: aProject(),
  accountId: main,
  isAny: false,
  parts: [{ text: "Kites over the harbour today" }],
  media: [],
  strategy: "immediate",
  time: { publishAt: NOW, slotAt: NOW },
  priority: 5,
  language: "en",
  latePolicy: DEFAULT_LATE_POLICY,
  maxRetries: 3,
  reuseMedia: false,
  source: { kind: "api" },
  ...over,
});

function setUp(wrap: (tasks: TaskStore) => TaskStore = (tasks) => tasks) {
  const clock = manualClock(NOW);
  const store = createInMemoryStore(clock);
  const tasks = wrap(store.tasks);
  const accounts = createInMemoryAccounts();
  const arrange = vi.fn(async () => ({
    publish: { by: "queue" as const, delayMs: 0 },
    firstAt: clock.now(),
  }));
  const report = vi.fn();
  const placePost = createPlacePost({
    tasks,
    planSlot: createPlanSlot({ tasks, accounts, clock }),
    fingerprints: createInMemoryFingerprints(clock),
    arrange,
    clock,
    entropy: { newId: freshTaskId, random: () => 0.5 },
    report,
  });
  const place = async (over: Partial<CheckedPost> = {}) => {
    const placed = await placePost(post(over));
    if (!placed.ok) throw new Error(placed.error.reason);
    return placed.value;
  };
  return { ...store, accounts, clock, placePost, place, arrange, report };
}

const repeats = { window: { duplicates: { windowMs: MONTH_MS, threshold: 0.6, near: "warns" as const } } };

describe("placePost", () => {
  it("keeps a slot that was given, and writes on no board", async () => {
    const { place, tasks, arrange } = setUp();
    const { task, plan } = await place();
    expect(plan).toBeUndefined();
    expect(await tasks.get(task.id)).toMatchObject({ slotAt: NOW, status: "pending", accountId: main });
    expect(task).not.toHaveProperty("strategy");
    expect(await tasks.getBoard(main)).toMatchObject({ version: 0 });
    expect(arrange).toHaveBeenCalledWith(task, []);
  });

  it("chooses a free slot, says why in the log, and notes it on the account's board", async () => {
    const { place, tasks } = setUp();
    const { task, plan } = await place({ strategy: "optimal" });
    expect(task).toMatchObject({ strategy: "optimal", slotAt: plan?.at, publishAt: NOW });
    expect(task.slotAt.getUTCHours()).toBe(9);
    expect(await tasks.getLog(task.id)).toMatchObject([
      { step: "accept", code: "slot-chosen", message: expect.stringMatching(/^9:\d\d on Tuesday/) },
    ]);
    expect((await tasks.getBoard(main)).noted).toMatchObject([
      { taskId: task.id, at: task.slotAt, parts: 1 },
    ]);
  });

  it("gives posts that are planned at the same time slots of their own, although lists show none of them", async () => {
    const { placePost } = setUp((tasks) => ({ ...tasks, list: async () => ({ items: [] }) }));
    const policy = { minIntervalMs: HOUR_MS };
    const placed = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        placePost(
          post({
            project: aProject(policy),
            strategy: "next-free",
            parts: [{ text: `Kite number ${index}` }],
          }),
        ),
      ),
    );
    const slots = placed
      .flatMap((one) => (one.ok ? [one.value.task.slotAt.getTime()] : []))
      .toSorted((a, b) => a - b);
    expect(slots).toHaveLength(8);
    for (const [index, slot] of slots.entries())
      if (index > 0) expect(slot - (slots[index - 1] ?? 0)).toBeGreaterThanOrEqual(HOUR_MS);
  });

  it("lets the posts of one worker stand in line, and those of others overtake it", async () => {
    let creates = 0;
    let isRaced = true;
    const { placePost } = setUp((tasks) => ({
      ...tasks,
      async create(task, content, together) {
        creates++;
        if (isRaced) {
          isRaced = false;
          return { ok: false, error: { reason: "board-stale" } };
        }
        return tasks.create(task, content, together);
      },
    }));
    const project = aProject({ minIntervalMs: HOUR_MS });
    const placed = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        placePost(post({ project, strategy: "optimal", parts: [{ text: `Kite number ${index}` }] })),
      ),
    );
    expect(placed.every(({ ok }) => ok)).toBe(true);
    expect(creates).toBe(13);
  });

  it("gives up for now when others are faster every time", async () => {
    const { placePost, snapshot } = setUp((tasks) => ({
      ...tasks,
      create: async () => ({ ok: false, error: { reason: "board-stale" } }),
    }));
    await expect(placePost(post({ strategy: "optimal" }))).rejects.toThrow(/faster every time/);
    expect(snapshot()["tasks"]).toEqual({});
  });

  it("chooses the account of a pool together with the slot", async () => {
    const { place } = setUp();
    const project = aProject({ minIntervalMs: 12 * HOUR_MS });
    const wanted = { project, strategy: "next-free", isAny: true } as const;
    const first = await place({ ...wanted, parts: [{ text: "One kite" }] });
    const other = await place({ ...wanted, parts: [{ text: "Two kites" }] });
    expect(new Set([first.task.accountId, other.task.accountId])).toEqual(new Set([main, second]));
    expect(first.task.pool).toBe("chosen");
    expect((await place({ isAny: true, parts: [{ text: "Three" }] })).task.pool).toBe("open");
  });

  it("leaves out the accounts of a pool that do not post, unless none does", async () => {
    const { place, accounts } = setUp();
    const save = (id: AccountId, status: "active" | "paused", version: number) =>
      accounts.saveAccount({ id, ownerId, name: id, maxTextLength: 280, status, version });
    await save(main, "paused", 1);
    await save(second, "active", 1);
    const wanted = { strategy: "next-free", isAny: true } as const;
    for (const text of ["One", "Two", "Three"])
      expect((await place({ ...wanted, parts: [{ text }] })).task.accountId).toBe(second);
    await save(second, "paused", 2);
    expect((await place({ ...wanted, parts: [{ text: "Four" }] })).task.pool).toBe("chosen");
  });

  it("compares some accounts of a large pool, and others for the next post", async () => {
    const { place } = setUp();
    const accountIds = Array.from({ length: 60 }, (_, index) => asAccountId(`anne.${index}`));
    const project = { ...aProject({ minIntervalMs: HOUR_MS }), accountIds };
    const used = new Set<string>();
    for (let index = 0; index < 30; index++) {
      const { task } = await place({
        project,
        strategy: "next-free",
        isAny: true,
        parts: [{ text: `Kite ${index}` }],
      });
      used.add(task.accountId);
    }
    expect(used.size).toBeGreaterThan(20);
  });

  it("says what is in the way when no slot is free, and stores nothing", async () => {
    const { placePost, snapshot } = setUp();
    const until = new Date(NOW.getTime() + HOUR_MS);
    const project = aProject({ blackout: { fromHour: 7, toHour: 12 } });
    expect(await placePost(post({ project, strategy: "next-free", until }))).toMatchObject({
      ok: false,
      error: { reason: "no-free-slot", why: { code: "no-free-slot" } },
    });
    expect(snapshot()["tasks"]).toEqual({});
  });

  describe("the same text", () => {
    const project = aProject(repeats.window);

    it("is refused for the account, and names who says it", async () => {
      const { place, placePost, snapshot } = setUp();
      const { task } = await place({ project });
      const again = await placePost(post({ project, parts: [{ text: "kites  over the HARBOUR, today!" }] }));
      expect(again).toMatchObject({
        ok: false,
        error: { reason: "repeats", by: task.id, why: { code: "duplicate-content" } },
      });
      expect(Object.keys(snapshot()["tasks"] as object)).toEqual([task.id]);
      expect((await placePost(post({ project, accountId: second }))).ok).toBe(true);
    });

    it("is taken when the first one was cancelled, or says something else by now", async () => {
      const { place, placePost, tasks, clock } = setUp();
      const first = await place({ project });
      await tasks.save(cancel(first.task, clock.now()));
      const heir = await place({ project });
      const revised = await placePost(post({ project, parts: [{ text: "Rain" }] }), { revises: heir.task });
      expect(revised.ok).toBe(true);
      expect((await placePost(post({ project }))).ok).toBe(true);
      expect((await placePost(post({ project, parts: [{ text: "Rain" }] }))).ok).toBe(false);
    });

    it("is kept by what was cancelled in doubt: it may be out", async () => {
      const { place, placePost, tasks, clock } = setUp();
      const { task } = await place({ project });
      const reason = { code: "cancelled-in-doubt", message: "Perhaps.", remedy: "Look." };
      await tasks.save({ ...cancel(task, clock.now()), reason });
      expect(await placePost(post({ project }))).toMatchObject({ error: { by: task.id } });
    });

    it("is taken once the window is over, or if the project compares nothing", async () => {
      const { place, placePost, clock } = setUp();
      await place({ project });
      expect((await placePost(post())).ok).toBe(true);
      clock.advance(MONTH_MS + 1);
      expect((await placePost(post({ project }))).ok).toBe(true);
    });

    it("is what a recurrence lives on", async () => {
      const { placePost } = setUp();
      const source = {
        kind: "recurrence",
        recurrenceId: asRecurrenceId("weekly"),
        occurrenceAt: NOW,
      } as const;
      for (let week = 0; week < 2; week++) expect((await placePost(post({ project, source }))).ok).toBe(true);
    });
  });

  describe("nearly the same text", () => {
    const first = [
      { text: "The big kite festival opens on Saturday at ten with music and food at the pier" },
    ];
    const like = [
      { text: "The big kite festival opens on Saturday at ten with music and drinks at the pier" },
    ];

    it("is told, and goes out", async () => {
      const { place, tasks } = setUp();
      const project = aProject(repeats.window);
      const { task } = await place({ project, parts: first });
      const second = await place({ project, parts: like });
      expect(second.task.reason).toMatchObject({
        code: "near-duplicate",
        message: expect.stringContaining(task.id),
      });
      expect(await tasks.getLog(second.task.id)).toMatchObject([{ code: "near-duplicate" }]);
    });

    it("is refused where the project wants it so, unless the other one was never sent", async () => {
      const { place, placePost, tasks, clock } = setUp();
      const blocks = { duplicates: { ...repeats.window.duplicates, near: "blocks" as const } };
      const project = aProject(blocks);
      const { task } = await place({ project, parts: first });
      expect(await placePost(post({ project, parts: like }))).toMatchObject({
        error: { reason: "repeats", by: task.id, why: { code: "near-duplicate" } },
      });
      await tasks.save(cancel(task, clock.now()));
      expect((await placePost(post({ project, parts: like }))).ok).toBe(true);
    });
  });

  describe("the same medium", () => {
    const project = aProject({ uniqueMedia: true });
    const media = [aMedium()];

    it("may be in one post twice", async () => {
      const claimed: (readonly Claim[] | undefined)[] = [];
      const { placePost } = setUp((tasks) => ({
        ...tasks,
        async create(task, content, together) {
          claimed.push(together?.claims);
          return tasks.create(task, content, together);
        },
      }));
      expect((await placePost(post({ project, media: [aMedium(), aMedium({ name: "b.jpg" })] }))).ok).toBe(
        true,
      );
      // DynamoDB refuses a transaction that writes an item twice.
      expect(claimed).toMatchObject([[{ key: expect.stringMatching(/^media#/) }]]);
    });

    it("is refused in the project, on any account, unless the owner wants it", async () => {
      const { place, placePost } = setUp();
      const { task } = await place({ project, media });
      const again = { project, media, accountId: second, parts: [{ text: "Other words" }] };
      expect(await placePost(post(again))).toMatchObject({
        error: { reason: "repeats", by: task.id, why: { code: "media-used" } },
      });
      expect((await placePost(post({ ...again, reuseMedia: true }))).ok).toBe(true);
      expect((await placePost(post({ ...again, project: aProject() }))).ok).toBe(true);
    });
  });

  it("tells its caller when the task that it revises was changed meanwhile", async () => {
    const { place, placePost, tasks, clock } = setUp();
    const { task } = await place();
    await tasks.save(cancel(task, clock.now()));
    expect(await placePost(post(), { revises: task })).toEqual({ ok: false, error: { reason: "stale" } });
  });

  it("leaves to the sweeper what cannot be arranged", async () => {
    const { place, arrange, report, tasks } = setUp();
    arrange.mockRejectedValueOnce(new Error("throttled"));
    const { task } = await place();
    expect(report).toHaveBeenCalledWith(expect.objectContaining({ message: "throttled" }), task.id);
    expect((await tasks.get(task.id))?.wakeAt).toBeDefined();
  });
});
