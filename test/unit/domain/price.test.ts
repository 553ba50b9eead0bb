import { describe, expect, it } from "vitest";
import { pricePost, X_PRICES_MICROS } from "#shared/domain/price.ts";

const parts = (...texts: string[]) => texts.map((text) => ({ text }));

describe("pricePost", () => {
  it("knows what X charges, in millionths of a dollar", () => {
    expect(X_PRICES_MICROS).toEqual({ post: 15_000, postWithLink: 200_000, altText: 5_000 });
  });

  it.each([
    ["a text", "Kites over the harbour", 15_000],
    ["an empty text, for media alone", "", 15_000],
    ["a mention and a hashtag", "@punctual_dev flies #kites", 15_000],
    ["an address", "See https://example.com/kites?a=1", 200_000],
    ["a bare domain", "See example.com for more", 200_000],
    ["a bare domain between Chinese characters", "风筝example.com风筝", 200_000],
    ["two addresses: still one post", "https://example.com https://example.org", 200_000],
    ["a file name that is no domain", "See notes.md5sum", 15_000],
    ["an address of electronic mail", "Write to kites@example.com", 15_000],
  ])("of %s", (_, text, micros) => {
    expect(pricePost(parts(text), [])).toBe(micros);
  });

  it("adds up all parts and every alternative text", () => {
    const media = [{ altText: "A red kite" }, {}, { altText: "" }];
    expect(pricePost(parts("One", "Two example.com", "Three"), media)).toBe(
      15_000 + 200_000 + 15_000 + 2 * 5_000,
    );
    expect(pricePost([], [])).toBe(0);
  });
});
