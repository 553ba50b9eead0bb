import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { printOf } from "#shared/domain/duplicates/fingerprint.ts";
import { newGate } from "#shared/domain/gate.ts";
import { asAccountId, asOwnerId, asProjectId, asTaskId } from "#shared/domain/ids.ts";
import { PRESETS } from "#shared/domain/planning/presets.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import { STRATEGIES, type Strategy } from "#shared/domain/planning/strategy.ts";
import { DEFAULT_LATE_POLICY, type Task } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { FingerprintStore } from "#shared/ports/fingerprint-store.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { type CreateTask, createCreateTask, type NewTask } from "#shared/usecases/create-task.ts";
import { createTogether } from "#shared/usecases/create-tasks.ts";
import { createPlacePost } from "#shared/usecases/place-post.ts";
import { createPlanSlot } from "#shared/usecases/plan-slot.ts";
import { createSimulateCalendar } from "#shared/usecases/simulate-calendar.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryBatches } from "#test/support/in-memory-batches.ts";
import { createInMemoryCounters } from "#test/support/in-memory-counters.ts";
import { createInMemoryFingerprints } from "#test/support/in-memory-fingerprints.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const ANNE = asOwnerId("anne");
const PROJECT = asProjectId("project-1");
const MAIN = asAccountId("anne.main");
const SECOND = asAccountId("anne.second");
const NOW = new Date("2026-12-01T01:00:00.000Z");
const MINUTE_MS = 60_000;
const inMinutes = (minutes: number): Date => new Date(NOW.getTime() + minutes * MINUTE_MS);

const aPost = (over: Partial<NewTask> = {}): NewTask => ({
  ownerId: ANNE,
  project: "default",
  texts: ["hello"],
  publishAt: "now",
  priority: 5,
  language: "en",
  latePolicy: DEFAULT_LATE_POLICY,
  maxRetries: 3,
  ...over,
});

/** Every function that a port has besides these throws. */
function onlyReads<Port extends object>(port: Port, reads: readonly (keyof Port)[]): Port {
  const guarded = Object.entries(port).map(([name, run]) => [
    name,
    reads.includes(name as keyof Port)
      ? run
      : () => {
          throw new Error(`a dry run called ${name}`);
        },
  ]);
  return Object.fromEntries(guarded) as Port;
}

async function setUp(policy: Policy = {}) {
  const clock = manualClock(NOW);
  const store = createInMemoryStore(clock);
  const accounts = createInMemoryAccounts();
  for (const id of [MAIN, SECOND])
    await accounts.saveAccount({
      id,
      ownerId: ANNE,
      name: id.slice("anne.".length),
      maxTextLength: 280,
      status: "active",
      version: 1,
    });
  await accounts.addProject({
    id: PROJECT,
    ownerId: ANNE,
    name: "default",
    timeZone: "Europe/Berlin",
    accountIds: [MAIN, SECOND],
    defaultAccountId: MAIN,
    policy,
  });
  const fingerprints = createInMemoryFingerprints(clock);
  const counters = createInMemoryCounters();
  const batches = createInMemoryBatches();
  const simulate = createSimulateCalendar({
    tasks: onlyReads<TaskStore>(store.tasks, [
      "get",
      "getContent",
      "getGate",
      "getBoard",
      "getClaim",
      "list",
      "listAvailable",
    ]),
    accounts: onlyReads<AccountStore>(accounts, ["getAccount", "getProjectByFolder", "listProjects"]),
    fingerprints: onlyReads<FingerprintStore>(fingerprints, ["findNear"]),
    counters: onlyReads(counters, ["read"]),
    clock,
  });

  /** As production does it, but that the ids are known: they decide the minute of a planned hour. */
  const create = (posts: readonly NewTask[], idOf: (post: NewTask) => string) => {
    const planSlot = createPlanSlot({ tasks: store.tasks, accounts, clock });
    const createTask: CreateTask = (post) => {
      const placePost = createPlacePost({
        tasks: store.tasks,
        planSlot,
        fingerprints,
        arrange: async () => ({ publish: { by: "queue", delayMs: 0 }, firstAt: clock.now() }),
        clock,
        entropy: { newId: () => idOf(post), random: () => 0 },
        report: vi.fn(),
      });
      return createCreateTask({ accounts, batches, placePost, clock })(post);
    };
    return createTogether(createTask, posts);
  };

  return {
    ...store,
    accounts,
    fingerprints,
    counters,
    create,
    async put(over: Partial<Task> = {}) {
      const task = aTask({ ownerId: ANNE, projectId: PROJECT, accountId: MAIN, ...over });
      await store.tasks.create(task, aContent(task));
      return task;
    },
    async run(posts: readonly NewTask[], over: { readonly account?: string; readonly days?: number } = {}) {
      const drafts = posts.map((post, index) => ({ id: `drafts/${index}`, post }));
      const simulated = await simulate({ ownerId: ANNE, project: "default", days: 7, drafts, ...over });
      if (!simulated.ok) throw new Error(simulated.error.reason);
      return simulated.value;
    },
    simulate,
  };
}

