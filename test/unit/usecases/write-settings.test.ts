import { describe, expect, it, vi } from "vitest";
import { asOwnerId } from "#shared/domain/ids.ts";
import { DEFAULT_SETTINGS } from "#shared/domain/settings.ts";
import { createListSettingVersions, createReadSettings } from "#shared/usecases/read-settings.ts";
import { createRollbackSettings } from "#shared/usecases/rollback-settings.ts";
import { createWriteSettings } from "#shared/usecases/write-settings.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemorySettings } from "#test/support/in-memory-settings.ts";

const OPERATOR = { ownerId: asOwnerId("main"), by: "key 1" };
const TENANT = { ownerId: asOwnerId("anne"), by: "key 2" };

function setUp() {
  const clock = manualClock();
  const settingsStore = { ...createInMemorySettings() };
  const deps = { settingsStore, clock };
  return {
    clock,
    settingsStore,
    read: createReadSettings(deps),
    list: createListSettingVersions(deps),
    write: createWriteSettings(deps),
    rollback: createRollbackSettings(deps),
  };
}

describe("writeSettings", () => {
  it("makes a version of each change, with who, when, and what changed", async () => {
    const { write, read, list, clock } = setUp();
    expect(await read()).toEqual({ version: 0, values: DEFAULT_SETTINGS });
    await write({ batchSize: 20 }, OPERATOR);
    clock.advance(1_000);
    const second = await write({ batchSize: 30, requestsPerHour: 60 }, OPERATOR);
    expect(second).toMatchObject({ ok: true, value: { version: 2 } });
    expect(await read()).toMatchObject({
      version: 2,
      values: { ...DEFAULT_SETTINGS, batchSize: 30, requestsPerHour: 60 },
      saved: { savedAt: clock.now(), savedBy: "key 1" },
    });
    const { versions } = await list({ limit: 10 });
    expect(versions.map(({ version, changed }) => [version, changed])).toEqual([
      [
        2,
        [
          { name: "batchSize", from: 20, to: 30 },
          { name: "requestsPerHour", from: 1_000, to: 60 },
        ],
      ],
      [1, [{ name: "batchSize", from: 50, to: 20 }]],
    ]);
  });

  it("does not save what is in force already", async () => {
    const { write, read } = setUp();
    expect(await write({ batchSize: DEFAULT_SETTINGS.batchSize }, OPERATOR)).toEqual({
      ok: true,
      value: { version: 0, values: DEFAULT_SETTINGS },
    });
    await write({ batchSize: 20 }, OPERATOR);
    for (const change of [{ batchSize: 20 }, {}]) await write(change, OPERATOR);
    expect((await read()).version).toBe(1);
  });

  it("refuses whoever decided by another version, and names the one in force", async () => {
    const { write, read } = setUp();
    await write({ batchSize: 20 }, { ...OPERATOR, ifVersion: 0 });
    const stale = { ok: false, error: { reason: "stale", version: 1 } };
    expect(await write({ batchSize: 30 }, { ...OPERATOR, ifVersion: 0 })).toEqual(stale);
    expect(await write({ batchSize: 20 }, { ...OPERATOR, ifVersion: 7 })).toEqual(stale);
    expect((await read()).values.batchSize).toBe(20);
  });

  it("goes on top of a change that was faster, unless it was decided without it", async () => {
    const { write, read, settingsStore } = setUp();
    const { save } = settingsStore;
    const race = () =>
      vi.spyOn(settingsStore, "save").mockImplementationOnce(async (next) => {
        await save({ ...next, values: { ...next.values, batchSize: 20, retryBaseSeconds: 90 } });
        return { ok: false, error: { reason: "stale" } };
      });
    race();
    expect(await write({ retryBaseSeconds: 30 }, OPERATOR)).toMatchObject({
      ok: true,
      value: { version: 2 },
    });
    expect((await read()).values).toEqual({ ...DEFAULT_SETTINGS, batchSize: 20, retryBaseSeconds: 30 });
    race();
    expect(await write({ retryBaseSeconds: 45 }, { ...OPERATOR, ifVersion: 2 })).toEqual({
      ok: false,
      error: { reason: "stale", version: 3 },
    });
  });

  it("is for the deployment's first owner only", async () => {
    const { write, rollback, read } = setUp();
    const refused = { ok: false, error: { reason: "operator-only" } };
    expect(await write({ batchSize: 20 }, TENANT)).toEqual(refused);
    expect(await rollback(0, TENANT)).toEqual(refused);
    // Not even whether a version exists.
    expect(await rollback(99, TENANT)).toEqual(refused);
    expect((await read()).version).toBe(0);
  });
});

describe("rollbackSettings", () => {
  it("makes an old version the newest one, and keeps what was between", async () => {
    const { write, rollback, read, list } = setUp();
    await write({ batchSize: 20 }, OPERATOR);
    await write({ batchSize: 30, retryBaseSeconds: 90 }, OPERATOR);
    expect(await rollback(1, { ...OPERATOR, by: "key 9" })).toMatchObject({
      ok: true,
      value: { version: 3 },
    });
    expect(await read()).toMatchObject({
      version: 3,
      values: { ...DEFAULT_SETTINGS, batchSize: 20 },
      saved: { restores: 1, savedBy: "key 9" },
    });
    expect((await list({ limit: 10 })).versions[0]?.changed).toEqual([
      { name: "batchSize", from: 30, to: 20 },
      { name: "retryBaseSeconds", from: 90, to: 60 },
    ]);
  });

  it("brings the defaults back as version 0", async () => {
    const { write, rollback, read } = setUp();
    await write({ batchSize: 20 }, OPERATOR);
    await rollback(0, OPERATOR);
    expect(await read()).toMatchObject({ version: 2, values: DEFAULT_SETTINGS, saved: { restores: 0 } });
  });

  it("refuses a version that there is not, and one decided on another", async () => {
    const { write, rollback } = setUp();
    await write({ batchSize: 20 }, OPERATOR);
    expect(await rollback(2, OPERATOR)).toEqual({ ok: false, error: { reason: "unknown-version" } });
    expect(await rollback(0, { ...OPERATOR, ifVersion: 0 })).toEqual({
      ok: false,
      error: { reason: "stale", version: 1 },
    });
  });
});

describe("listSettingVersions", () => {
  it("goes through them page by page, to the first", async () => {
    const { write, list } = setUp();
    for (let size = 11; size <= 15; size++) await write({ batchSize: size }, OPERATOR);
    const seen: number[] = [];
    let before: number | undefined;
    do {
      const { versions, next } = await list({ limit: 2, before });
      seen.push(...versions.map(({ version }) => version));
      before = next;
    } while (before !== undefined);
    expect(seen).toEqual([5, 4, 3, 2, 1]);
  });
});
