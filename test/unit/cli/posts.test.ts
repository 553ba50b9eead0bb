import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CliError, usageError } from "#cli/failures.ts";
import { decodeText } from "#cli/files.ts";
import { chunkPosts, readCsv, readJsonLines, readPosts, splitParts } from "#cli/posts.ts";

const reader = {
  readTime(text: string) {
    if (text === "never") throw usageError("“never” is no time.", "Write another.");
    return `<${text}>`;
  },
};
const csv = (text: string) => readCsv(text, reader);

describe("a CSV file", () => {
  it("has fields of the API as columns, each cell what its field takes", () => {
    const { posts, errors } = csv(
      'text,publishAt,priority,split,maxRetries,latePolicy\nHello,tomorrow 09:00,3,true,,"{""postWithin"":""2h""}"\n12345,,,,0,\n',
    );
    expect(errors).toEqual([]);
    expect(posts).toEqual([
      {
        line: 2,
        post: {
          text: "Hello",
          publishAt: "<tomorrow 09:00>",
          priority: 3,
          split: true,
          latePolicy: { postWithin: "2h" },
        },
      },
      // A text of digits is a text.
      { line: 3, post: { text: "12345", maxRetries: 0 } },
    ]);
  });

  it("tells the line on which a row begins, however many lines it has", () => {
    const text = 'text,priority\n"one\ntwo\nthree",5\n\nshort,99\n"four\nfive",0\n';
    expect(csv(text).errors.map(({ line }) => line)).toEqual([6, 7]);
    expect(csv(text).posts.map(({ line }) => line)).toEqual([2]);
  });

  it("tells everything that is wrong with a row, by field", () => {
    const { errors } = csv("text,priority,publishAt\n,99,never\n");
    expect(errors.map(({ line }) => line)).toEqual([2, 2, 2]);
    expect(errors.map(({ message }) => message).join("\n")).toMatch(
      /publishAt: “never”[\s\S]*priority: [\s\S]*text: /,
    );
  });

  it("refuses columns that no post has, and says which there are", () => {
    expect(() => csv("text,colour\nHello,red\n")).toThrow(/“colour”/);
    expect(() => csv("text,text\na,b\n")).toThrow(/twice/);
  });

  it("tells rows that have too many cells", () => {
    expect(csv("text,priority\nHello, world,5\n").errors).toEqual([
      {
        line: 2,
        message: "It has 3 cells, and the first line names 2: put quotes around cells with commas.",
      },
    ]);
  });

  it("names the line of a quote that does not end", () => {
    expect(() => csv('text\nHello\n"never ends\n')).toThrow(/Line \d+: the quotes/);
  });

  it.each([
    ["a byte order mark", "\ufefftext,priority\nHello,5\n"],
    ["lines of Windows", "text,priority\r\nHello,5\r\n"],
    ["semicolons", "text;priority\nHello;5\n"],
    ["tabs", "text\tpriority\nHello\t5\n"],
  ])("may have %s", (_, text) => {
    expect(csv(text).posts).toEqual([{ line: 2, post: { text: "Hello", priority: 5 } }]);
  });

  it("has threads as JSON or divided by lines ---; commas divide nothing", () => {
    expect(csv('thread\n"[""a"",""b""]"\n"one, two\n---\nthree"\n').posts.map(({ post }) => post)).toEqual([
      { thread: ["a", "b"] },
      { thread: ["one, two", "three"] },
    ]);
  });

  it("gives back any text that was quoted as the format wants it", () => {
    const written = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => text.trim() !== "");
    fc.assert(
      fc.property(fc.array(written, { minLength: 1, maxLength: 5 }), (texts) => {
        const file = ["text", ...texts.map((text) => `"${text.replaceAll('"', '""')}"`)].join("\n");
        expect(csv(file).posts.map(({ post }) => post.text)).toEqual(texts);
      }),
    );
  });
});

describe("a JSONL file", () => {
  it("has a post on each line, and is told line by line", () => {
    const { posts, errors } = readJsonLines(
      '{"text":"a","publishAt":"now"}\n\n{"text":\n[1]\n{"text":"b","colour":"red"}\n{"thread":["c","d"]}',
      reader,
    );
    expect(posts).toEqual([
      { line: 1, post: { text: "a", publishAt: "<now>" } },
      { line: 6, post: { thread: ["c", "d"] } },
    ]);
    expect(errors.map(({ line }) => line)).toEqual([3, 4, 5]);
    expect(errors.at(-1)?.message).toContain("colour");
  });

  it("is known by its first character where no name says it", () => {
    expect(readPosts('{"text":"a"}', undefined, reader).posts).toHaveLength(1);
    expect(readPosts("text\na\n", undefined, reader).posts).toHaveLength(1);
  });
});

describe("requests", () => {
  it("hold no more posts than asked for, no more bytes, and every post once, in order", () => {
    const posts = fc.array(fc.string({ maxLength: 40 }), { maxLength: 60 });
    fc.assert(
      fc.property(posts, fc.integer({ min: 1, max: 10 }), (texts, most) => {
        const lines = texts.map((post, index) => ({ line: index + 2, post }));
        const chunks = chunkPosts(lines, most, 300);
        expect(chunks.flat()).toEqual(lines);
        for (const chunk of chunks) {
          expect(chunk.length).toBeGreaterThan(0);
          expect(chunk.length).toBeLessThanOrEqual(most);
          const bytes = Buffer.byteLength(JSON.stringify(chunk.map(({ post }) => post)));
          // One that is too large by itself goes alone: the API says so.
          if (chunk.length > 1) expect(bytes).toBeLessThanOrEqual(302);
        }
      }),
    );
  });
});

it("divides a thread at lines ---", () => {
  expect(splitParts("one\n---\ntwo\r\nthree\n--- \nfour --- five")).toEqual([
    "one",
    "two\nthree",
    "four --- five",
  ]);
});

it("refuses what is not UTF-8", () => {
  expect(decodeText(new TextEncoder().encode("港"), "a.csv")).toBe("港");
  expect(() => decodeText(Uint8Array.of(0xb8, 0xdb), "a.csv")).toThrow(CliError);
});
