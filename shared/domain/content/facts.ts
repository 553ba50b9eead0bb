/**
 * What of a text must survive when it is said differently: links and addresses, mentions, cashtags, hashtags, numbers.
 *
 * Entities are what X takes for one (twitter-text). Numbers are compared as they are written: “1,000” is not “1000”.
 * Number words are facts in Chinese, where they are digits, and not in other languages.
 */
import twitterText from "twitter-text";

export const FACT_KINDS = ["link", "mention", "cashtag", "hashtag", "number"] as const;
export type FactKind = (typeof FACT_KINDS)[number];

export interface Fact {
  readonly kind: FactKind;
  /** As it is compared. */
  readonly value: string;
  /** As it is written. */
  readonly text: string;
  /** UTF-16 offsets in the text; `end` is the first behind it. */
  readonly start: number;
  readonly end: number;
}

/** What X does not make a link of, but a reader would: other schemes, and mail addresses. */
const ADDRESS =
  /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*:\/\/[^\s<>"'`，。！？；：、（）《》「」『』【】]+|(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/giu;

/** A keycap emoji is no number. */
const NUMBER =
  /[\p{Nd}]+(?:[.,:/'’][\p{Nd}]+)*(?!\ufe0f?\u20e3)|[〇零一二三四五六七八九十百千万亿两]{2,}|[〇零一二三四五六七八九十两](?=[年月日号元折倍])/gu;

/** Words that only look like Chinese numbers. */
const NO_NUMBER = new Set(["一一", "万一", "千万", "万千", "百千", "千百"]);

/** In the order of the text; none lies inside another. */
export function findFacts(text: string): readonly Fact[] {
  const facts: Fact[] = [];
  const add = (kind: FactKind, value: string, start: number, end: number): void => {
    if (facts.some((fact) => start < fact.end && fact.start < end)) return;
    facts.push({ kind, value, text: text.slice(start, end), start, end });
  };
  // Longest kinds first: what lies inside a link is no mention and no number.
  for (const { url, indices } of twitterText.extractUrlsWithIndices(text)) add("link", url, ...indices);
  for (const found of text.matchAll(ADDRESS))
    add("link", found[0], found.index, found.index + found[0].length);
  for (const { screenName, listSlug, indices } of twitterText.extractMentionsOrListsWithIndices(text))
    add("mention", `@${screenName}${listSlug}`.toLowerCase(), ...indices);
  for (const { cashtag, indices } of twitterText.extractCashtagsWithIndices(text))
    add("cashtag", `$${cashtag}`.toUpperCase(), ...indices);
  for (const { hashtag, indices } of twitterText.extractHashtagsWithIndices(text))
    add("hashtag", `#${hashtag}`.toLowerCase(), ...indices);
  for (const { 0: found, index } of text.matchAll(NUMBER))
    if (!NO_NUMBER.has(found)) add("number", found.normalize("NFKC"), index, index + found.length);
  return facts.toSorted((a, b) => a.start - b.start);
}

const keyOf = ({ kind, value }: Fact): string => `${kind} ${value}`;

/** Those of `wanted` that `found` does not have, each as often as it is missing. */
export function missingFacts(wanted: readonly Fact[], found: readonly Fact[]): readonly Fact[] {
  const left = new Map<string, number>();
  for (const fact of found) left.set(keyOf(fact), (left.get(keyOf(fact)) ?? 0) + 1);
  return wanted.filter((fact) => {
    const count = left.get(keyOf(fact)) ?? 0;
    if (count > 0) left.set(keyOf(fact), count - 1);
    return count === 0;
  });
}

/** Those of `found` that `known` does not have at all. Repeating one invents nothing. */
export function inventedFacts(known: readonly Fact[], found: readonly Fact[]): readonly Fact[] {
  const keys = new Set(known.map(keyOf));
  return found.filter((fact) => !keys.has(keyOf(fact)));
}
