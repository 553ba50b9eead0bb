/** What an hour is worth, and which minute of it a post gets. */
import type { AccountId } from "../ids.ts";
import { weekdayOf } from "./hours.ts";
import type { PlanContext } from "./plan.ts";
import type { PlanningRules } from "./rules.ts";
import type { Strategy } from "./strategy.ts";

/** In [0, 1]. */
export type WorthOf = (accountId: AccountId, day: number, hour: number) => number;
/** In [0, 1): how far into the jitter of an hour. */
export type JitterOf = (accountId: AccountId, day: number, hour: number) => number;

/** Worth of an hour beside an optimal one, and what each further hour of distance takes off. */
const BESIDE = 0.8;
const PER_HOUR = 0.1;
const LEAST_VALUE = 0.3;
/** Of an optimal hour, while one of the owner's own hours is worth 1. */
const NOT_PREFERRED = 0.75;

/** By the hour of the day: 1 in the hours themselves, less around them. */
function valuesAround(hours: readonly number[]): readonly number[] {
  return Array.from({ length: 24 }, (_, hour) => {
    const distances = hours.map((one) => Math.min((hour - one + 24) % 24, (one - hour + 24) % 24));
    const distance = Math.min(24, ...distances);
    return distance === 0 ? 1 : Math.max(LEAST_VALUE, BESIDE - PER_HOUR * (distance - 1));
  });
}

/** What the hours are worth without a curve. */
function hourValues(strategy: Strategy, { optimalHours, preferredHours }: PlanningRules): readonly number[] {
  const optimal = valuesAround(optimalHours);
  if (strategy === "next-free") return optimal.map(() => 1);
  if (strategy !== "preferred" || preferredHours.length === 0) return optimal;
  return optimal.map((value, hour) => (preferredHours.includes(hour) ? 1 : NOT_PREFERRED * value));
}

export const hourOfWeek = (day: number, hour: number): number => 24 * weekdayOf(day) + hour;

/** The curve tells what is optimal; what the owner prefers and when the next post is due are no matter of it. */
export const learnsFor = (strategy: Strategy): boolean => strategy === "optimal" || strategy === "balanced";

export interface WorthRules {
  readonly context: PlanContext;
  readonly rules: PlanningRules;
}

/** By the rules themselves, which never change: a batch asks for the same few again and again. */
const knownValues = new WeakMap<PlanningRules, Map<Strategy, readonly number[]>>();

/** What an hour is worth to a strategy. */
export function worthFor(strategy: Strategy, { context, rules }: WorthRules): WorthOf {
  const known = knownValues.get(rules) ?? new Map<Strategy, readonly number[]>();
  knownValues.set(rules, known);
  const values = known.get(strategy) ?? hourValues(strategy, rules);
  known.set(strategy, values);
  const curve = learnsFor(strategy) ? context.curve : undefined;
  return (accountId, day, hour) => curve?.(accountId, hourOfWeek(day, hour)) ?? values[hour] ?? 0;
}

/** The same post gets the same minute of the same hour at every try, and different posts different ones. */
export function jitterFor(wishId: string): JitterOf {
  const seeds = new Map<AccountId, number>();
  return (accountId, day, hour) => {
    const seed = seeds.get(accountId) ?? hash(`${wishId} ${accountId}`);
    seeds.set(accountId, seed);
    return mix(seed ^ Math.imul(24 * day + hour, 0x9e3779b1)) / 2 ** 32;
  };
}

/** FNV-1a. @see https://datatracker.ietf.org/doc/html/draft-eastlake-fnv */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value;
}

/** Spreads every bit over all others (MurmurHash3's last step), to an unsigned number of 32 bits. */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
