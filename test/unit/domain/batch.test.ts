import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BATCH_BUCKETS,
  batchName,
  bucketOf,
  type CountedTask,
  NO_COUNTS,
  percentDone,
  planCount,
  totalOf,
} from "#shared/domain/batch.ts";
import { batchIdFor } from "#shared/domain/batch-id.ts";
import { asOwnerId, asTaskId, type TaskId } from "#shared/domain/ids.ts";
import { isFinal, TASK_STATUSES } from "#shared/domain/task.ts";

describe("a batch", () => {
  it("has one id for a name of an owner", () => {
    const [anne, bela] = [asOwnerId("anne"), asOwnerId("bela")];
    expect(batchIdFor(anne, "spring")).toBe(batchIdFor(anne, "spring"));
    expect(batchIdFor(anne, "spring")).not.toBe(batchIdFor(bela, "spring"));
    expect(batchIdFor(asOwnerId("a"), 'b","c')).not.toBe(batchIdFor(asOwnerId('a","b'), "c"));
    expect(batchIdFor(anne, "春 / 1")).toMatch(/^[0-9a-f]{32}$/);
  });

  it("reads the same name however it was typed", () => {
    expect(batchName(" Caf\u0065\u0301 ")).toBe("Caf\u00e9");
  });

  it.each(TASK_STATUSES)("counts %s as done exactly if it is final", (status) => {
    expect(bucketOf(status) === "done").toBe(isFinal(status));
  });

  it("counts what waits as pending, a held task among it, and what is worked on as processing", () => {
    const of = (bucket: string) => TASK_STATUSES.filter((status) => bucketOf(status) === bucket);
    expect(of("pending")).toEqual(["draft", "pending", "held"]);
    expect(of("processing")).toEqual(["preparing", "ready", "posting", "retrying", "unknown"]);
  });

  it("is done by 100 percent only when nothing is left", () => {
    expect(percentDone(NO_COUNTS)).toBe(0);
    expect(percentDone({ pending: 1, processing: 0, done: 999 })).toBe(99);
    expect(percentDone({ pending: 0, processing: 0, done: 7 })).toBe(100);
  });
});

describe("planCount", () => {
  const id = asTaskId("task-1");
  const at = (version: number, bucket: CountedTask["bucket"]): CountedTask => ({
    taskId: id,
    version,
    bucket,
  });

  it("moves a task from one count to another", () => {
    const plan = planCount([at(2, "done")], new Map([[id, at(1, "pending")]]));
    expect(plan).toEqual({ news: [at(2, "done")], added: { pending: -1, processing: 0, done: 1 } });
  });

  it("has no news of what is counted, or older", () => {
    const counted = new Map([[id, at(3, "processing")]]);
    for (const version of [1, 2, 3])
      expect(planCount([at(version, "done")], counted)).toEqual({ news: [], added: NO_COUNTS });
  });

  it("counts each task once where its newest version is, whatever is told, how often, in which order", () => {
    const life = fc.array(fc.constantFrom(...BATCH_BUCKETS), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(life, { minLength: 1, maxLength: 5 }),
        fc.infiniteStream(fc.nat()),
        fc.array(fc.nat(6), { minLength: 1, maxLength: 40 }),
        (lives, chance, sizes) => {
          const told = lives.flatMap((buckets, task) =>
            buckets.map((bucket, version) => ({
              taskId: asTaskId(`task-${task}`),
              version: version + 1,
              bucket,
            })),
          );
          // Everything in any order, twice; cut into calls of any size.
          const shuffled = [...told, ...told]
            .map((one) => ({ one, place: chance.next().value as number }))
            .toSorted((a, b) => a.place - b.place)
            .map(({ one }) => one);
          const counted = new Map<TaskId, CountedTask>();
          const counts = { ...NO_COUNTS };
          for (let call = 0; shuffled.length > 0; call++) {
            const plan = planCount(shuffled.splice(0, Math.max(1, sizes[call % sizes.length] ?? 1)), counted);
            for (const one of plan.news) counted.set(one.taskId, one);
            for (const bucket of BATCH_BUCKETS) counts[bucket] += plan.added[bucket];
            expect(totalOf(counts)).toBe(counted.size);
          }
          const facts = { ...NO_COUNTS };
          for (const buckets of lives) facts[buckets.at(-1) ?? "pending"]++;
          expect(counts).toEqual(facts);
        },
      ),
    );
  });
});
