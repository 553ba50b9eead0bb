import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ACCOUNT_CIRCUIT,
  admit,
  afterSilence,
  type Circuit,
  CLOSED_CIRCUIT,
  PLATFORM_CIRCUIT,
  startProbe,
} from "#shared/domain/circuit.ts";

const start = new Date("2026-12-01T01:00:00.000Z");
const at = (ms: number) => new Date(start.getTime() + ms);
const rule = { threshold: 3, pauseMs: 1_000, capMs: 5_000, probeMs: 400 };
const silences = (count: number, from: Circuit = CLOSED_CIRCUIT): Circuit =>
  Array.from({ length: count }).reduce<Circuit>((circuit) => afterSilence(circuit, start, rule), from);

describe("a circuit", () => {
  it("stays closed below its threshold, and opens at it", () => {
    expect(admit(CLOSED_CIRCUIT, start)).toEqual({ kind: "closed" });
    expect(admit(silences(2), start)).toEqual({ kind: "closed" });
    expect(silences(3)).toEqual({ failures: 3, openUntil: at(1_000) });
    expect(admit(silences(3), at(999))).toEqual({ kind: "open", until: at(1_000) });
  });

  it("lets one probe at a time through when the pause is over, and another when the first one died", () => {
    const open = silences(3);
    expect(admit(open, at(1_000))).toEqual({ kind: "probe" });
    const probing = startProbe(open, at(1_000), rule);
    expect(admit(probing, at(1_399))).toEqual({ kind: "open", until: at(1_400) });
    expect(admit(probing, at(1_400))).toEqual({ kind: "probe" });
  });

  it("doubles the pause with every probe that fails, up to the cap", () => {
    let circuit = silences(3);
    const pauses: number[] = [];
    for (let probes = 0; probes < 5; probes++) {
      const { openUntil = start } = circuit;
      circuit = afterSilence(startProbe(circuit, openUntil, rule), openUntil, rule);
      pauses.push((circuit.openUntil ?? start).getTime() - openUntil.getTime());
      expect(circuit).not.toHaveProperty("probeUntil");
    }
    expect(pauses).toEqual([2_000, 4_000, 5_000, 5_000, 5_000]);
  });

  it("is not kept open by those that were asked before it opened and fail late", () => {
    const open = silences(3);
    expect(afterSilence(open, at(999), rule)).toEqual(open);
    expect(silences(50, open)).toEqual(open);
  });

  it("has an end after any number of failures", () => {
    const long = { failures: 100_000, openUntil: start };
    expect(afterSilence(long, start, rule).openUntil).toEqual(at(5_000));
  });

  it.each([
    ["an account", ACCOUNT_CIRCUIT, 3, 900_000],
    ["X as a whole", PLATFORM_CIRCUIT, 6, 600_000],
  ])("of %s pauses a minute at first", (_, { threshold, pauseMs, capMs }, failures, cap) => {
    expect({ threshold, pauseMs, capMs }).toEqual({ threshold: failures, pauseMs: 60_000, capMs: cap });
  });

  it("in an outage lets through no more than its threshold, then one probe a pause", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 200 }), (gaps) => {
        let circuit: Circuit = CLOSED_CIRCUIT;
        let now = start.getTime();
        const asked: number[] = [];
        for (const gap of gaps) {
          now += gap;
          const instant = new Date(now);
          const admission = admit(circuit, instant);
          if (admission.kind === "open") {
            expect(admission.until.getTime()).toBeGreaterThan(now);
            continue;
          }
          asked.push(now);
          if (admission.kind === "probe") circuit = startProbe(circuit, instant, rule);
          circuit = afterSilence(circuit, instant, rule);
        }
        const probes = asked.slice(rule.threshold - 1);
        for (const [index, instant] of probes.slice(1).entries())
          expect(instant - (probes[index] ?? 0)).toBeGreaterThanOrEqual(
            Math.min(rule.capMs, rule.pauseMs * 2 ** index),
          );
      }),
    );
  });
});
