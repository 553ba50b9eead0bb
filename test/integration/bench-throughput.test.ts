import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { REPOSITORY } from "#infra/bundling.ts";
import { throughputFindings, throughputTable } from "#test/bench/throughput/findings.ts";
import type { ThroughputMeasurement } from "#test/bench/throughput/measure.ts";

const run = promisify(execFile);
const bench = (...args: string[]) =>
  run(process.execPath, ["test/bench/run.ts", "throughput", ...args], { cwd: REPOSITORY });

describe("the throughput bench", () => {
  it("publishes every due task once, and says in its last line where the time went", async () => {
    const { stdout, stderr } = await bench(
      ...[
        "--tasks",
        "24",
        "--accounts",
        "4",
        "--latency",
        "20,100",
        "--first-posts",
        "1",
        "--publishers",
        "8",
      ],
    );
    const result: unknown = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
    const figures = {
      posts: 24,
      postsPerHour: expect.any(Number),
      mostAtOnce: 8,
      phasesMs: { "call (X)": expect.any(Number), "settle, log, answer": expect.any(Number) },
    };
    expect(result).toMatchObject({
      name: "throughput",
      figures: {
        runs: { "X answers in 20 ms": figures, "X answers in 100 ms": figures },
        firstPostMs: { count: 1, max: expect.any(Number) },
        reports: [],
      },
      targets: { postsPerHourAt100ms: 100_000, firstPostWorstMs: 30_000 },
      met: {
        everyTaskPostedOnce: true,
        everyTaskPublished: true,
        gatesWithoutLeftovers: true,
        nothingReported: true,
        postsPerHourAt100ms: expect.any(Boolean),
      },
    });
    expect(stdout).toContain("DynamoDB Local in memory");
    expect(stderr).toContain("X answers in 20 ms: publishing");
  });

  it("refuses what X's own limit would stop, with the exit code of a wrong call", async () => {
    await expect(bench("--tasks", "300", "--accounts", "5")).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("920 posts need more than 5 accounts"),
    });
  });
});

describe("what it finds", () => {
  const startedAt = new Date("2026-12-01T09:00:00.000Z");
  const instant = (ms: number) => new Date(startedAt.getTime() + ms);
  const texts = Array.from({ length: 10 }, (_, index) => `post ${index + 1}`);

  /** Ten posts of two accounts, one each 100 ms: 36,000 an hour. */
  const aMeasurement = (over: Partial<ThroughputMeasurement> = {}): ThroughputMeasurement => ({
    options: {
      tasks: 10,
      accounts: 2,
      latenciesMs: [100],
      publishers: 5,
      sharing: 10,
      firstPosts: 1,
      deadlineMs: 1_000,
      onStep: () => {},
    },
    threads: { maxWorkers: 1, invocationsPerWorker: 10 },
    firstPosts: [{ text: "first", askedAt: instant(-5_000) }],
    rounds: [
      {
        latencyMs: 100,
        texts,
        startedAt,
        endedAt: instant(1_000),
        invocations: { count: 10, meanMs: 450, mostAtOnce: 5, coldStarts: 1 },
        processorTime: undefined,
      },
    ],
    arrivals: {
      posts: [
        { text: "first", arrivedAtMs: instant(-4_000).getTime() },
        ...texts.map((text, index) => ({ text, arrivedAtMs: instant(100 * (index + 1)).getTime() })),
      ],
      refused: 0,
    },
    table: {
      tasks: ["first", ...texts].map((text, index) => ({
        text,
        status: "published",
        createdAt: instant(-9_000),
        slotAt: instant(-9_000),
        mediaCount: 0,
        sentAt: instant(100 * index),
        phases: { waitedMs: 20, intentMs: 10, callMs: 110 },
      })),
      gates: 2,
      reservations: 0,
    },
    reports: [],
    ...over,
  });
  const good = aMeasurement();
  const others = (posts: typeof good.arrivals.posts) => ({ arrivals: { posts, refused: 0 } });

  it("counts posts until the last one arrived", () => {
    expect(throughputFindings(good)).toMatchObject({
      figures: {
        postsPerHourAt100ms: 36_000,
        firstPostMs: { count: 1, p50: 1_000 },
        runs: {
          "X answers in 100 ms": {
            posts: 10,
            seconds: 1,
            phasesMs: {
              "queue and free worker": 520,
              "claim (reads, credentials)": 20,
              "intent (gate and task)": 10,
              "call (X)": 110,
              "settle, log, answer": 310,
            },
          },
        },
      },
      met: {
        postsPerHourAt100ms: false,
        firstPostWorstMs: true,
        everyTaskPostedOnce: true,
        everyTaskPublished: true,
        gatesWithoutLeftovers: true,
        nothingReported: true,
      },
    });
  });

  it.each([
    [
      "a post that is there twice",
      "everyTaskPostedOnce",
      others([...good.arrivals.posts, { text: "post 3", arrivedAtMs: instant(1_500).getTime() }]),
    ],
    ["a task that was never posted", "everyTaskPostedOnce", others(good.arrivals.posts.slice(0, -1))],
    ["a refused request", "everyTaskPostedOnce", { arrivals: { ...good.arrivals, refused: 1 } }],
    [
      "a task that is not settled",
      "everyTaskPublished",
      {
        table: {
          ...good.table,
          tasks: good.table.tasks.map((task) =>
            task.text === "post 3" ? { ...task, status: "unknown" as const } : task,
          ),
        },
      },
    ],
    ["a reservation that is left", "gatesWithoutLeftovers", { table: { ...good.table, reservations: 1 } }],
    ["gates that it could not read", "gatesWithoutLeftovers", { table: { ...good.table, gates: 0 } }],
    ["a failed invocation", "nothingReported", { reports: ["PublishPost failed (1 times)"] }],
    [
      "a new task that took too long",
      "firstPostWorstMs",
      { firstPosts: [{ text: "first", askedAt: instant(-40_000) }] },
    ],
  ])("shows %s", (_, target, over) => {
    expect(throughputFindings(aMeasurement(over)).met).toMatchObject({ [target]: false });
  });

  it("says what limits a run: too few publishers, or the processors", () => {
    const shown = (measured: ThroughputMeasurement) =>
      throughputTable(measured, { name: "throughput", ...throughputFindings(measured) });
    expect(shown(good)).toContain("5 publishers, 450 ms for each post, can make 40,000 an hour");
    const used = { functions: 1e6, gateway: 1e5, database: 2e5, queues: 1e3, x: 1e3, "other programs": 1e6 };
    const busy = aMeasurement({ rounds: good.rounds.map((one) => ({ ...one, processorTime: used })) });
    expect(shown(busy)).toMatch(/the processors are the limit[\s\S]*Other programs took/);
  });
});
