import { err, ok, type Result } from "#shared/result.ts";
import type { Writing } from "./content/writing.ts";
import { chooseWriting, type WritingFields } from "./content/writing-fields.ts";
import { checkPost } from "./post-text.ts";
import type { Reason } from "./reason.ts";
import { type SplitWish, splitThread } from "./split-thread.ts";
import type { Part } from "./task.ts";

/** What a person wrote, and what is to be made of it. */
export interface PostText extends WritingFields {
  /** One per part. */
  readonly texts: readonly string[];
  /** One long text becomes a thread. */
  readonly split?: SplitWish | undefined;
}

export interface ComposedPost {
  readonly parts: readonly Part[];
  readonly writing?: Writing;
}

/**
 * The parts of a post, and what is to be written for it before it goes out.
 *
 * Refusals (`code`): `split-and-thread`, those of `checkPost`, `splitThread` and `chooseWriting`.
 */
export function composePost(
  { texts, split, ...fields }: PostText,
  { maxTextLength, hasMedia }: { readonly maxTextLength: number; readonly hasMedia: boolean },
): Result<ComposedPost, Reason> {
  const writing = chooseWriting(
    fields,
    texts.some((text) => text.trim() !== ""),
  );
  if (!writing.ok) return writing;
  const [text = "", ...more] = texts;
  if (split && more.length > 0)
    return err({
      code: "split-and-thread",
      message: "split is given, and the text is a thread already.",
      remedy: "Give one text to be split, or the parts without split.",
    });
  const divided: Result<readonly string[], Reason> =
    split && text.trim() !== "" ? splitThread(text, { maxTextLength, ...split }) : ok(texts);
  if (!divided.ok) return divided;
  // A text that is generated may have nothing to begin with.
  const parts = checkPost(divided.value, {
    maxTextLength,
    hasMedia: hasMedia || writing.value?.mode === "generate",
  });
  if (!parts.ok) return parts;
  return ok({ parts: parts.value, ...(writing.value && { writing: writing.value }) });
}
