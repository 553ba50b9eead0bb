/**
 * What is counted for as long as the deployment lives, and in slices of five minutes for what was just now. A count has a
 * key; counts of many functions are added up in the table, so no sandbox's memory is ever the truth.
 */
import { type Observation, observe, type StoredChange } from "./measures.ts";
import type { TaskStatus } from "./task.ts";

/** By key. Only ever added to. */
export type Totals = Readonly<Record<string, number>>;

/** Counts of one slice. */
export interface TotalsSlice {
  /** Its first instant. */
  readonly startAt: Date;
  readonly totals: Totals;
}

export const SLICE_MS = 5 * 60_000;

export const sliceOf = (at: Date): Date => new Date(Math.floor(at.getTime() / SLICE_MS) * SLICE_MS);

/** Upper ends in ms; what is above the last one is counted under `inf`. */
export const LATENESS_BUCKETS_MS = [
  100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 1_800_000,
] as const;
export const REQUEST_BUCKETS_MS = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000] as const;

/** States in which a task is done with, or waits for a person. */
export const SETTLED_STATUSES = [
  "published",
  "failed",
  "missed",
  "held",
  "cancelled",
] as const satisfies readonly TaskStatus[];

const SEPARATOR = "/";
/** @param parts - a family and its labels. No label has a slash */
export const totalKey = (...parts: readonly string[]): string => parts.join(SEPARATOR);
export const partsOfKey = (key: string): readonly string[] => key.split(SEPARATOR);

export function addTotals(one: Totals, other: Totals): Totals {
  const sum: Record<string, number> = { ...one };
  for (const [key, value] of Object.entries(other)) sum[key] = (sum[key] ?? 0) + value;
  return sum;
}

const bucketOf = (valueMs: number, buckets: readonly number[]): string =>
  String(buckets.find((end) => valueMs <= end) ?? "inf");

const isCounted = (status: TaskStatus): boolean => SETTLED_STATUSES.some((counted) => counted === status);

/** What one write to the table adds. */
export function totalsOfChange(change: StoredChange): Totals {
  const totals: Record<string, number> = {};
  const observed: Observation["values"] = observe(change)?.values ?? {};
  if (change.kind === "task") {
    const { before, after } = change;
    const isNews = before?.status !== after.status;
    if (isNews && isCounted(after.status)) totals[totalKey("tasks", after.status)] = 1;
    if (isNews && after.status === "retrying") totals["retries"] = 1;
  }
  if (change.kind === "attempt" && change.after.class !== undefined)
    totals[totalKey("failures", change.after.class)] = 1;
  if (observed.Posts) totals["posts"] = observed.Posts;
  if (observed.Lateness !== undefined) {
    const latenessMs = Math.max(0, Math.round(observed.Lateness));
    totals[totalKey("lateness", bucketOf(latenessMs, LATENESS_BUCKETS_MS))] = 1;
    totals["latenessMs"] = latenessMs;
  }
  return totals;
}

export interface AnsweredRequest {
  /** The route's name in the contract; `none`: no route took it. */
  readonly route: string;
  /** HTTP. */
  readonly status: number;
  readonly durationMs: number;
}

/** What one answered request adds. */
export function totalsOfRequest({ route, status, durationMs }: AnsweredRequest): Totals {
  const wholeMs = Math.max(0, Math.round(durationMs));
  return {
    [totalKey("requests", route, `${Math.floor(status / 100)}xx`)]: 1,
    [totalKey("duration", bucketOf(wholeMs, REQUEST_BUCKETS_MS))]: 1,
    durationMs: wholeMs,
  };
}

export interface Activity {
  /** Of the last hour, per minute. */
  readonly postsPerMinute: number;
  readonly requests: number;
  /** Share of them that were answered with a 5xx; absent when there was none. */
  readonly errorRate?: number;
  readonly meanResponseMs?: number;
  /** Nine of ten were answered within this: the upper end of a bucket. Absent: they took longer than the last one. */
  readonly p90ResponseMs?: number;
}

const HOUR_MS = 3_600_000;

/** The first slice of the last hour. */
export const hourBefore = (now: Date): Date => sliceOf(new Date(now.getTime() - HOUR_MS));

/** What the slices of the last hour say together. */
export function summarizeHour(slices: readonly TotalsSlice[], now: Date): Activity {
  const from = hourBefore(now);
  const totals = slices.filter(({ startAt }) => startAt >= from).map((slice) => slice.totals);
  const sum = totals.reduce(addTotals, {});
  const minutes = (now.getTime() - from.getTime()) / 60_000;
  const requests = sumOf(sum, "requests");
  const failed = sumOf(sum, "requests", (labels) => labels.at(-1) === "5xx");
  const p90 = quantileMs(sum, 0.9);
  return {
    postsPerMinute: (sum["posts"] ?? 0) / minutes,
    requests,
    ...(requests > 0 && {
      errorRate: failed / requests,
      meanResponseMs: (sum["durationMs"] ?? 0) / requests,
    }),
    ...(p90 !== undefined && { p90ResponseMs: p90 }),
  };
}

function sumOf(
  totals: Totals,
  family: string,
  accepts: (labels: readonly string[]) => boolean = () => true,
): number {
  return Object.entries(totals).reduce((sum, [key, value]) => {
    const [name, ...labels] = partsOfKey(key);
    return name === family && accepts(labels) ? sum + value : sum;
  }, 0);
}

function quantileMs(totals: Totals, quantile: number): number | undefined {
  const wanted = sumOf(totals, "duration") * quantile;
  let sum = 0;
  for (const end of REQUEST_BUCKETS_MS) {
    sum += totals[totalKey("duration", String(end))] ?? 0;
    if (wanted > 0 && sum >= wanted) return end;
  }
  return undefined;
}
