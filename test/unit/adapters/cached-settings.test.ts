import { describe, expect, it, vi } from "vitest";
import { createCachedSettings } from "#shared/adapters/system/cached-settings.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { DEFAULT_SETTINGS, type SettingsVersion } from "#shared/domain/settings.ts";
import { DependencyFault } from "#shared/errors.ts";
import { createWriteSettings } from "#shared/usecases/write-settings.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemorySettings } from "#test/support/in-memory-settings.ts";

function setUp() {
  const clock = manualClock();
  const settingsStore = createInMemorySettings();
  const write = createWriteSettings({ settingsStore, clock });
  const get = vi.fn(settingsStore.get);
  const report = vi.fn();
  const settings = createCachedSettings({ store: { get }, clock, report });
  const setBatchSize = (batchSize: number) =>
    write({ batchSize }, { ownerId: asOwnerId("main"), by: "key 1" });
  return { clock, get, report, settings, setBatchSize };
}

describe("settings of a sandbox", () => {
  it("are the defaults until somebody changes them", async () => {
    expect(await setUp().settings.current()).toEqual(DEFAULT_SETTINGS);
  });

  it("follow a change within 30 s, whenever it is made, at one read every 15 s", async () => {
    const { clock, get, settings, setBatchSize } = setUp();
    for (let change = 1; change <= 5; change++) {
      clock.advance(change * 3_701);
      await settings.current();
      await setBatchSize(10 + change);
      let waitedMs = 0;
      while ((await settings.current()).batchSize !== 10 + change) {
        clock.advance(500);
        waitedMs += 500;
      }
      expect(waitedMs).toBeLessThanOrEqual(15_000);
    }
    const before = get.mock.calls.length;
    for (let second = 0; second < 60; second++) {
      clock.advance(1_000);
      await settings.current();
    }
    expect(get.mock.calls.length - before).toBeLessThanOrEqual(4);
  });

  it("are read once for all who ask at the same time", async () => {
    const { get, settings } = setUp();
    await Promise.all(Array.from({ length: 10 }, () => settings.current()));
    expect(get).toHaveBeenCalledTimes(1);
  });

  it("stay as they were while the table cannot be read, and are asked for again", async () => {
    const { clock, get, report, settings, setBatchSize } = setUp();
    await setBatchSize(20);
    expect((await settings.current()).batchSize).toBe(20);
    await setBatchSize(30);
    get.mockRejectedValueOnce(new DependencyFault("the table did not answer"));
    clock.advance(15_000);
    expect((await settings.current()).batchSize).toBe(20);
    expect(report).toHaveBeenCalledTimes(1);
    clock.advance(15_000);
    expect((await settings.current()).batchSize).toBe(30);
  });

  it("are unknown when they were never read: nothing is assumed", async () => {
    const { get, settings } = setUp();
    get.mockRejectedValueOnce(new DependencyFault("the table did not answer"));
    await expect(settings.current()).rejects.toThrow("the table did not answer");
    expect(await settings.current()).toEqual(DEFAULT_SETTINGS);
  });

  it("do not hang on a read that never answers for longer than it takes to fail", async () => {
    const { clock, get, settings } = setUp();
    await settings.current();
    clock.advance(15_000);
    let fail = (_: Error): void => {};
    get.mockReturnValueOnce(
      new Promise<SettingsVersion | undefined>((_, reject) => {
        fail = reject;
      }),
    );
    const waiting = [settings.current(), settings.current()];
    fail(new DependencyFault("no answer within 10 s"));
    expect(await Promise.all(waiting)).toEqual([DEFAULT_SETTINGS, DEFAULT_SETTINGS]);
  });
});
