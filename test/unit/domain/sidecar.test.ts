import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SidecarFormat } from "#shared/domain/drop-key.ts";
import { checkAltText, checkSidecarSize, MAX_SIDECAR_BYTES, parseSidecar } from "#shared/domain/sidecar.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const parse = (format: SidecarFormat, body: string | Uint8Array) => {
  const parsed = parseSidecar(format, typeof body === "string" ? bytesOf(body) : body);
  return parsed.ok ? parsed.value : parsed.error;
};
const md = (front: string, text = "Hello") => parse("md", `---\n${front}\n---\n${text}`);
const json = (value: unknown) => parse("json", JSON.stringify(value));

const DEFAULTS = {
  priority: 5,
  language: "zh",
  altText: [],
  reuseMedia: false,
};

describe("parseSidecar", () => {
  it("reads every field of the front matter", () => {
    const text = `---
publishAt: 2026-12-01 09:00        # a comment
account: main
priority: 1
language: pt_BR
media: [cover.jpg, clip.mp4]
altText: [A red kite over the harbour, "风筝: 红"]
latePolicy: { postWithin: 2h, then: hold }
strategy: optimal
reuseMedia: true
split: { numbering: true }
enhance: { tone: cheerful }
onEnhanceFailure: hold
---
First part 你好 🪁
with a second line
---
Second part
`;
    expect(parse("md", text)).toEqual({
      texts: ["First part 你好 🪁\nwith a second line", "Second part"],
      publishAt: "2026-12-01 09:00",
      account: "main",
      priority: 1,
      language: "pt-BR",
      media: ["cover.jpg", "clip.mp4"],
      altText: ["A red kite over the harbour", "风筝: 红"],
      latePolicy: { postWithinMs: 7_200_000, then: "hold" },
      strategy: "optimal",
      reuseMedia: true,
      split: { numbering: true },
      enhance: { mode: "enhance", tone: "cheerful" },
      onEnhanceFailure: "hold",
    });
  });

  it.each([
    ["md", "Hello", ["Hello"]],
    ["md", "---\n---\nHello", ["Hello"]],
    ["md", "one\n---\ntwo", ["one", "two"]],
    ["md", "---\naccount:\n---\nHello", ["Hello"]],
    ["md", "---\nmedia: []\n---\n", [""]],
    ["md", "---\nthread: [one, two]\n---\n\n", ["one", "two"]],
    ["md", "--- \r\npriority: 5\r\n---\r\none\r\n--- \r\ntwo\r\n", ["one", "two"]],
    ["txt", "---\nnot front matter\n---\n", ["---\nnot front matter\n---"]],
    ["txt", "\ufeffHello", ["Hello"]],
    ["md", "\ufeff---\npriority: 5\n---\nHello", ["Hello"]],
    ["json", '\ufeff{ "text": "Hello" }', ["Hello"]],
    ["json", '{ "thread": ["one", "two"], "account": null }', ["one", "two"]],
  ] as const)("%s %j has the texts %j", (format, body, texts) => {
    expect(parse(format, body)).toMatchObject({ texts });
  });

  it("has defaults for everything that is not said", () => {
    expect(parse("txt", "Hello")).toEqual({ ...DEFAULTS, texts: ["Hello"] });
  });

  it.each([
    ["language: cn", { language: "zh" }],
    ["language: no", { language: "no" }],
    ["account: 2026", { account: "2026" }],
    ["batch: 2026", { batch: "2026" }],
    ["batch: ' Cafe\u0301 '", { batch: "Caf\u00e9" }],
    ["altText: one text", { altText: ["one text"] }],
    ["altText: see *this* & that!", { altText: ["see *this* & that!"] }],
    ["media: cover.jpg", { media: ["cover.jpg"] }],
    ["media:\n  - a b.jpg\n  - 封面.jpg", { media: ["a b.jpg", "封面.jpg"] }],
    ["latePolicy: { postWithin: forever }", { latePolicy: { then: "missed" } }],
    ["latePolicy: { then: hold }", { latePolicy: { postWithinMs: 1_800_000, then: "hold" } }],
    ["strategy: next-free", { strategy: "next-free" }],
    ["hashtags: 2", { hashtags: { mode: "hashtags", count: 2 } }],
    ["generate: { title: Kites }", { generate: { mode: "generate", brief: { title: "Kites", points: [] } } }],
    ["split: true", { split: { numbering: false } }],
    ["latePolicy: { postWithin: 90 s }", { latePolicy: { postWithinMs: 90_000, then: "missed" } }],
  ])("understands %j", (front, expected) => {
    expect(md(front)).toMatchObject(expected);
  });

  it.each([
    ["publshAt: now", /“publshAt”.*Did you mean “publishAt”/],
    ["text: Hello", /“text”/],
    ["__proto__: 1", /“__proto__”/],
    ["constructor: 1", /“constructor”/],
  ])("names the unknown field of %j, and the nearest known one", (front, message) => {
    expect(md(front)).toMatchObject({
      code: "unknown-field",
      message: expect.stringMatching(message),
      remedy: expect.stringContaining("publishAt, account, priority"),
    });
  });

  it.each([
    "priority: 0",
    "priority: 11",
    "priority: 1.5",
    "priority: high",
    "language: Chinese!",
    "publishAt: 2026",
    "publishAt: [now]",
    "media: [../../outcome/default/trip.json]",
    "media: [a/b.jpg]",
    "media: [.hidden]",
    "media: [other.md]",
    "media: [a.jpg, a.jpg]",
    'media: ["a\\0.jpg"]',
    "media: 5",
    `altText: ${"a".repeat(1_001)}`,
    "altText: [1]",
    "thread: []",
    "thread: one",
    "latePolicy: 30m",
    "latePolicy: { postWithin: 30 minutes }",
    "latePolicy: { postWithin: 31d }",
    "latePolicy: { then: later }",
    "latePolicy: { until: now }",
    "strategy: best",
    "reuseMedia: 1",
    "split: yes please",
    "enhance: 3",
    "generate: a post about kites",
    "hashtags: 11",
    "onEnhanceFailure: ignore",
  ])("refuses %j and names the field", (front) => {
    const field = front.slice(0, front.indexOf(":"));
    expect(md(front)).toMatchObject({
      code: "invalid-field",
      message: expect.stringContaining(`“${field}”`),
    });
  });

  it.each([
    ["publishAt: [", /line 2 of the file/],
    ["a: 1\n  b: 2", /line [23] of the file/],
    ["priority: 1\npriority: 2", /unique.*line 3 of the file/],
    ["- a\n- b", /name: value/],
    ["just words", /name: value/],
    ["altText: &a [x]\nmedia: *a", /anchor .*line 2/],
    ["publishAt: now\nmedia: *a", /alias .*line 3/],
    ["account: !!js/function x", /tag .*line 2/],
    ["account: !secret x", /tag/],
    ["%YAML 1.1", /directive/],
    ["? a\n: b", /question mark/],
    [`altText: ${"[".repeat(20)}`, /nested/],
    ["a: '\n", /quote|end/i],
    [`altText: "${"a".repeat(40_000)}"`, /characters/],
  ])("refuses the malformed front matter %j", (front, message) => {
    expect(md(front)).toMatchObject({
      code: "malformed-front-matter",
      message: expect.stringMatching(message),
    });
  });

  it("is not kept busy by YAML that its parser needs minutes for", () => {
    const startedAt = performance.now();
    for (const hostile of ["? ", "? - ", "[? ", "[", "{a: ", "- ", "&a ", "a: ", '"', "a:\n"])
      md(hostile.repeat(Math.floor(32_000 / hostile.length)));
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it("wants front matter to end", () => {
    expect(parse("md", "---\npublishAt: now\nHello")).toMatchObject({ code: "malformed-front-matter" });
  });

  it.each(["{", "[]", '"text"', "null", "{ text: 'x' }", ""])("refuses the JSON %j", (body) => {
    expect(parse("json", body)).toMatchObject({ code: body ? "malformed-json" : "empty-file" });
  });

  it.each([
    [{ text: "a", publshAt: "now" }, "unknown-field"],
    [{ text: 5 }, "invalid-field"],
    [{ text: "a", thread: ["b"] }, "text-twice"],
  ])("refuses %j as %s", (value, code) => {
    expect(json(value)).toMatchObject({ code });
  });

  it("wants a thread in one place only", () => {
    expect(md("thread: [one]", "two")).toMatchObject({ code: "text-twice" });
    expect(md("thread: [one]", "two\n---\nthree")).toMatchObject({ code: "text-twice" });
  });

  it.each([
    ["json", '{ "text": "half \\ud800" }'],
    ["json", '{ "thread": ["ok", "\\udc00 half"] }'],
    ["json", '{ "text": "nul \\u0000" }'],
    ["json", '{ "text": "x", "altText": ["\\ud800"] }'],
    ["json", '{ "text": "x", "account": "a\\u0000" }'],
    ["md", '---\naltText: "\\ud800"\n---\nx'],
    ["txt", "bell \u0007"],
  ] as const)("refuses what no text can hold: %s %s", (format, body) => {
    expect(parse(format, body)).toMatchObject({ code: "invalid-text" });
  });

  it.each([
    ["Latin-1", Uint8Array.of(0x63, 0x61, 0x66, 0xe9)],
    ["UTF-16", Uint8Array.of(0xff, 0xfe, 0x61, 0x00)],
    ["a cut character", Uint8Array.of(0xe4, 0xbd)],
    ["an overlong character", Uint8Array.of(0xc0, 0x80)],
    ["a surrogate in UTF-8", Uint8Array.of(0xed, 0xa0, 0x80)],
    ["GB 18030", Uint8Array.of(0xc4, 0xe3, 0xba, 0xc3)],
  ])("refuses %s", (_, bytes) => {
    for (const format of ["md", "txt", "json"] as const)
      expect(parse(format, bytes)).toMatchObject({ code: "invalid-utf8" });
  });

  it("refuses nothing at all, and a file that is too large", () => {
    expect(parse("txt", "")).toMatchObject({ code: "empty-file" });
    expect(parse("txt", new Uint8Array(MAX_SIDECAR_BYTES + 1))).toMatchObject({ code: "sidecar-too-large" });
    expect(checkSidecarSize(MAX_SIDECAR_BYTES)).toBeUndefined();
    expect(checkSidecarSize(1_048_576)).toMatchObject({ code: "sidecar-too-large" });
  });

  it("gives a sidecar or a reason for any bytes, and never throws", () => {
    const format = fc.constantFrom("md", "txt", "json") satisfies fc.Arbitrary<SidecarFormat>;
    const word = fc.constantFrom(
      ..."---|\n|: |- |[|]|{|}|\"|'|publishAt|media|thread|text|altText|null|now|&a|*a|!!|? |\\ud800|<<|__proto__|,|#|\ufeff|\u0000|风|1e999".split(
        "|",
      ),
    );
    const framed = fc.array(word, { maxLength: 60 }).map((words) => `---\n${words.join("")}\n---\nx`);
    const structured = fc.json().map((value) => value);
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      framed.map(bytesOf),
      structured.map(bytesOf),
      fc.string({ unit: "binary", size: "max", maxLength: 2_000 }).map(bytesOf),
    );
    fc.assert(
      fc.property(format, body, (kind, bytes) => {
        const parsed = parseSidecar(kind, bytes);
        if (parsed.ok) {
          expect(parsed.value.texts.length).toBeGreaterThan(0);
          expect(parsed.value.texts.every((text) => text.isWellFormed())).toBe(true);
        } else {
          expect(parsed.error.code).toMatch(/^[a-z0-9-]+$/);
          expect(parsed.error.message.isWellFormed()).toBe(true);
          expect(parsed.error.remedy).not.toBe("");
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("checkAltText", () => {
  it("wants no more alternative texts than media", () => {
    expect(checkAltText(["a"], ["a.jpg"])).toBeUndefined();
    expect(checkAltText([], ["a.jpg"])).toBeUndefined();
    expect(checkAltText(["a", "b"], ["a.jpg"])).toMatchObject({ code: "alt-text-unmatched" });
    expect(checkAltText(["a"], [])).toMatchObject({ message: expect.stringContaining("no media") });
  });
});
