import { describe, expect, it } from "vitest";
import { writingSchema } from "#shared/domain/content/writing.ts";
import {
  chooseWriting,
  enhanceField,
  generateField,
  hashtagsField,
  onEnhanceFailureField,
} from "#shared/domain/content/writing-fields.ts";

describe("enhance", () => {
  it.each([
    [true, { mode: "enhance" }],
    [false, undefined],
    [{}, { mode: "enhance" }],
    [
      { tone: "calm", onFailure: "hold", model: "gemini-3.5-flash-lite" },
      { mode: "enhance", tone: "calm", onFailure: "hold", model: "gemini-3.5-flash-lite" },
    ],
  ])("reads %j", (given, expected) => {
    expect(enhanceField.parse(given)).toEqual(expected);
  });

  it.each([
    "yes",
    1,
    { tone: "" },
    { tone: "x".repeat(101) },
    { onFailure: "never" },
    { model: "../keys" },
    { model: "gpt" },
    { more: 1 },
  ])("refuses %j", (given) => {
    expect(enhanceField.safeParse(given).success).toBe(false);
  });
});

describe("generate", () => {
  it("reads a brief", () => {
    expect(generateField.parse({ title: " Kites " })).toEqual({
      mode: "generate",
      brief: { title: "Kites", points: [] },
    });
    expect(
      generateField.parse({
        title: "K",
        points: ["a", "b"],
        link: "https://a.example.com/x",
        language: "pt_BR",
        tone: "calm",
        onFailure: "hold",
        model: "gemini-x",
      }),
    ).toEqual({
      mode: "generate",
      brief: {
        title: "K",
        points: ["a", "b"],
        link: "https://a.example.com/x",
        language: "pt-BR",
        tone: "calm",
      },
      onFailure: "hold",
      model: "gemini-x",
    });
  });

  it.each([
    true,
    {},
    { title: " " },
    { title: "x".repeat(301) },
    { title: "K", points: Array.from({ length: 21 }, () => "x") },
    { title: "K", points: ["x".repeat(501)] },
    { title: "K", points: "one" },
    { title: "K", link: "javascript:alert(1)" },
    { title: "K", link: "https://a.example.com/路" },
    { title: "K", link: "https://a.example.com/ and more" },
    { title: "K", language: "English" },
    { title: "K", secret: 1 },
  ])("refuses %j", (given) => {
    expect(generateField.safeParse(given).success).toBe(false);
  });
});

describe("hashtags", () => {
  it.each([
    [true, { mode: "hashtags", count: 3 }],
    [false, undefined],
    [5, { mode: "hashtags", count: 5 }],
    [
      { count: 2, onFailure: "hold" },
      { mode: "hashtags", count: 2, onFailure: "hold" },
    ],
    [{}, { mode: "hashtags", count: 3 }],
  ])("reads %j", (given, expected) => {
    expect(hashtagsField.parse(given)).toEqual(expected);
  });

  it.each([0, 11, 1.5, "3", { count: 0 }])("refuses %j", (given) => {
    expect(hashtagsField.safeParse(given).success).toBe(false);
  });
});

describe("chooseWriting", () => {
  const enhance = enhanceField.parse(true);
  const generate = generateField.parse({ title: "K" });
  const hashtags = hashtagsField.parse(2);

  it.each([
    ["nothing", {}, true, undefined],
    ["false", { enhance: enhanceField.parse(false) }, false, undefined],
    ["enhance", { enhance }, true, { mode: "enhance", onFailure: "original" }],
    ["hashtags", { hashtags }, true, { mode: "hashtags", count: 2, onFailure: "original" }],
    ["a brief", { generate }, false, { ...generate, onFailure: "hold" }],
    ["a brief beside a text", { generate }, true, { ...generate, onFailure: "original" }],
    [
      "the post's own rule",
      { enhance, onEnhanceFailure: onEnhanceFailureField.parse("hold") },
      true,
      { mode: "enhance", onFailure: "hold" },
    ],
    [
      "the wish's rule before the post's",
      { enhance: enhanceField.parse({ onFailure: "original" }), onEnhanceFailure: "hold" as const },
      true,
      { mode: "enhance", onFailure: "original" },
    ],
  ])("takes %s", (_what, fields, hasText, expected) => {
    const chosen = chooseWriting(fields, hasText);
    expect(chosen).toEqual({ ok: true, value: expected });
    if (expected) expect(writingSchema.parse(expected)).toEqual(expected);
  });

  it.each([
    ["two wishes", { enhance, hashtags }, true, "writing-twice"],
    ["no text to enhance", { enhance }, false, "nothing-to-enhance"],
    ["no text for hashtags", { hashtags }, false, "nothing-to-enhance"],
    ["no original", { generate, onEnhanceFailure: "original" as const }, false, "no-original"],
  ])("refuses %s", (_what, fields, hasText, code) => {
    expect(chooseWriting(fields, hasText)).toMatchObject({ ok: false, error: { code } });
  });
});
