import { readFileSync } from "node:fs";
import { Temporal } from "temporal-polyfill";
import { describe, expect, it } from "vitest";
import { asAccountId } from "#shared/domain/ids.ts";
import type { PlanWish } from "#shared/domain/planning/plan.ts";
import { planBatch } from "#shared/domain/planning/plan-batch.ts";
import { PRESETS } from "#shared/domain/planning/presets.ts";
import { STRATEGIES } from "#shared/domain/planning/strategy.ts";

const ZONE = "Europe/Berlin";
const doc = readFileSync(new URL("../../../docs/planning.md", import.meta.url), "utf8");

const instantOf = (local: string): Date =>
  new Date(Temporal.PlainDateTime.from(local).toZonedDateTime(ZONE).epochMilliseconds);
const localOf = (at: Date): string =>
  Temporal.Instant.fromEpochMilliseconds(at.getTime())
    .toZonedDateTimeISO(ZONE)
    .toPlainDateTime()
    .toString({ smallestUnit: "second" })
    .replace("T", " ");

const now = instantOf("2026-12-07T08:00");
const rows = doc
  .split("\n")
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .filter((cells) => cells.length === 9 && STRATEGIES.some((strategy) => strategy === cells[2]));

describe("docs/planning.md", () => {
  it("has a worked week that the planner plans in the same way", () => {
    expect(rows).toHaveLength(13);
    const wishes = rows.map(
      ([, id = "", strategy, priority, parts, from = ""]): PlanWish => ({
        id,
        strategy: strategy as PlanWish["strategy"],
        priority: Number(priority),
        parts: Number(parts),
        from: from === "now" ? now : instantOf(from),
        accountIds: [asAccountId("anne.main")],
      }),
    );
    const policy = { ...PRESETS.steady, preferredHours: [8, 17], blackoutDates: ["2026-12-09"] };
    const planned = planBatch(wishes, new Map(), { now, policy, timeZone: ZONE }).map((answer) => {
      if (!answer.ok) throw new Error(answer.error.message);
      return [localOf(answer.value.at), answer.value.reasons[0]?.message];
    });
    expect(planned).toEqual(rows.map((cells) => [cells[6], cells[7]]));
  });

  it("names the numbers of the presets", () => {
    for (const [name, { minIntervalMs, dailyMin = 0, dailyMax, optimalHours }] of Object.entries(PRESETS)) {
      const row = doc.split("\n").find((line) => line.startsWith(`| \`${name}\` |`));
      if (minIntervalMs === undefined) continue;
      const [, , interval = "", day = "", hours] = row?.split("|").map((cell) => cell.trim()) ?? [];
      expect(Number.parseInt(interval, 10) * (interval.includes("h") ? 60 : 1)).toBe(minIntervalMs / 60_000);
      expect(day).toBe(dailyMin === 0 ? `up to ${dailyMax}` : `${dailyMin} to ${dailyMax}`);
      expect(hours).toBe(optimalHours?.join(" "));
    }
  });
});
