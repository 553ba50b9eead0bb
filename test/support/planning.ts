import fc from "fast-check";
import { type AccountId, asAccountId } from "#shared/domain/ids.ts";
import type { OccupiedSlots } from "#shared/domain/planning/calendar.ts";
import type { Occupied, PlanContext, PlanWish } from "#shared/domain/planning/plan.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import { STRATEGIES } from "#shared/domain/planning/strategy.ts";
import type { PlacedSlot } from "#test/bench/planner/check-slots.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Zones with a change of their clocks, and an instant shortly before it. */
export const CLOCK_CHANGES = [
  { timeZone: "America/New_York", before: "2026-03-07T17:00:00Z", change: "spring: 2:00 is skipped" },
  { timeZone: "America/New_York", before: "2026-10-31T16:00:00Z", change: "autumn: 1:00 is there twice" },
  { timeZone: "Europe/Berlin", before: "2027-03-27T11:00:00Z", change: "spring" },
  { timeZone: "Europe/Berlin", before: "2026-10-24T10:00:00Z", change: "autumn" },
  { timeZone: "Australia/Lord_Howe", before: "2026-10-03T01:00:00Z", change: "forward by half an hour" },
  { timeZone: "Australia/Lord_Howe", before: "2026-04-04T01:00:00Z", change: "back by half an hour" },
  { timeZone: "Pacific/Apia", before: "2011-12-29T04:00:00Z", change: "a day is left out" },
  { timeZone: "America/Sao_Paulo", before: "2018-11-03T15:00:00Z", change: "midnight is skipped" },
] as const;

const zonesAndInstants: fc.Arbitrary<Pick<PlanContext, "timeZone" | "now">> = fc
  .record({ zone: fc.constantFrom(...CLOCK_CHANGES), laterMs: fc.nat(20 * HOUR_MS) })
  .map(({ zone, laterMs }) => ({
    timeZone: zone.timeZone,
    now: new Date(Date.parse(zone.before) + laterMs),
  }));

const hours = fc.integer({ min: 0, max: 23 });

const policies: fc.Arbitrary<Policy> = fc.record(
  {
    minIntervalMs: fc.constantFrom(0, 5 * MINUTE_MS, 15 * MINUTE_MS, 90 * MINUTE_MS, 4 * HOUR_MS),
    dailyMax: fc.integer({ min: 1, max: 12 }),
    blackout: fc
      .record({ fromHour: hours, lengthHours: fc.integer({ min: 1, max: 20 }) })
      .map(({ fromHour, lengthHours }) => ({ fromHour, toHour: (fromHour + lengthHours) % 24 })),
    optimalHours: fc.uniqueArray(hours, { minLength: 1, maxLength: 6 }),
    preferredHours: fc.uniqueArray(hours, { maxLength: 3 }),
    jitterMs: fc.constantFrom(0, 10 * MINUTE_MS, 40 * MINUTE_MS, 59 * MINUTE_MS),
    leadMs: fc.constantFrom(0, MINUTE_MS, 3 * HOUR_MS),
    urgentShare: fc.constantFrom(0, 0.2, 0.5),
  },
  { requiredKeys: ["urgentShare"] },
);

export const contexts: fc.Arbitrary<PlanContext> = fc
  .record({ place: zonesAndInstants, policy: policies, blackDay: fc.option(fc.integer({ min: 0, max: 9 })) })
  .map(({ place, policy, blackDay }) => ({
    ...place,
    policy: {
      ...policy,
      ...(blackDay !== null && {
        blackoutDates: [new Date(place.now.getTime() + blackDay * DAY_MS).toISOString().slice(0, 10)],
      }),
    },
  }));

export const ACCOUNTS: readonly AccountId[] = ["a", "b", "c"].map((name) => asAccountId(`owner.${name}`));

const partCounts = fc.oneof(
  { weight: 4, arbitrary: fc.constant(1) },
  { weight: 1, arbitrary: fc.constantFrom(2, 5) },
);

/** Slots by chance around an instant: they may well be in each other's way. */
export const occupiedAround = (now: Date, days = 8): fc.Arbitrary<OccupiedSlots> =>
  fc
    .array(
      fc.record({
        account: fc.constantFrom(...ACCOUNTS),
        seconds: fc.integer({ min: -86_400, max: days * 86_400 }),
        parts: partCounts,
        priority: fc.integer({ min: 1, max: 10 }),
      }),
      { maxLength: 40 },
    )
    .map((slots) => {
      const occupied = new Map<AccountId, Occupied[]>();
      for (const [index, { account, seconds, ...slot }] of slots.entries()) {
        const at = new Date(Math.floor(now.getTime() / 1_000) * 1_000 + seconds * 1_000);
        occupied.set(account, [...(occupied.get(account) ?? []), { id: `taken-${index}`, at, ...slot }]);
      }
      return occupied;
    });

export const wishesAt = (
  now: Date,
  { strategies = STRATEGIES, max = 12 }: { strategies?: readonly PlanWish["strategy"][]; max?: number } = {},
): fc.Arbitrary<readonly PlanWish[]> =>
  fc
    .array(
      fc.record({
        strategy: fc.constantFrom(...strategies),
        fromMinutes: fc.integer({ min: -600, max: 5 * 1_440 }),
        untilHours: fc.option(fc.integer({ min: 1, max: 72 })),
        accountIds: fc.shuffledSubarray([...ACCOUNTS], { minLength: 1 }),
        parts: partCounts,
        priority: fc.integer({ min: 1, max: 10 }),
      }),
      { minLength: 1, maxLength: max },
    )
    .map((wishes) =>
      wishes.map(({ fromMinutes, untilHours, ...wish }, index) => {
        const from = new Date(now.getTime() + fromMinutes * MINUTE_MS);
        const until = new Date(Math.max(from.getTime(), now.getTime()) + (untilHours ?? 0) * HOUR_MS);
        return { id: `wish-${index}`, from, ...wish, ...(untilHours !== null && { until }) };
      }),
    );

/** Everything that is taken, as the checker takes it. */
export const asPlaced = (occupied: OccupiedSlots): readonly PlacedSlot[] =>
  [...occupied].flatMap(([accountId, slots]) =>
    slots.map(({ id, at, parts, priority = 5 }) => ({ id, accountId, at, parts, priority })),
  );
