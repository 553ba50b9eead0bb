import { describe, expect, it, vi } from "vitest";
import { PLATFORM_CIRCUIT } from "#shared/domain/circuit.ts";
import type { Failure } from "#shared/domain/failure.ts";
import { admitToPlatform, heardFrom, reportToPlatform } from "#shared/usecases/watch-platform.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryCircuits } from "#test/support/in-memory-counters.ts";

const start = new Date("2026-12-01T01:00:00.000Z");
const at = (ms: number) => new Date(start.getTime() + ms);
const { threshold, pauseMs, probeMs } = PLATFORM_CIRCUIT;

function setUp() {
  const deps = { clock: manualClock(start), circuits: createInMemoryCircuits() };
  return {
    ...deps,
    admit: (instant: Date) => admitToPlatform(deps, instant),
    report: (heard: Parameters<typeof reportToPlatform>[1]) => reportToPlatform(deps, heard),
  };
}

/** X did not answer as often as it takes. */
async function inOutage() {
  const world = setUp();
  for (let count = 0; count < threshold; count++) await world.report("silence");
  return world;
}

describe("admitToPlatform", () => {
  it("lets everybody through while X answers, and writes nothing", async () => {
    const { admit, circuits } = setUp();
    expect(await admit(start)).toBeUndefined();
    expect(await circuits.get()).toMatchObject({ version: 0 });
  });

  it("lets nobody through after six silences in a row, for a minute", async () => {
    const { admit } = await inOutage();
    expect(await admit(at(pauseMs - 1))).toMatchObject({
      code: "circuit-open",
      until: at(pauseMs),
      known: false,
    });
  });

  it("lets one of many through as a probe, and another when that one died", async () => {
    const { admit } = await inOutage();
    const admitted = await Promise.all(Array.from({ length: 5 }, () => admit(at(pauseMs))));
    expect(admitted.filter((parking) => parking === undefined)).toHaveLength(1);
    const refused = { code: "circuit-open", until: at(pauseMs + probeMs) };
    expect(admitted.filter(Boolean)).toEqual(
      Array.from({ length: 4 }, () => expect.objectContaining(refused)),
    );
    expect(await admit(at(pauseMs + probeMs - 1))).toMatchObject(refused);
    expect(await admit(at(pauseMs + probeMs))).toBeUndefined();
  });

  it("judges by the instant at which the post is due, not by now", async () => {
    const { admit } = await inOutage();
    expect(await admit(at(pauseMs))).toBeUndefined();
  });
});

describe("reportToPlatform", () => {
  it("closes the circuit with any answer", async () => {
    const { admit, report, circuits } = await inOutage();
    await report("answer");
    expect(await circuits.get()).toMatchObject({ failures: 0 });
    expect(await circuits.get()).not.toHaveProperty("openUntil");
    expect(await admit(start)).toBeUndefined();
  });

  it("writes nothing as long as all is well, nor for those that fail late", async () => {
    const well = setUp();
    const save = vi.spyOn(well.circuits, "save");
    await well.report("answer");
    await well.report("nothing");
    expect(save).not.toHaveBeenCalled();

    const outage = await inOutage();
    const before = await outage.circuits.get();
    await outage.report("silence");
    expect(await outage.circuits.get()).toEqual(before);
  });

  it("doubles the pause when the probe is not answered", async () => {
    const { admit, report, clock, circuits } = await inOutage();
    clock.set(at(pauseMs));
    await admit(clock.now());
    await report("silence");
    expect(await circuits.get()).toMatchObject({ openUntil: at(3 * pauseMs), failures: threshold + 1 });
    expect(await circuits.get()).not.toHaveProperty("probeUntil");
  });

  it("loses no opinion to one race, and gives up after a few: one more or less changes little", async () => {
    const { report, circuits } = setUp();
    const save = circuits.save;
    const stale = { ok: false, error: { reason: "stale" } } as const;
    const spied = vi.spyOn(circuits, "save").mockResolvedValueOnce(stale);
    await report("silence");
    expect(await circuits.get()).toMatchObject({ failures: 1, version: 1 });
    spied.mockClear();
    spied.mockResolvedValue(stale);
    await report("silence");
    expect(spied).toHaveBeenCalledTimes(3);
    spied.mockImplementation(save);
    expect(await circuits.get()).toMatchObject({ failures: 1 });
  });
});

describe("heardFrom", () => {
  const failure = (code: string, kind: Failure["class"] = "transient"): Failure => ({
    class: kind,
    reason: { code, message: "No.", remedy: "Wait." },
  });

  it.each([
    ["x-unreachable", "silence"],
    ["x-unavailable", "silence"],
    ["worker-stalled", "nothing"],
    ["no-time-left", "nothing"],
    ["credentials-unavailable", "nothing"],
    ["renewal-busy", "nothing"],
    ["no-credentials", "nothing"],
    ["access-ended", "nothing"],
    ["duplicate-text", "answer"],
    ["rate-limited", "answer"],
    ["needs-reconnect", "answer"],
  ] as const)("%s: %s", (code, heard) => {
    expect(heardFrom(failure(code))).toBe(heard);
  });
});
