import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { REPOSITORY } from "#infra/bundling.ts";

const run = promisify(execFile);
const bench = (...args: string[]) =>
  run(process.execPath, ["test/bench/run.ts", "media", ...args], { cwd: REPOSITORY });

describe("the media bench", () => {
  it("measures every way, and says in its last line what it found", async () => {
    const { stdout, stderr } = await bench("--size", "9", "--latency", "0,20", "--runs", "1");
    const result: unknown = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
    const way = {
      ms: expect.any(Number),
      mibPerSecond: expect.any(Number),
      peakMiBOverIdle: expect.any(Number),
    };
    const cell = { punctual: way, library: way, copy: way };
    expect(result).toMatchObject({
      name: "media",
      figures: { cells: { "9 MiB, 0 ms": cell, "9 MiB, 20 ms": cell } },
      targets: { timesFasterThanLibraryAt0ms: 2, timesTheBareCopy: 1.5, peakMiBOverIdle: 96 },
      met: { everyByteArrived: true, peakMiBOverIdle: expect.any(Boolean) },
    });
    expect(stdout).toContain("│ punctual │");
    expect(stderr).toContain("run 1 of 1: library");
  });

  it("refuses a size that is none, with the exit code of a wrong call", async () => {
    await expect(bench("--size", "big")).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--size"),
    });
  });
});
