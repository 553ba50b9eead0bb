import { Temporal } from "temporal-polyfill";

/** When a schedule fires. */
export type Expression =
  | { readonly kind: "at"; readonly atMs: number }
  | { readonly kind: "rate"; readonly everyMs: number };

const UNIT_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/**
 * Reads `at(yyyy-mm-ddThh:mm:ss)` and `rate(n unit)`; undefined for everything else, `cron()` included, which is not
 * run here.
 *
 * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
export function readExpression(text: string, timeZone = "UTC"): Expression | undefined {
  const at = /^at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)$/.exec(text)?.[1];
  if (at !== undefined) {
    try {
      return {
        kind: "at",
        atMs: Temporal.PlainDateTime.from(at).toZonedDateTime(timeZone).epochMilliseconds,
      };
    } catch {
      return undefined;
    }
  }
  const [, count = "", unit = "", plural] = /^rate\((\d+) (minute|hour|day)(s?)\)$/.exec(text) ?? [];
  // AWS refuses "1 minutes" and "5 minute".
  if (Number(count) < 1 || (Number(count) === 1) === (plural === "s")) return undefined;
  return { kind: "rate", everyMs: Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS] };
}
