import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatVersion, isNewer, outcomeKey, parseVersion, versionOf } from "#shared/domain/outcome.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { aDrop } from "#test/support/drop-builders.ts";

describe("versions of outcomes", () => {
  it("survive being written and read", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (drop, task) => {
        expect(parseVersion(formatVersion({ drop, task }))).toEqual({ drop, task });
      }),
    );
  });

  it.each([undefined, "", "1", "1.2.3", "a.b", "-1.0", "1e3.0"])("are not read from %j", (text) => {
    expect(parseVersion(text)).toBeUndefined();
  });

  it("count the drop first, so that a new task of the same files is newer although it begins at 1", () => {
    expect(isNewer({ drop: 5, task: 1 }, { drop: 4, task: 9 })).toBe(true);
    expect(isNewer({ drop: 5, task: 2 }, { drop: 5, task: 1 })).toBe(true);
    expect(isNewer({ drop: 5, task: 1 }, { drop: 5, task: 1 })).toBe(false);
    expect(isNewer({ drop: 4, task: 9 }, { drop: 5, task: 1 })).toBe(false);
  });

  it("count a missing task as 0", () => {
    const drop = aDrop({ version: 7 });
    const task = aTask({ version: 3 });
    expect(versionOf({ drop })).toEqual({ drop: 7, task: 0 });
    expect(
      versionOf({ drop, post: { task, content: aContent(task), account: "main", timeZone: "UTC" } }),
    ).toEqual({
      drop: 7,
      task: 3,
    });
  });
});

it("outcomeKey keeps to the folder of the project", () => {
  expect(outcomeKey("default", "周末 trip")).toBe("outcome/default/周末 trip.json");
});
