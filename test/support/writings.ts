import type { Brief, Writing, WritingRequest } from "#shared/domain/content/writing.ts";

export const ENHANCE = { mode: "enhance", onFailure: "original" } as const satisfies Writing;

/** A wish that a text be said better; a test names only what it is about. */
export const aRequest = (over: Partial<WritingRequest> = {}): WritingRequest => ({
  writing: ENHANCE,
  texts: ["Our red kites fly again on Saturday at 10:30, see https://kites.example.com/fly @kiteshop"],
  language: "en",
  maxTextLength: 280,
  ...over,
});

export const aBrief = (over: Partial<Brief> = {}): Extract<Writing, { mode: "generate" }> => ({
  mode: "generate",
  onFailure: "hold",
  brief: {
    title: "Kite festival",
    points: ["200 kites on the beach", "Entry is free", "Ask @kiteshop"],
    link: "https://kites.example.com/festival",
    language: "en",
    ...over,
  },
});
