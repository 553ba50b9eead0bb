import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "#infra/local/services/journal.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "punctual-journal-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = () => join(folder, "deep", "entries.jsonl");

describe("a journal", () => {
  it("finds everything again after a restart", async () => {
    const journal = openJournal<number>(file());
    await Promise.all([journal.set("a", 1), journal.set("b", 2), journal.set("a", 3), journal.delete("b")]);
    expect([...openJournal<number>(file()).entries]).toEqual([["a", 3]]);
  });

  it("has written a change before it says so", async () => {
    const journal = openJournal<number>(file());
    await journal.set("a", 1);
    expect(readFileSync(file(), "utf8")).toBe('["a",1]\n');
  });

  it("ignores a last line that a crash cut short", async () => {
    await openJournal<number>(file()).set("a", 1);
    appendFileSync(file(), '["b",');
    expect([...openJournal<number>(file()).entries]).toEqual([["a", 1]]);
    await openJournal<number>(file()).set("c", 3);
    expect([...openJournal<number>(file()).entries.keys()]).toEqual(["a", "c"]);
  });

  it("does not grow over restarts", async () => {
    const journal = openJournal<number>(file());
    for (let value = 0; value < 50; value += 1) await journal.set("a", value);
    openJournal<number>(file());
    expect(readFileSync(file(), "utf8")).toBe('["a",49]\n');
  });

  it("only remembers without a file", async () => {
    const journal = openJournal<number>();
    await journal.set("a", 1);
    expect(journal.entries.get("a")).toBe(1);
  });
});
