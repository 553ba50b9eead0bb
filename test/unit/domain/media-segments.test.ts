import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_SEGMENTS, planSegments, segmentRange } from "#shared/domain/segments.ts";

const MIB = 1_024 * 1_024;

describe("planSegments", () => {
  it("cuts into 4 MiB, or into 1 MiB", () => {
    expect(planSegments(9 * MIB, "large")).toEqual({ bytes: 4 * MIB, count: 3 });
    expect(planSegments(9 * MIB, "small")).toEqual({ bytes: MIB, count: 9 });
    expect(planSegments(1, "large")).toEqual({ bytes: 4 * MIB, count: 1 });
  });

  it("covers every byte once, with at most a thousand segments", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 16 * 1_024 * MIB }),
        fc.constantFrom("large" as const, "small" as const),
        (sizeBytes, size) => {
          const plan = planSegments(sizeBytes, size);
          expect(plan.count).toBeLessThanOrEqual(MAX_SEGMENTS);
          let end = 0;
          for (let segment = 0; segment < plan.count; segment++) {
            const { start, length } = segmentRange(plan, segment, sizeBytes);
            expect(start).toBe(end);
            expect(length).toBeGreaterThan(0);
            end += length;
          }
          expect(end).toBe(sizeBytes);
        },
      ),
    );
  });

  it("knows no segment beyond the last", () => {
    expect(() => segmentRange(planSegments(MIB, "large"), 1, MIB)).toThrow(RangeError);
  });
});