describe("simulateCalendar", () => {
  it("tells what becomes of drafts and tasks together, and writes nothing", async () => {
    const { run, put, snapshot } = await setUp({ minIntervalMs: 30 * MINUTE_MS });
    const stored = await put({ slotAt: inMinutes(70) });
    const before = structuredClone(snapshot());
    const { drafts, report } = await run([
      aPost({ publishAt: "2026-12-01T02:00:00Z" }),
      aPost({
        texts: ["planned"],
        strategy: "next-free",
        publishAt: "2026-12-01T02:00:00Z",
        batch: "spring",
      }),
    ]);
    expect(snapshot()).toEqual(before);
    expect(drafts).toMatchObject([
      {
        ok: true,
        value: { post: { outcome: "warns", at: inMinutes(60), conflicts: [{ code: "account-busy" }] } },
      },
      // Its slot was free beside the stored one, which has to wait for the first.
      {
        ok: true,
        value: {
          plan: { at: new Date("2026-12-01T02:40:05.000Z") },
          post: { outcome: "moves", at: inMinutes(120), reasons: [{ code: "too-close" }] },
        },
      },
    ]);
    expect(report.posts.find(({ id }) => id === stored.id)).toMatchObject({
      outcome: "moves",
      at: inMinutes(90),
      conflicts: [{ code: "account-busy", with: [{ id: "drafts/0" }] }],
    });
  });

  it("refuses what would be refused, with every part that is too long", async () => {
    const { run } = await setUp({ duplicates: { windowMs: 86_400_000, threshold: 0.6, near: "warns" } });
    const { drafts } = await run([
      aPost({ texts: ["a".repeat(281), "fine", "漢".repeat(150)] }),
      aPost({ publishAt: "2026-13-01 09:00" }),
      aPost({ texts: ["same"] }),
      aPost({ texts: ["Same!"] }),
      aPost({ account: "nobody" }),
    ]);
    expect(drafts).toMatchObject([
      {
        ok: false,
        error: {
          refusal: { reason: "bad-text", code: "text-too-long", part: 0 },
          excesses: [
            { part: 0, excess: 1 },
            { part: 2, excess: 20 },
          ],
        },
      },
      { ok: false, error: { refusal: { reason: "bad-time" }, excesses: [] } },
      { ok: true },
      {
        ok: false,
        error: { refusal: { reason: "repeats", by: "drafts/2", why: { code: "duplicate-content" } } },
      },
      { ok: false, error: { refusal: { reason: "unknown-account", name: "nobody" } } },
    ]);
  });

  it("finds what stored posts nearly say", async () => {
    const { run, put, fingerprints } = await setUp({
      duplicates: { windowMs: 86_400_000, threshold: 0.6, near: "warns" },
    });
    const stored = await put({ slotAt: inMinutes(300) });
    const text = "The ferry to the island leaves at nine from the old harbour, every day but Sunday.";
    const print = printOf(stored, { parts: [{ text }] });
    if (print) await fingerprints.put(print, new Date("2027-01-01T00:00:00Z"));
    const { drafts } = await run([aPost({ texts: [text.replace("Sunday", "Monday")] })]);
    expect(drafts).toMatchObject([
      {
        ok: true,
        value: {
          post: { outcome: "warns", conflicts: [{ code: "near-duplicate", with: [{ id: stored.id }] }] },
        },
      },
    ]);
  });

  it("refuses a draft that nearly says what one before it says, where the project wants that", async () => {
    const { run } = await setUp({ duplicates: { windowMs: 86_400_000, threshold: 0.6, near: "blocks" } });
    const text = "The ferry to the island leaves at nine from the old harbour, every day but Sunday.";
    const { drafts } = await run([
      aPost({ texts: [text] }),
      aPost({ texts: [text.replace("Sunday", "Monday")] }),
    ]);
    expect(drafts).toMatchObject([
      { ok: true },
      {
        ok: false,
        error: { refusal: { reason: "repeats", by: "drafts/0", why: { code: "near-duplicate" } } },
      },
    ]);
  });

  it("names the link that makes a part dear, and the post that is beyond the budget", async () => {
    const { run, counters } = await setUp({ monthlyBudgetMicros: 430_000 });
    const month = "2026-12";
    await counters.take({ kind: "project-spend", ownerId: ANNE, projectId: PROJECT, month }, 200_000, 1e9);
    const { drafts, report } = await run([
      aPost({ texts: ["see example.com/a", "no link"], publishAt: "2026-12-01T02:00:00Z" }),
      aPost({ texts: ["one more"], publishAt: "2026-12-01T03:00:00Z" }),
      aPost({ texts: ["too much"], publishAt: "2026-12-01T04:00:00Z" }),
    ]);
    expect(drafts[0]).toMatchObject({
      value: {
        price: { micros: 215_000, parts: [{ url: "example.com/a", micros: 200_000 }, { micros: 15_000 }] },
      },
    });
    expect(report).toMatchObject({
      costMicros: 230_000,
      months: [{ spentMicros: 200_000, plannedMicros: 230_000, budgetMicros: 430_000 }],
      beyondBudget: { id: "drafts/2" },
    });
  });

  it("looks at the neighbours of a draft that is far away", async () => {
    const { run, put } = await setUp({ minIntervalMs: 30 * MINUTE_MS });
    const far = new Date("2027-03-01T09:00:00Z");
    await put({ slotAt: new Date(far.getTime() - 10 * MINUTE_MS) });
    const { drafts, report } = await run([aPost({ publishAt: far.toISOString() })], { days: 1 });
    expect(drafts).toMatchObject([
      { value: { post: { outcome: "moves", reasons: [{ code: "too-close" }] } } },
    ]);
    expect(report.posts).toHaveLength(1);
  });

  it("reads accounts with many tasks to their end", async () => {
    const { run, put } = await setUp();
    for (let index = 0; index < 501; index++) await put({ slotAt: inMinutes(60 + index) });
    const { report } = await run([]);
    expect(report.posts).toHaveLength(501);
  });

  it("tells only an account when it is asked for, of the sums of the project", async () => {
    const { run, put } = await setUp();
    await put({ slotAt: inMinutes(60) });
    const other = await put({ slotAt: inMinutes(60), accountId: SECOND });
    const { report } = await run([aPost()], { account: "second" });
    expect(report.posts.map(({ id }) => id)).toEqual(["drafts/0", other.id]);
    expect(report.accounts).toMatchObject([{ id: SECOND, posts: 1 }]);
    expect(report).toMatchObject({ costMicros: 45_000, counts: { "goes-out": 3 } });
  });

  it("does not know other owners' projects and accounts", async () => {
    const { simulate } = await setUp();
    const wish = { ownerId: ANNE, project: "default", days: 7, drafts: [] };
    const bela = { ...wish, ownerId: asOwnerId("bela") };
    expect(await simulate(bela)).toEqual({
      ok: false,
      error: { reason: "unknown-project", name: "default", known: [] },
    });
    expect(await simulate({ ...wish, account: "third" })).toMatchObject({
      ok: false,
      error: { reason: "unknown-account", name: "third" },
    });
  });

  const drafts = fc.array(
    fc.record({
      strategy: fc.constantFrom<(Strategy | undefined)[]>(undefined, ...STRATEGIES),
      minutes: fc.integer({ min: 0, max: 20_000 }),
      account: fc.constantFrom(undefined, "main", "second", "any"),
      priority: fc.integer({ min: 1, max: 10 }),
      parts: fc.constantFrom(1, 1, 3),
      says: fc.constantFrom("something new", "something new", "the same", "what is stored"),
    }),
    { maxLength: 8 },
  );

  it("says what createTasks then does: the same slots, accounts and refusals", async () => {
    let [planned, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        drafts,
        fc.array(fc.integer({ min: 1, max: 5_000 }), { maxLength: 20 }),
        fc.constantFrom("steady", "conservative", "quiet", "open" as const),
        async (wanted, stored, preset) => {
          const { run, create, put, tasks } = await setUp(PRESETS[preset]);
          await create(
            [aPost({ texts: ["what is stored"], account: "main", publishAt: inMinutes(90).toISOString() })],
            () => "known",
          );
          for (const minutes of stored)
            await put({ slotAt: inMinutes(minutes), accountId: minutes % 3 === 0 ? SECOND : MAIN });
          const busy = aTask({ ownerId: ANNE, projectId: PROJECT, accountId: MAIN, slotAt: inMinutes(-30) });
          const gate = { ...newGate(MAIN), version: 1, day: { startAt: inMinutes(-300), used: 4 } };
          await tasks.create(busy, aContent(busy), { gate });

          const posts = wanted.map(({ strategy, minutes, account, priority, parts, says }, index) => {
            const isGiven = strategy === undefined || strategy === "fixed" || strategy === "immediate";
            // Given slots are taken side by side: which of two equal texts is refused then is nobody's promise.
            const isTwin = says === "the same" || (says === "what is stored" && parts > 1);
            const text = isGiven && isTwin ? `given ${index}` : says;
            const unique = says === "something new" ? `${text} ${index}` : text;
            return aPost({
              texts: parts === 1 ? [unique] : [unique, "second part", "third part"],
              publishAt: strategy === "immediate" ? "now" : inMinutes(minutes).toISOString(),
              priority,
              ...(strategy && { strategy }),
              ...(account && { account }),
            });
          });
          const foretold = await run(posts);
          const done = await create(posts, (post) => `drafts/${posts.indexOf(post)}`);
          const inShort = (answer: (typeof done)[number]) =>
            answer.ok
              ? {
                  slotAt: answer.value.task.slotAt,
                  accountId: answer.value.task.accountId,
                  plan: answer.value.plan,
                }
              : answer.error;
          expect(foretold.drafts.map((one) => (one.ok ? inShort(one) : one.error.refusal))).toEqual(
            done.map(inShort),
          );
          planned += done.filter((one) => one.ok && one.value.plan).length;
          refused += done.filter((one) => !one.ok).length;
        },
      ),
      { numRuns: 120 },
    );
    expect(planned).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(5);
  });

  it("says the same when it is asked again", async () => {
    const { run, put } = await setUp(PRESETS.steady);
    for (const minutes of [60, 300, 1_000])
      await put({ slotAt: inMinutes(minutes), id: asTaskId(`t-${minutes}`) });
    const posts = STRATEGIES.filter((one) => one !== "fixed").map((strategy, index) =>
      aPost({ texts: [`number ${index}`], strategy, account: "any" }),
    );
    expect(await run(posts)).toEqual(await run(posts));
  });
});
