import twitterText from "twitter-text";
import type { Medium } from "./media.ts";
import type { Part } from "./task.ts";

/**
 * What X charges, in millionths of a US dollar. Bare domains become links too, so they count as links.
 *
 * @see https://docs.x.com/x-api/getting-started/pricing
 */
export const X_PRICES_MICROS = { post: 15_000, postWithLink: 200_000, altText: 5_000 } as const;

const pricePart = ({ text }: Part): number =>
  twitterText.extractUrls(text).length > 0 ? X_PRICES_MICROS.postWithLink : X_PRICES_MICROS.post;

/** The price of all parts and their alternative texts. */
export const pricePost = (parts: readonly Part[], media: readonly Pick<Medium, "altText">[]): number =>
  parts.reduce((sum, part) => sum + pricePart(part), 0) +
  media.filter(({ altText }) => altText !== undefined).length * X_PRICES_MICROS.altText;
