import { describe, expect, it } from "vitest";
import { conflictView, toConflictView } from "#shared/contract/conflict-view.ts";
import { asAccountId } from "#shared/domain/ids.ts";
import type { Conflict } from "#shared/domain/planning/conflicts.ts";

const at = new Date("2026-12-01T12:00:00.000Z");

describe("a conflict as the API shows it", () => {
  it("has everything that is known, and nothing else", () => {
    const conflict: Conflict = {
      code: "near-duplicate",
      severity: "warns",
      message: "83 % of the text is as in the task b.",
      remedy: "Say something else.",
      with: [
        { id: "b", at, similarity: 107 / 128 },
        { id: "c", medium: "kite.jpg" },
      ],
      until: at,
      suggestions: [
        { kind: "slot", accountId: asAccountId("anne.main"), at, message: "It is free." },
        { kind: "fix", message: "Say it in other words." },
      ],
    };
    const view = toConflictView(conflict);
    expect(conflictView.parse(view)).toEqual({
      ...conflict,
      with: [
        { id: "b", at: "2026-12-01T12:00:00Z", similarity: 0.84 },
        { id: "c", medium: "kite.jpg" },
      ],
      until: "2026-12-01T12:00:00Z",
      suggestions: [
        { kind: "slot", accountId: "anne.main", at: "2026-12-01T12:00:00Z", message: "It is free." },
        { kind: "fix", message: "Say it in other words." },
      ],
    });
    const { until: _, ...open } = conflict;
    expect(toConflictView(open)).not.toHaveProperty("until");
  });
});
