import { describe, expect, it } from "vitest";
import { composePost } from "#shared/domain/compose-post.ts";

const limits = { maxTextLength: 280, hasMedia: false };
const long = Array.from({ length: 60 }, (_, index) => `Sentence number ${index + 1} is here.`).join(" ");
const brief = { mode: "generate", brief: { title: "Kites", points: [] } } as const;

describe("composePost", () => {
  it("keeps a plain text and a thread as they are", () => {
    expect(composePost({ texts: ["Hello"] }, limits)).toEqual({
      ok: true,
      value: { parts: [{ text: "Hello" }] },
    });
    expect(composePost({ texts: ["one", "two"] }, limits)).toMatchObject({
      value: { parts: [{ text: "one" }, { text: "two" }] },
    });
  });

  it("splits a long text only when it is asked to", () => {
    expect(composePost({ texts: [long] }, limits)).toMatchObject({ error: { code: "text-too-long" } });
    const split = composePost({ texts: [long], split: { numbering: true } }, limits);
    if (!split.ok) throw new Error(split.error.code);
    expect(split.value.parts.length).toBeGreaterThan(5);
    expect(split.value.parts[0]?.text).toMatch(/^1\/\d+ Sentence number 1 /);
  });

  it("does not split what is a thread already", () => {
    expect(composePost({ texts: ["one", "two"], split: { numbering: false } }, limits)).toMatchObject({
      error: { code: "split-and-thread" },
    });
  });

  it("lets a text be empty that is to be generated, and no other", () => {
    expect(composePost({ texts: [""], generate: brief }, limits)).toMatchObject({
      value: { parts: [{ text: "" }], writing: { mode: "generate", onFailure: "hold" } },
    });
    expect(composePost({ texts: [""] }, limits)).toMatchObject({ error: { code: "empty-post" } });
    expect(composePost({ texts: [""], enhance: { mode: "enhance" } }, limits)).toMatchObject({
      error: { code: "nothing-to-enhance" },
    });
  });

  it("enhances a text that may go out as it is", () => {
    expect(composePost({ texts: ["Hello"], enhance: { mode: "enhance" } }, limits)).toMatchObject({
      value: { writing: { mode: "enhance", onFailure: "original" } },
    });
  });

  it("still refuses what X would", () => {
    expect(composePost({ texts: ["Hel\u0007lo"], enhance: { mode: "enhance" } }, limits)).toMatchObject({
      error: { code: "invalid-text" },
    });
  });
});
