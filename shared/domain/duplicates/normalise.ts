/**
 * What is left of a text when everything is gone that can be changed without saying anything else: upper case, widths
 * and styles of letters, emoji, punctuation, white space.
 */

/** What may stand in a link. It ends at the first other character, so Chinese may follow directly. */
const URL_CHARACTERS = "[\\w\\-.~:/?#[\\]@!$&'()*+,;=%]*";

/**
 * Links, also without a scheme if they have a path. A match starts only where no name can have started before: time
 * stays linear.
 */
const LINK = new RegExp(
  `(?<![\\w.-])(?:https?://|www\\.|[a-z0-9.-]{1,253}\\.[a-z]{2,24}/)${URL_CHARACTERS}`,
  "gi",
);
const LINK_END = /(?<![.,:;!?)])[.,:;!?)]+$/;

const APOSTROPHE = /['’]/gu;
/** Neither letter nor digit, nor an accent on one. Emoji are symbols; what joins and colours them is listed. */
const NO_WORD = /(?:[^\p{L}\p{N}\p{M}]|[\uFE00-\uFE0F\u20E3\u{E0100}-\u{E01EF}])+/gu;

/** Written without spaces between words (Korean has them; its syllables are compared in the same way). */
const CJK = "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\u30FC";
const CJK_RUN = new RegExp(`[${CJK}]+`, "gu");
const SPACE_BESIDE_CJK = new RegExp(`(?<=[${CJK}]) | (?=[${CJK}])`, "gu");

const wordsOf = (text: string): string =>
  text.toLowerCase().replace(APOSTROPHE, "").replace(NO_WORD, " ").replace(SPACE_BESIDE_CJK, "").trim();

/** What two texts must share to be the same. Links and hashtags count: another link is another post. */
export function exactForm(text: string): string {
  const plain = text.normalize("NFKC");
  const links = plain.match(LINK) ?? [];
  const pieces = [wordsOf(plain.replace(LINK, " ")), ...links.map((link) => link.replace(LINK_END, ""))];
  const form = pieces.filter((piece) => piece !== "").join(" ");
  // Nothing but emoji or punctuation: then these are what it says.
  return form === "" ? plain.replaceAll(/\s+/gu, " ").trim() : form;
}

/** Without the hashtags that it ends with: they sort a post, they say nothing. Those within a sentence are words. */
function withoutLastHashtags(line: string): string {
  const words = line.split(/\s+/u);
  const last = words.findLastIndex((word) => word !== "" && !word.startsWith("#"));
  return words.slice(0, last + 1).join(" ");
}

/** What two texts are compared by to tell how similar they are. */
const comparableForm = (text: string): string =>
  wordsOf(text.normalize("NFKC").replace(LINK, " ").split("\n").map(withoutLastHashtags).join(" "));

/** Texts with fewer words, or pairs of Chinese characters, say too little for a likeness to mean anything. */
const MIN_UNITS = 5;
/** Characters of the pieces of words that are compared beside the words themselves: they survive a misspelling. */
const GRAM = 4;

/**
 * The pieces by which two texts are compared: pairs of characters in Chinese, Japanese and Korean; elsewhere words, and
 * every four characters in a row.
 *
 * @returns none if the text is too short to be compared by pieces
 */
export function shinglesOf(text: string): ReadonlySet<string> {
  const form = comparableForm(text);
  const shingles = new Set<string>();
  let units = 0;
  for (const [run] of form.matchAll(CJK_RUN)) {
    const characters = [...run];
    for (const [index, character] of characters.entries()) {
      const next = characters[index + 1];
      if (next === undefined && characters.length > 1) break;
      shingles.add(character + (next ?? ""));
      units++;
    }
  }
  const rest = form.replace(CJK_RUN, " ").trim();
  const words = rest === "" ? [] : rest.split(/ +/u);
  for (const word of words) shingles.add(`${word} `);
  const line = words.join(" ");
  for (let at = 0; at + GRAM <= line.length; at++) shingles.add(line.slice(at, at + GRAM));
  return units + words.length < MIN_UNITS ? new Set() : shingles;
}
