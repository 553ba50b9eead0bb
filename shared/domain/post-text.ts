import twitterText from "twitter-text";
import { err, ok, type Result } from "#shared/result.ts";
import type { Reason } from "./reason.ts";
import { MAX_PARTS, type Part } from "./task.ts";

/**
 * Longest text that is counted at all, in UTF-16 units. Links count 23 however long they are, so a text may be longer
 * than its weight; but counting takes quadratic time on some texts.
 */
export const MAX_COUNTED = 10_000;

/** Line breaks and tabs are text. The last three are what X itself calls invalid. */
const INVALID = /[^\P{Cc}\n\t]|[\uFEFF\uFFFE\uFFFF]/u;

/** As X counts: most scripts 1, Chinese, Japanese, Korean and emoji 2, a link 23. @see https://docs.x.com/fundamentals/counting-characters */
export const weightedLength = (text: string): number => twitterText.parseTweet(text).weightedLength;

/** Line ends as X has them, nothing around. */
export const tidyText = (text: string): string => text.replaceAll(/\r\n?/g, "\n").trim();

/** Why this can be no text of a post (`invalid-text`); undefined: it can. @param where - what the text is, for the message */
export function checkCharacters(text: string, where: string): Reason | undefined {
  const remedy = "Remove the character, save the file as UTF-8, and drop it again.";
  if (!text.isWellFormed())
    return {
      code: "invalid-text",
      message: `${where} has half of a character (an unpaired surrogate).`,
      remedy,
    };
  const found = INVALID.exec(text)?.[0].codePointAt(0);
  if (found === undefined) return undefined;
  const code = found.toString(16).toUpperCase().padStart(4, "0");
  return {
    code: "invalid-text",
    message: `${where} has the character U+${code}, which X does not take.`,
    remedy,
  };
}

/**
 * Checks what a post says.
 *
 * Refusals (`code`): `empty-post`, `empty-part`, `too-many-parts`, `invalid-text`, `text-too-long`.
 *
 * @param texts - one per part
 * @param maxTextLength - of the account, in weighted characters
 * @param hasMedia - a post of media alone needs no text
 */
export function checkPost(
  texts: readonly string[],
  { maxTextLength, hasMedia }: { readonly maxTextLength: number; readonly hasMedia: boolean },
): Result<readonly Part[], Reason> {
  const parts = texts.map((text) => ({ text: tidyText(text) }));
  const isThread = parts.length > 1;
  if (parts.length > MAX_PARTS)
    return err({
      code: "too-many-parts",
      message: `The thread has ${parts.length} parts; at most ${MAX_PARTS} are taken.`,
      remedy: "Make two threads of it.",
    });
  if (!isThread && !parts[0]?.text && !hasMedia)
    return err({
      code: "empty-post",
      message: "It has neither text nor media.",
      remedy: "Write a text, or drop a picture or a video of the same base name.",
    });

  for (const [index, { text }] of parts.entries()) {
    const where = isThread ? `Part ${index + 1} of the thread` : "The text";
    if (isThread && !text)
      return err({
        code: "empty-part",
        message: `${where} is empty.`,
        remedy: "Remove the line --- that is too many, or write the missing text.",
      });
    const invalid = checkCharacters(text, where);
    if (invalid) return err(invalid);
    const length = text.length > Math.max(MAX_COUNTED, maxTextLength) ? text.length : weightedLength(text);
    if (length > maxTextLength)
      return err({
        code: "text-too-long",
        message:
          `${where} has ${length} weighted characters; the account may use ${maxTextLength} ` +
          "(Chinese characters and emoji count 2, a link 23).",
        remedy: isThread
          ? "Shorten this part, or divide it by another line of three dashes (---)."
          : "Shorten it, or make it a thread: divide it by lines of three dashes (---), in JSON by the list thread.",
      });
  }
  return ok(parts);
}
