import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { filesOfPost, NO_PROJECT, parseDropKey } from "#shared/domain/drop-key.ts";
import { outcomeKey } from "#shared/domain/outcome.ts";

describe("parseDropKey", () => {
  it.each([
    ["drop/default/trip.md", { base: "trip", role: "sidecar", format: "md" }],
    ["drop/default/trip.TXT", { base: "trip", role: "sidecar", format: "txt" }],
    ["drop/default/trip.json", { base: "trip", role: "sidecar", format: "json" }],
    ["drop/default/my.trip.md", { base: "my.trip", role: "sidecar" }],
    ["drop/default/trip.jpg", { base: "trip", role: "medium", number: 0 }],
    ["drop/default/trip.1.jpg", { base: "trip", role: "medium", number: 1 }],
    ["drop/default/trip.12.mp4", { base: "trip", role: "medium", number: 12 }],
    ["drop/default/v1.2.md", { base: "v1.2", role: "sidecar" }],
    ["drop/default/trip", { base: "trip", role: "medium", number: 0 }],
    ["drop/工作室/周末 风筝 🪁.md", { project: "工作室", base: "周末 风筝 🪁", role: "sidecar" }],
    ["drop/default/with spaces & 100%25 + more.md", { base: "with spaces & 100%25 + more" }],
  ])("reads %s", (key, expected) => {
    expect(parseDropKey(key)).toMatchObject({ ok: true, value: expected });
  });

  it.each([
    ["drop/default/", "a folder"],
    ["drop/default/.DS_Store", "a hidden file"],
    ["drop/default/.git/config", "a hidden folder"],
    ["drop/default/~$trip.docx", "an editor's lock"],
    ["drop/default/trip.md~", "an editor's copy"],
    ["drop/default/clip.mp4.part", "an unfinished download"],
    ["drop/default/Thumbs.db", "a thumbnail store"],
    ["outcome/default/trip.json", "another folder"],
  ])("ignores %s: %s", (key) => {
    expect(parseDropKey(key)).toEqual({ ok: false, error: { kind: "ignored" } });
  });

  it.each([
    ["drop/trip.md", "no-project", NO_PROJECT],
    ["drop//trip.md", "no-project", NO_PROJECT],
    ["drop/default/2026/trip.md", "nested-folder", "default"],
    ["drop/default/../trip.md", "unsafe-name", "default"],
    ["drop/../outcome/default/trip.md", "unsafe-name", NO_PROJECT],
    ["drop/default/./trip.md", "unsafe-name", "default"],
    ["drop/default/..\\trip.md", "unsafe-name", "default"],
    ["drop/default/tr\u0000ip.md", "unsafe-name", "default"],
    ["drop/default/tr\u001b[31mip.md", "unsafe-name", "default"],
    ["drop/default/tr\ud800ip.md", "unsafe-name", "default"],
    ["drop/default/.md", "empty-name", "default"],
    ["drop/default/  .md", "empty-name", "default"],
    [`drop/default/${"风".repeat(80)}.md`, "name-too-long", "default"],
    [`drop/${"p".repeat(101)}/trip.md`, "name-too-long", NO_PROJECT],
  ])("refuses %j as %s", (key, code, project) => {
    expect(parseDropKey(key)).toMatchObject({
      ok: false,
      error: { kind: "refused", project, why: { code } },
    });
  });

  it("gives a refused file an outcome of its own, which no file can have", () => {
    const refused = parseDropKey("drop/default/../中文 name.md");
    if (refused.ok || refused.error.kind !== "refused") throw new Error("it was not refused");
    expect(refused.error.base).toMatch(/^~.*中文-name-[0-9a-f]{8}$/);
    expect(parseDropKey(`drop/default/${refused.error.base}.md`)).toMatchObject({
      error: { kind: "ignored" },
    });
    expect(parseDropKey("drop/default/x/中文 name.md")).not.toMatchObject({
      error: { base: refused.error.base },
    });
  });

  it("never throws and never leaves outcome/<project>/, whatever the key", () => {
    const segment = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.string({ unit: fc.constantFrom("\ud800", "\udfff", "a", ".") }),
      fc.constantFrom("..", ".", "", "~", "\\", "%2e%2e", "con", "a.md", ".md", "_", "\u2028"),
    );
    const key = fc.array(segment, { maxLength: 5 }).map((segments) => `drop/${segments.join("/")}`);
    fc.assert(
      fc.property(key, (dropped) => {
        const parsed = parseDropKey(dropped);
        if (!parsed.ok && parsed.error.kind === "ignored") return;
        const { project, base } = parsed.ok
          ? parsed.value
          : (parsed.error as { project: string; base: string });
        const written = outcomeKey(project, base);
        const [top, folder, file, ...more] = written.split("/");
        expect([top, folder, more]).toEqual(["outcome", project, []]);
        expect(project).not.toMatch(/^(\.{0,2}|~.*)$/u);
        expect(file).not.toMatch(/[\p{Cc}\\]|^\.+$/u);
        expect(written.isWellFormed()).toBe(true);
        expect(Buffer.byteLength(file ?? "")).toBeLessThanOrEqual(255);
        expect(Buffer.byteLength(written)).toBeLessThanOrEqual(1_024);
      }),
      { numRuns: 500 },
    );
  });
});

describe("filesOfPost", () => {
  const named = (...files: string[]) =>
    files.map((file) => {
      const parsed = parseDropKey(`drop/default/${file}`);
      if (!parsed.ok) throw new Error(file);
      return { name: parsed.value };
    });
  const found = (base: string, ...files: string[]) => {
    const { sidecars, media } = filesOfPost(named(...files), base);
    return [sidecars.map(({ name }) => name.file), media.map(({ name }) => name.file)];
  };

  it("puts media in the order of their numbers, the one without first", () => {
    expect(found("trip", "trip.10.jpg", "trip.2.jpg", "trip.jpg", "trip.1.png", "trip.md")).toEqual([
      ["trip.md"],
      ["trip.jpg", "trip.1.png", "trip.2.jpg", "trip.10.jpg"],
    ]);
  });

  it("leaves other posts' files alone", () => {
    expect(found("trip", "trip.md", "trip.home.md", "trip.home.jpg")).toEqual([["trip.md"], []]);
  });

  it("gives a number to the post whose name ends in it", () => {
    const files = ["v1.md", "v1.2.md", "v1.2.jpg"];
    expect(found("v1.2", ...files)).toEqual([["v1.2.md"], ["v1.2.jpg"]]);
    expect(found("v1", ...files)).toEqual([["v1.md"], []]);
    expect(found("v1", "v1.md", "v1.2.jpg")).toEqual([["v1.md"], ["v1.2.jpg"]]);
  });

  it("sees every sidecar", () => {
    expect(found("trip", "trip.md", "trip.txt", "trip.json")[0]).toEqual([
      "trip.json",
      "trip.md",
      "trip.txt",
    ]);
  });
});
