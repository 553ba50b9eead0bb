import { type AccountId, asAccountId } from "#shared/domain/ids.ts";
import type { Occupied, PlanWish } from "#shared/domain/planning/plan.ts";
import { PRESETS } from "#shared/domain/planning/presets.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** 90 minutes apart, at most 10 a day, nothing before 7:00, optimal hours 9, 12, 15, 18 and 21. */
export const POLICY: Policy = PRESETS.steady;
export const TIME_ZONE = "Europe/Berlin";
/** A Tuesday, 0:00 in Berlin. */
export const NOW = new Date("2026-11-30T23:00:00Z");

/** Posts of a full day: 80 % of the most that the policy allows. */
const TAKEN_OF_DAY = 8;
const PLACES_OF_DAY = 10;
/** The first place of a day, and from one to the next. */
const FIRST_PLACE_MS = (7 * 60 + 5) * MINUTE_MS;
const BETWEEN_PLACES_MS = 100 * MINUTE_MS;
const MAX_SHIFT_MS = 8 * MINUTE_MS;
/** Wishes begin within so many days. */
const WISHED_DAYS = 30;

/** Mulberry32: the same numbers for the same seed everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const accountIds = (count: number): readonly AccountId[] =>
  Array.from({ length: count }, (_, index) => asAccountId(`owner.account-${index}`));

/** Of the ten places of each day eight are taken, others each day, by posts of all priorities. */
function fullCalendar(accountId: AccountId, days: number, seed: number): readonly Occupied[] {
  const random = randomFrom(seed);
  const shifts = Array.from({ length: PLACES_OF_DAY }, () => Math.floor(random() * MAX_SHIFT_MS));
  return Array.from({ length: days }, (_, day) => {
    const taken = shifts
      .map((shiftMs, place) => ({ shiftMs, place, order: random() }))
      .sort((a, b) => a.order - b.order)
      .slice(0, TAKEN_OF_DAY);
    const slots = taken.map(({ shiftMs, place }, index) => ({
      id: `${accountId}-${day}-${place}`,
      at: new Date(NOW.getTime() + day * DAY_MS + FIRST_PLACE_MS + place * BETWEEN_PLACES_MS + shiftMs),
      parts: 1,
      priority: index < 2 ? 1 + Math.floor(random() * 3) : 4 + Math.floor(random() * 7),
    }));
    return slots.sort((a, b) => a.at.getTime() - b.at.getTime());
  }).flat();
}

export type Calendars = ReadonlyMap<AccountId, readonly Occupied[]>;

export const fullCalendars = (accounts: readonly AccountId[], days: number): Calendars =>
  new Map(accounts.map((accountId, index) => [accountId, fullCalendar(accountId, days, index + 1)]));

/** Each for one account, from some hour of the coming days on; one of ten is a thread of three parts. */
export function wishes(count: number, accounts: readonly AccountId[], seed: number): readonly PlanWish[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_, index) => ({
    id: `wish-${index}`,
    strategy: "optimal",
    from: new Date(NOW.getTime() + Math.floor(random() * WISHED_DAYS * 24) * 60 * MINUTE_MS),
    accountIds: accounts.slice(index % accounts.length, (index % accounts.length) + 1),
    parts: random() < 0.1 ? 3 : 1,
    priority: 1 + Math.floor(random() * 10),
  }));
}
