import { describe, expect, it } from "vitest";
import { expandText, parseTimeline } from "#shared/adapters/x/timeline.ts";

const POST = { id: "20", text: "Hello", created_at: "2026-12-01T01:00:00.000Z" };
const timeline = (...data: object[]) => ({ data, meta: { result_count: data.length } });
const link = (url: string, expanded_url: string, media_key?: string) => ({
  url,
  expanded_url,
  ...(media_key !== undefined && { media_key }),
});

describe("expandText", () => {
  it.each<[string, string, Parameters<typeof expandText>[1], string]>([
    ["the three escapes", "a &lt;b&gt; &amp;amp; c", [], "a <b> &amp; c"],
    [
      "a link",
      "see https://t.co/a now",
      [link("https://t.co/a", "http://kite.example/")],
      "see http://kite.example/ now",
    ],
    [
      "a link with signs of its own",
      "https://t.co/a",
      [link("https://t.co/a", "https://k.example/?a=1&b=$&")],
      "https://k.example/?a=1&b=$&",
    ],
    [
      "the link of two photos",
      "Kites https://t.co/p",
      [
        link("https://t.co/p", "https://x.com/…/photo/1", "3_1"),
        link("https://t.co/p", "https://x.com/…/photo/1", "3_2"),
      ],
      "Kites",
    ],
    ["a post of media only", "https://t.co/p", [link("https://t.co/p", "…", "3_1")], ""],
  ])("undoes %s", (_, text, urls, expected) => {
    expect(expandText(text, urls)).toBe(expected);
  });
});

describe("parseTimeline", () => {
  it("takes an empty timeline for what it is", () => {
    expect(parseTimeline({ meta: { result_count: 0 } })).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["errors only", { errors: [{ title: "Not Found Error" }] }],
    ["posts without a count", { data: [POST] }],
    ["fewer posts than it counts", { data: [], meta: { result_count: 1 } }],
    ["a post without an instant", timeline({ id: "20", text: "x" })],
    ["a page", "<html></html>"],
  ])("takes %s for no evidence", (_, answer) => {
    expect(parseTimeline(answer)).toBeUndefined();
  });

  it("reads the whole of a long post, its media and its parent", () => {
    const entities = { urls: [link("https://t.co/p", "https://x.com/…/video/1", "7_1")] };
    const note = {
      text: "All &amp; everything https://t.co/a",
      entities: { urls: [link("https://t.co/a", "http://k.example")] },
    };
    const referenced_tweets = [
      { type: "quoted", id: "8" },
      { type: "replied_to", id: "9" },
    ];
    const attachments = { media_keys: ["7_1"] };
    expect(
      parseTimeline(
        timeline({
          ...POST,
          text: "All &amp;… https://t.co/p",
          entities,
          note_tweet: note,
          referenced_tweets,
          attachments,
        }),
      ),
    ).toEqual([
      {
        postId: "20",
        text: note.text,
        expandedText: "All & everything http://k.example",
        mediaKeys: ["7_1"],
        inReplyTo: "9",
        createdAt: new Date(POST.created_at),
      },
    ]);
  });
});
