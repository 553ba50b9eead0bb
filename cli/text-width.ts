/** How wide a text is in a terminal, and how it is cut to fit. */

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Two columns. @see https://www.unicode.org/reports/tr11/ */
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]/u;
const EMOJI = /\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{Regional_Indicator}/u;
/** No column of their own. */
const INVISIBLE = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

function graphemeWidth(grapheme: string): number {
  if (INVISIBLE.test(grapheme)) return 0;
  return WIDE.test(grapheme) || EMOJI.test(grapheme) ? 2 : 1;
}

/** In columns of a terminal. Chinese characters and emoji take two. */
export function textWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** At most so many columns, with `…` in place of what did not fit. No character is cut in half. */
export function truncateText(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let kept = "";
  let left = columns - 1;
  for (const { segment } of graphemes.segment(text)) {
    left -= graphemeWidth(segment);
    if (left < 0) break;
    kept += segment;
  }
  return columns < 1 ? "" : `${kept}…`;
}

const CONTROLS: Readonly<Record<string, string>> = { "\n": "⏎ ", "\r": "", "\t": " " };

/**
 * A foreign text in one line that no terminal obeys: nothing moves the cursor, changes colours, or turns the direction of
 * writing around.
 */
export const oneLine = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll(/[\p{Cc}\u2028\u2029]/gu, (control) => CONTROLS[control] ?? "\ufffd")
    .replaceAll(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");

/** The same for a text of several lines. */
export const visibleLines = (text: string): readonly string[] => text.split(/\r\n?|\n/).map(oneLine);
