import { expect, it, vi } from "vitest";
import { shareReads } from "#shared/adapters/system/share-reads.ts";

it("reads once for all who ask meanwhile, and again for whoever asks later", async () => {
  let stored = 1;
  const read = vi.fn(async (key: string) => `${key}${stored}`);
  const shared = shareReads(read);
  expect(await Promise.all([shared("a"), shared("a"), shared("b")])).toEqual(["a1", "a1", "b1"]);
  expect(read).toHaveBeenCalledTimes(2);
  stored = 2;
  expect(await shared("a")).toBe("a2");
});

it("fails for all who wait, and for nobody after them", async () => {
  const read = vi.fn<(key: string) => Promise<string>>().mockRejectedValueOnce(new Error("no answer"));
  read.mockResolvedValue("there");
  const shared = shareReads(read);
  const answers = await Promise.allSettled([shared("a"), shared("a")]);
  expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await shared("a")).toBe("there");
});
