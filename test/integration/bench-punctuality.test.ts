import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { REPOSITORY } from "#infra/bundling.ts";
import { punctualityFindings, punctualityTable } from "#test/bench/punctuality/findings.ts";
import type { PunctualityMeasurement, TimedPost } from "#test/bench/punctuality/measure.ts";
import { planTasks } from "#test/bench/punctuality/plan.ts";

const run = promisify(execFile);
const bench = (...args: string[]) =>
  run(process.execPath, ["test/bench/run.ts", "punctuality", ...args], { cwd: REPOSITORY });

describe("the punctuality bench", () => {
  it("posts every task once and none early, by both ways, and says in its last line how late", async () => {
    const leads = ["--hold-lead", "3", "--near-limit", "1", "--firing", "2"];
    const { stdout, stderr } = await bench("--tasks", "12", "--accounts", "3", "--seconds", "3", ...leads);
    const result: unknown = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
    const spread = { p50: expect.any(Number), p99: expect.any(Number) };
    expect(result).toMatchObject({
      name: "punctuality",
      figures: { latenessMs: { Scheduler: spread, "near, SQS": spread }, refusedByX: 0, reports: [] },
      targets: { earlyPosts: 0, schedulerP50Ms: 100, schedulerP99Ms: 1_000, nearP99Ms: 5_000 },
      met: {
        earlyPosts: true,
        schedulerP50Ms: expect.any(Boolean),
        schedulerP99Ms: expect.any(Boolean),
        nearP99Ms: expect.any(Boolean),
        everyTaskPostedOnce: true,
        everyTaskPublished: true,
        nothingReported: true,
      },
    });
    expect(stdout).toMatch(/Scheduler:\n +too early +0 /);
    expect(stderr).toContain("12 in all");
  });

  it("refuses what X's own limit would stop, with the exit code of a wrong call", async () => {
    await expect(bench("--tasks", "300", "--accounts", "2")).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("300 posts need more than 2 accounts"),
    });
  });
});

describe("its plan", () => {
  const options = { tasks: 300, accounts: 30, seconds: 180, nearSeconds: 155, seed: 1 };
  const plan = planTasks(options);

  it("is the same for the same seed, and another for another", () => {
    expect(planTasks(options)).toEqual(plan);
    expect(planTasks({ ...options, seed: 2 })).not.toEqual(plan);
  });

  it("has seconds that many share, near tasks, and photos", () => {
    const sharing = [...Map.groupBy(plan, ({ slotSecond }) => slotSecond).values()].map(
      ({ length }) => length,
    );
    expect(sharing.filter((count) => count >= 12)).toHaveLength(6);
    expect(plan.filter(({ createdBefore }) => createdBefore !== undefined).length).toBeGreaterThan(40);
    expect(plan.filter(({ withPhoto }) => withPhoto).length).toBeGreaterThan(15);
    expect(new Set(plan.map(({ text }) => text)).size).toBe(300);
  });

  it("keeps to its window, and near is near", () => {
    expect(plan.every(({ slotSecond: at }) => Number.isInteger(at) && at >= 0 && at < 180)).toBe(true);
    const leads = plan.flatMap(({ createdBefore }) => createdBefore ?? []);
    expect(Math.min(...leads)).toBeGreaterThanOrEqual(3);
    expect(Math.max(...leads)).toBeLessThan(155);
  });
});

describe("what it finds", () => {
  const aPost = (latenessMs: readonly number[], over: Partial<TimedPost> = {}): TimedPost => ({
    planned: { text: "a post", account: 0, slotSecond: 1, inPeak: false, withPhoto: false },
    way: "scheduler",
    latenessMs,
    status: "published",
    phases: { intentMs: 10, latenessMs: 12 },
    ...over,
  });
  const near = (latenessMs: number) => aPost([latenessMs], { way: "queue" });
  const aMeasurement = (
    posts: readonly TimedPost[],
    over: Partial<PunctualityMeasurement> = {},
  ): PunctualityMeasurement => ({
    options: {
      tasks: posts.length,
      accounts: 1,
      seconds: 10,
      holdLeadSeconds: 65,
      nearLimitSeconds: 90,
      firingSeconds: 60,
      seed: 1,
      workers: 10,
      onStep: () => {},
    },
    posts,
    refusedByX: 0,
    invocations: { count: posts.length, meanMs: 100, mostAtOnce: 3, coldStarts: 3 },
    windowMs: 10_000,
    processorTime: undefined,
    reports: [],
    ...over,
  });
  const good = [aPost([20]), aPost([40]), aPost([900]), near(300), near(4_000)];
  const metBy = (posts: readonly TimedPost[], over?: Partial<PunctualityMeasurement>) =>
    punctualityFindings(aMeasurement(posts, over)).met;

  it("keeps the two ways apart", () => {
    const { figures, met } = punctualityFindings(aMeasurement(good));
    expect(figures).toMatchObject({ schedulerP50Ms: 40, schedulerP99Ms: 900, nearP99Ms: 4_000 });
    expect(Object.values(met)).toEqual(Object.values(met).map(() => true));
  });

  it.each([
    ["a post that is a millisecond early", "earlyPosts", [...good, aPost([-1])]],
    ["posts that are late by Scheduler", "schedulerP50Ms", [aPost([101]), near(1)]],
    ["one post that is very late by Scheduler", "schedulerP99Ms", [...good, aPost([1_001])]],
    ["one near post that is very late", "nearP99Ms", [...good, near(5_001)]],
    ["a way that nothing was posted by", "nearP99Ms", [aPost([20])]],
    ["a task that was posted twice", "everyTaskPostedOnce", [...good, aPost([20, 25])]],
    ["a task that was not posted", "everyTaskPostedOnce", [...good, aPost([], { status: "ready" })]],
    ["a task that is not settled", "everyTaskPublished", [...good, aPost([20], { status: "unknown" })]],
  ])("shows %s", (_, target, posts) => {
    expect(metBy(posts)).toMatchObject({ [target]: false });
  });

  it("shows what X refused, and what the local cloud had to report", () => {
    expect(metBy(good, { refusedByX: 1 })).toMatchObject({ everyTaskPostedOnce: false });
    expect(metBy(good, { reports: ["PublishPost failed (1 times)"] })).toMatchObject({
      nothingReported: false,
    });
  });

  it("says where the latest posts lost their time, and who else was busy", () => {
    const idle = { functions: 1, gateway: 1, database: 1, queues: 1, x: 1 };
    const measured = aMeasurement(
      [...good, aPost([3_000], { phases: { intentMs: 400, latenessMs: 2_900 } })],
      {
        processorTime: { ...idle, "other programs": 1e6 },
      },
    );
    const shown = punctualityTable(measured, { name: "punctuality", ...punctualityFindings(measured) });
    expect(shown).toContain(
      "2500 ms after the slot the publisher was awake, 400 ms took the transaction of gate and task, 100 ms the way to X",
    );
    expect(shown).toMatch(/Other programs took \d+ % of the processors/);
  });
});
