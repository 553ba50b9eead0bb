/** Makes a written text fit by leaving whole sentences out, never a fact, and never a part of anything. */
import { err, ok, type Result } from "#shared/result.ts";
import { tidyText, weightedLength } from "../post-text.ts";
import { type Fact, findFacts, missingFacts } from "./facts.ts";

/** Counting takes quadratic time on some texts: what is far too long is not counted, and is as long as it is. */
const MAX_COUNTED = 10_000;

/** How many weighted characters a text is too long by; 0 when it fits. */
export function excessOf(text: string, maxTextLength: number): number {
  const length = text.length > Math.max(MAX_COUNTED, maxTextLength) ? text.length : weightedLength(text);
  return Math.max(0, length - maxTextLength);
}

export type FitRefusal =
  /** Every sentence but those with facts is gone, and it is still too long. */
  { readonly reason: "too-long"; readonly excess: number };

interface Sentence {
  readonly text: string;
  /** White space behind it. */
  readonly gap: string;
}

/** Any locale finds the same ends for the scripts that posts are written in. */
const SENTENCES = new Intl.Segmenter("en", { granularity: "sentence" });

/**
 * Leaves sentences out, the last ones first, until the text fits: never the first, and none whose facts are needed.
 *
 * @param needed - facts that the result must have, each as often as it is listed
 */
export function fitText(
  text: string,
  needed: readonly Fact[],
  maxTextLength: number,
): Result<string, FitRefusal> {
  let current = tidyText(text);
  if (excessOf(current, maxTextLength) === 0) return ok(current);
  let sentences = sentencesOf(current);
  for (let index = sentences.length - 1; index > 0; index--) {
    const without = leaveOut(sentences, index);
    const shorter = join(without);
    // Joining may also make or break one: what counts is what a reader finds in the whole.
    if (missingFacts(needed, findFacts(shorter)).length > 0) continue;
    sentences = without;
    current = shorter;
    if (excessOf(current, maxTextLength) === 0) return ok(current);
  }
  return err({ reason: "too-long", excess: excessOf(current, maxTextLength) });
}

/** An end inside a fact is none: “example.com/?q” has no question. */
function sentencesOf(text: string): readonly Sentence[] {
  const facts = findFacts(text);
  const sentences: Sentence[] = [];
  let start = 0;
  for (const { index, segment } of SENTENCES.segment(text)) {
    const end = index + segment.length;
    if (facts.some((fact) => fact.start < end && end < fact.end)) continue;
    const whole = text.slice(start, end);
    const words = whole.trimEnd();
    const last = sentences.at(-1);
    // An empty line is no sentence, but the end of the one before.
    if (words === "" && last) sentences.splice(-1, 1, { ...last, gap: last.gap + whole });
    else sentences.push({ text: words, gap: whole.slice(words.length) });
    start = end;
  }
  return sentences;
}

const lineBreaks = (gap: string): number => gap.split("\n").length;

/** A paragraph that loses its last sentence stays a paragraph. */
function leaveOut(sentences: readonly Sentence[], index: number): readonly Sentence[] {
  const left = sentences[index];
  return sentences.flatMap((sentence, at) => {
    if (at === index) return [];
    if (at !== index - 1 || !left || lineBreaks(left.gap) <= lineBreaks(sentence.gap)) return [sentence];
    return [{ ...sentence, gap: left.gap }];
  });
}

const join = (sentences: readonly Sentence[]): string =>
  sentences
    .map(({ text, gap }) => text + gap)
    .join("")
    .trimEnd();
