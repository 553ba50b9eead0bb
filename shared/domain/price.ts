import twitterText from "twitter-text";
import type { Medium } from "./media.ts";
import type { Part } from "./task.ts";

/**
 * What X charges, in millionths of a US dollar. Bare domains become links too, so they count as links.
 *
 * @see https://docs.x.com/x-api/getting-started/pricing
 */
export const X_PRICES_MICROS = { post: 15_000, postWithLink: 200_000, altText: 5_000 } as const;

export interface PartPrice {
  readonly micros: number;
  /** The first link of the part: what makes it dear. */
  readonly url?: string;
}

export interface PostPrice {
  /** Of the parts and the alternative texts together, in millionths of a US dollar. */
  readonly micros: number;
  readonly parts: readonly PartPrice[];
  readonly altTextMicros: number;
}

function pricePart({ text }: Part): PartPrice {
  const [url] = twitterText.extractUrls(text);
  return url === undefined ? { micros: X_PRICES_MICROS.post } : { micros: X_PRICES_MICROS.postWithLink, url };
}

/** What X will charge for a post, and why. */
export function itemizePrice(parts: readonly Part[], media: readonly Pick<Medium, "altText">[]): PostPrice {
  const priced = parts.map(pricePart);
  const altTextMicros = media.filter(({ altText }) => altText !== undefined).length * X_PRICES_MICROS.altText;
  return {
    micros: priced.reduce((sum, { micros }) => sum + micros, altTextMicros),
    parts: priced,
    altTextMicros,
  };
}

/** The price of all parts and their alternative texts. */
export const pricePost = (parts: readonly Part[], media: readonly Pick<Medium, "altText">[]): number =>
  itemizePrice(parts, media).micros;
