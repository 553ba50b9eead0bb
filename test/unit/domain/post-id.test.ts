import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createIdSource } from "#infra/local/sandbox/snowflake.ts";
import { postedAt } from "#shared/domain/post-id.ts";

describe("postedAt", () => {
  it("reads the instant of a post that is known", () => {
    // https://x.com/jack/status/20 is older than these ids; this one is the example of X's own page.
    expect(postedAt("1212092628029698048")?.toISOString()).toBe("2019-12-31T19:26:16.771Z");
  });

  it("finds every instant again that an id was made at", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date("2011-01-01"), max: new Date("2070-01-01"), noInvalidDate: true }),
        (at) => {
          expect(postedAt(createIdSource(() => at.getTime()).next())).toEqual(at);
        },
      ),
    );
  });

  it.each([
    "",
    "20",
    "post-1",
    "0123456789012345678",
    "99999999999999999999",
    "12120926280296980 48",
    "-121209262",
  ])("takes %j for no id", (text) => {
    expect(postedAt(text)).toBeUndefined();
  });
});
