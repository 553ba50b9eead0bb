import { describe, expect, it } from "vitest";
import { createKernel } from "#test/simulation/kernel.ts";
import { createRandom } from "#test/simulation/random.ts";

describe("the kernel", () => {
  it("runs events by their instants, and those of one instant as they were planned", async () => {
    const kernel = createKernel(1_000);
    const ran: string[] = [];
    const note = (name: string) => () => ran.push(`${kernel.now()} ${name}`);
    for (const [at, name] of [
      [1_030, "c"],
      [1_010, "a"],
      [1_030, "d"],
      [1_020, "b"],
      [5, "passed"],
    ] as const)
      kernel.plan(at, note(name));
    expect(await kernel.run(100)).toBe(true);
    expect(ran).toEqual(["1000 passed", "1010 a", "1020 b", "1030 c", "1030 d"]);
  });

  it("lets everything that follows from an event run before the next one", async () => {
    const kernel = createKernel(0);
    const ran: string[] = [];
    async function deep(levels: number): Promise<void> {
      if (levels > 0) await deep(levels - 1);
      await Promise.all([Promise.resolve(), Promise.resolve().then(() => undefined)]);
    }
    let wake = (): void => {};
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const following = woken.then(async () => {
      await deep(50);
      ran.push("continuation");
    });
    kernel.plan(1, () => wake());
    kernel.plan(1, () => ran.push("next event"));
    await kernel.run(100);
    await following;
    expect(ran).toEqual(["continuation", "next event"]);
  });

  it("tells when the events do not end", async () => {
    const kernel = createKernel(0);
    const again = (): void => kernel.plan(kernel.now() + 1, again);
    again();
    expect(await kernel.run(50)).toBe(false);
    expect(kernel.count()).toBe(50);
  });

  it("rejects with what an event throws", async () => {
    const kernel = createKernel(0);
    kernel.plan(1, () => {
      throw new RangeError("a bug");
    });
    await expect(kernel.run(10)).rejects.toThrow("a bug");
  });
});

describe("chance", () => {
  it("repeats a seed's stream, and gives other seeds and streams others", () => {
    const drawn = (seed: number, stream: number) => {
      const random = createRandom(seed, stream);
      return Array.from({ length: 5 }, () => random.next());
    };
    expect(drawn(1, 0)).toEqual(drawn(1, 0));
    expect(drawn(1, 0)).not.toEqual(drawn(2, 0));
    expect(drawn(1, 0)).not.toEqual(drawn(1, 1));
  });

  it("is spread evenly", () => {
    const random = createRandom(7, 3);
    const buckets = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 10_000; draw++) {
      const value = random.between(0, 9);
      buckets[value] = (buckets[value] ?? 0) + 1;
    }
    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});
