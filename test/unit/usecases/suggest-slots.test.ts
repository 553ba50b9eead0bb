import { describe, expect, it, vi } from "vitest";
import { asAccountId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { createPlanSlot } from "#shared/usecases/plan-slot.ts";
import { createSuggestSlots, type SlotWish } from "#shared/usecases/suggest-slots.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const ANNE = asOwnerId("anne");
const MAIN = asAccountId("anne.main");
const SECOND = asAccountId("anne.second");
const NOW = new Date("2026-12-01T01:00:00.000Z");

const aWish = (over: Partial<SlotWish> = {}): SlotWish => ({
  ownerId: ANNE,
  project: "default",
  strategy: "optimal",
  from: "now",
  parts: 1,
  priority: 5,
  ...over,
});

async function setUp() {
  const clock = manualClock(NOW);
  const { tasks, snapshot } = createInMemoryStore(clock);
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
    id: asProjectId("project-1"),
    ownerId: ANNE,
    name: "default",
    timeZone: "Asia/Shanghai",
    accountIds: [MAIN, SECOND],
    defaultAccountId: MAIN,
    policy: { minIntervalMs: 3_600_000, dailyMax: 8 },
  });
  const planSlot = vi.fn(createPlanSlot({ tasks, accounts, clock }));
  return { tasks, snapshot, planSlot, suggest: createSuggestSlots({ accounts, planSlot, clock }) };
}

describe("suggestSlots", () => {
  it("names the best free hours, best first, and keeps none of them", async () => {
    const { suggest, tasks, snapshot } = await setUp();
    // 12:00 in Shanghai.
    const taken = aTask({ accountId: MAIN, slotAt: new Date("2026-12-01T04:00:00Z") });
    await tasks.create(taken, aContent(taken));
    const before = structuredClone(snapshot());
    const suggested = await suggest(aWish());
    expect(snapshot()).toEqual(before);
    const { plan } = (suggested.ok && suggested.value) || {};
    const slots = plan ? [plan, ...plan.alternatives] : [];
    expect(slots.map(({ at }) => at.toISOString().slice(0, 13))).toEqual([
      "2026-12-01T01",
      "2026-12-01T07",
      "2026-12-01T10",
      "2026-12-01T13",
    ]);
    const scores = slots.map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(plan?.reasons[0]?.code).toBe("optimal-hour");
  });

  it("looks at the default account, the one that is named, or all of them", async () => {
    const { suggest, planSlot } = await setUp();
    for (const account of [undefined, "second", "any"]) await suggest(aWish({ account }));
    expect(planSlot.mock.calls.map(([, { accountIds }]) => accountIds)).toEqual([
      [MAIN],
      [SECOND],
      [MAIN, SECOND],
    ]);
  });

  it("begins at a time of the project's zone, and now when that is over", async () => {
    const { suggest } = await setUp();
    const next = { strategy: "next-free" } as const;
    const at = async (from: string) => {
      const suggested = await suggest(aWish({ ...next, from }));
      return suggested.ok && suggested.value.plan.at;
    };
    expect(await at("2026-12-02 09:00")).toEqual(new Date("2026-12-02T01:00:00Z"));
    expect(await at("2025-12-02 09:00")).toEqual(await at("now"));
  });

  it("says why there is no suggestion", async () => {
    const { suggest } = await setUp();
    expect(await suggest(aWish({ project: "other" }))).toMatchObject({
      error: { reason: "unknown-project" },
    });
    expect(await suggest(aWish({ ownerId: asOwnerId("bela") }))).toMatchObject({
      error: { reason: "unknown-project", known: [] },
    });
    expect(await suggest(aWish({ account: "third" }))).toMatchObject({
      error: { reason: "unknown-account" },
    });
    expect(await suggest(aWish({ from: "soon" }))).toMatchObject({ error: { code: "bad-time" } });
    expect(await suggest(aWish({ from: "2036-12-01 09:00" }))).toMatchObject({
      error: { code: "too-far-ahead" },
    });
    expect(await suggest(aWish({ parts: 9 }))).toMatchObject({ error: { why: { code: "no-free-slot" } } });
  });
});
