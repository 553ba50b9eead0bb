import { describe, expect, it } from "vitest";
import { readExpression } from "#infra/local/services/expressions.ts";
import { firingDelayMs } from "#infra/local/services/schedule-firing.ts";

describe("a schedule expression", () => {
  it("at() is UTC unless a time zone says otherwise", () => {
    expect(readExpression("at(2026-12-01T09:00:00)")).toEqual({ kind: "at", atMs: Date.UTC(2026, 11, 1, 9) });
    expect(readExpression("at(2026-12-01T09:00:00)", "Asia/Shanghai")).toEqual({
      kind: "at",
      atMs: Date.UTC(2026, 11, 1, 1),
    });
  });

  it.each([
    ["rate(1 minute)", 60_000],
    ["rate(5 minutes)", 300_000],
    ["rate(1 hour)", 3_600_000],
    ["rate(30 days)", 2_592_000_000],
  ])("%s", (text, everyMs) => {
    expect(readExpression(text)).toEqual({ kind: "rate", everyMs });
  });

  it.each([
    "at(2026-12-01T09:00:00Z)",
    "at(2026-12-01T09:00:00.000)",
    "at(2026-13-01T09:00:00)",
    "at(2026-12-01)",
    "rate(1 minutes)",
    "rate(2 minute)",
    "rate(0 minutes)",
    "rate(1 second)",
    "cron(0 9 * * ? *)",
    "",
  ])("is not understood: %s", (text) => {
    expect(readExpression(text)).toBeUndefined();
  });

  it("is not understood in a time zone that does not exist", () => {
    expect(readExpression("at(2026-12-01T09:00:00)", "Mars/Base")).toBeUndefined();
  });
});

describe("the delay of a firing", () => {
  const schedule = (name: string) => ({ Arn: `arn:${name}`, ScheduleExpression: "at(2026-12-01T09:00:00)" });

  it("is nothing when firing is exact", () => {
    expect(firingDelayMs("exact", schedule("a"))).toBe(0);
  });

  it("is the same for the same seed, differs between schedules and seeds, and stays within its bound", () => {
    const names = Array.from({ length: 200 }, (_, index) => String(index));
    const delays = (seed: number) =>
      names.map((name) => firingDelayMs({ withinMs: 60_000, seed }, schedule(name)));
    expect(delays(1)).toEqual(delays(1));
    expect(delays(1)).not.toEqual(delays(2));
    expect(delays(1).every((delay) => delay >= 0 && delay < 60_000)).toBe(true);
    expect(Math.max(...delays(1))).toBeGreaterThan(50_000);
    expect(Math.min(...delays(1))).toBeLessThan(10_000);
  });
});
