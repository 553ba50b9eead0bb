import { describe, expect, it, vi } from "vitest";
import { asProjectId } from "#shared/domain/ids.ts";
import { returnShares, sharesOf, takeShares } from "#shared/usecases/take-shares.ts";
import { aTask } from "#test/support/builders.ts";
import { createInMemoryCounters } from "#test/support/in-memory-counters.ts";

const at = new Date("2026-12-31T23:59:59.999Z");
const task = aTask({ costMicros: 230_000, partCount: 2 });
const [day, month] = sharesOf(task, at);

describe("takeShares", () => {
  it("takes one of the app's day and the part's share of the project's month, in UTC", async () => {
    const counters = createInMemoryCounters();
    expect(await takeShares(counters, task, at, {})).toBeUndefined();
    expect(counters.snapshot()).toEqual({ "app 2026-12-31": 1, "project-1 2026-12": 115_000 });
    const next = new Date(at.getTime() + 1);
    await takeShares(counters, task, next, {});
    expect(counters.snapshot()).toMatchObject({ "app 2027-01-01": 1, "project-1 2027-01": 115_000 });
  });

  it("charges a thread in all no less than its price", () => {
    const [, share] = sharesOf(aTask({ costMicros: 200_000, partCount: 3 }), at);
    expect(share.units).toBe(66_667);
  });

  it("waits for the next day when the app's posts are used up, and takes nothing", async () => {
    const counters = createInMemoryCounters();
    await counters.take(day.counter, 10_000, 10_000);
    expect(await takeShares(counters, task, at, {})).toMatchObject({
      code: "no-quota",
      until: new Date("2027-01-01T00:00:00.000Z"),
      known: true,
    });
    expect(counters.snapshot()).toEqual({ "app 2026-12-31": 10_000 });
  });

  it.each([
    ["begins only if all of it fits", 0, 344_999, false],
    ["begins only if all of it fits", 0, 345_000, true],
    ["goes on as long as its part fits", 1, 229_999, false],
    ["goes on as long as its part fits", 1, 230_000, true],
  ] as const)(
    "a thread %s: part %i, a budget of %i micro-dollars",
    async (_, part, monthlyBudgetMicros, fits) => {
      const counters = createInMemoryCounters();
      await counters.take(month.counter, 115_000, 115_000);
      const begun = { ...task, posted: Array.from({ length: part }, () => ({ postId: "1", sentAt: at })) };
      const parked = await takeShares(counters, begun, at, { policy: { monthlyBudgetMicros } });
      if (fits) expect(parked).toBeUndefined();
      else {
        expect(parked).toMatchObject({
          code: "budget",
          until: new Date("2027-01-01T00:00:00.000Z"),
          known: true,
        });
        expect(await counters.read(day.counter)).toBe(0);
        expect(await counters.read(month.counter)).toBe(115_000);
      }
    },
  );

  it("keeps room for all parts of a thread in the app's day", async () => {
    const counters = createInMemoryCounters();
    await counters.take(day.counter, 9_999, 10_000);
    expect(await takeShares(counters, task, at, {})).toMatchObject({ code: "no-quota" });
    expect(await counters.read(day.counter)).toBe(9_999);
  });

  it("counts what is spent without a budget, too: one may come later", async () => {
    const counters = createInMemoryCounters();
    await takeShares(counters, task, at, { policy: {} });
    expect(await counters.read(month.counter)).toBe(115_000);
  });

  it("counts every project apart", async () => {
    const counters = createInMemoryCounters();
    await takeShares(counters, aTask({ projectId: asProjectId("shop") }), at, {});
    expect(await counters.read(month.counter)).toBe(0);
    expect(counters.snapshot()).toMatchObject({ "shop 2026-12": 15_000 });
  });

  it("leaves the day taken when the month could not be asked: a counter may say more than the facts, never less", async () => {
    const counters = createInMemoryCounters();
    const take = counters.take;
    vi.spyOn(counters, "take").mockImplementation(async (counter, units, limit) => {
      if (counter.kind === "project-spend") throw new Error("the table is away");
      return take(counter, units, limit);
    });
    await expect(takeShares(counters, task, at, {})).rejects.toThrow("the table is away");
    expect(await counters.read(day.counter)).toBe(1);
  });
});

describe("returnShares", () => {
  it("gives back what was taken, for the day and month in which it was", async () => {
    const counters = createInMemoryCounters();
    await takeShares(counters, task, at, {});
    await returnShares(counters, sharesOf(task, at));
    expect(counters.snapshot()).toEqual({ "app 2026-12-31": 0, "project-1 2026-12": 0 });
  });
});
