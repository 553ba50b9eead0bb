import { instantInWords } from "../words.ts";
import type { Quota } from "./plan.ts";

const HOUR_MS = 3_600_000;
/** A pace that is measured over less says nothing yet. */
const LEAST_MEASURED_MS = 5 * 60_000;

/** When a quota runs out if the account goes on as in this window. */
export type QuotaForecast = { readonly message: string } & (
  | { readonly kind: "unused" }
  /** At the present pace something is left when the window is over. */
  | { readonly kind: "lasts"; readonly perHour: number; readonly left: number }
  | { readonly kind: "runs-out"; readonly perHour: number; readonly at: Date }
  | { readonly kind: "used-up"; readonly until: Date }
);

/** The pace is what was used since the window began, spread over that time, at least over five minutes. */
export function forecastQuota({ limit, used, window, closedUntil }: Quota, now: Date): QuotaForecast {
  if (closedUntil && closedUntil > now)
    return {
      kind: "used-up",
      until: closedUntil,
      message: `Closed until ${instantInWords(closedUntil)}.`,
    };
  if (!window || window.resetAt <= now || used === 0)
    return { kind: "unused", message: `All ${limit} are left.` };
  if (used >= limit)
    return {
      kind: "used-up",
      until: window.resetAt,
      message: `All ${limit} are used until ${instantInWords(window.resetAt)}.`,
    };
  const measuredMs = Math.max(LEAST_MEASURED_MS, now.getTime() - window.startAt.getTime());
  const eachMs = measuredMs / used;
  const perHour = HOUR_MS / eachMs;
  const endsAt = now.getTime() + (limit - used) * eachMs;
  const reset = instantInWords(window.resetAt);
  if (endsAt < window.resetAt.getTime()) {
    const at = new Date(Math.ceil(endsAt / 1_000) * 1_000);
    return {
      kind: "runs-out",
      perHour,
      at,
      message: `At ${perHour.toFixed(1)} an hour the last of ${limit} is used at ${instantInWords(at)}, before the window ends at ${reset}.`,
    };
  }
  const left = Math.floor(limit - used - (window.resetAt.getTime() - now.getTime()) / eachMs);
  return {
    kind: "lasts",
    perHour,
    left,
    message: `At ${perHour.toFixed(1)} an hour ${left} of ${limit} are left when the window ends at ${reset}.`,
  };
}
