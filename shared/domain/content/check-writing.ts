/** Whether what was written may go out in somebody's name. What is here cannot be talked into anything. */
import twitterText from "twitter-text";
import { err, ok, type Result } from "#shared/result.ts";
import { checkCharacters, tidyText } from "../post-text.ts";
import { type Fact, type FactKind, findFacts, inventedFacts, missingFacts } from "./facts.ts";
import { excessOf, fitText } from "./fit-text.ts";
import { isOfLanguage, isOfSameLanguage, saysTheSame } from "./likeness.ts";
import { INSTRUCTION_LINES } from "./prompt.ts";
import type { WritingProblem, WritingRequest } from "./writing.ts";

/** Characters that show a text in another order than it is written. */
const REORDERING = /[\u202a-\u202e\u2066-\u2069]/u;
/** A hashtag that a model thought of is a topic; the person's own stay. */
const MAY_BE_INVENTED: readonly FactKind[] = ["hashtag"];
/** X takes longer ones; nobody reads them. */
const MAX_HASHTAG = 50;

/** What the texts must have, by part, and what they may have besides. */
interface Bounds {
  readonly needed: readonly Fact[];
  readonly known: readonly Fact[];
}

function boundsOf({ writing, texts }: WritingRequest, part: number): Bounds {
  if (writing.mode !== "generate") {
    const facts = findFacts(texts[part] ?? "");
    return { needed: facts, known: facts };
  }
  const { title, points, link } = writing.brief;
  const needed = link === undefined ? [] : findFacts(link);
  return { needed, known: [title, ...points].flatMap(findFacts).concat(needed) };
}

/**
 * Everything that is wrong with the texts; nothing: they may go out.
 *
 * @param texts - whole texts, also for hashtags; see `addHashtags`
 */
export function checkWriting(request: WritingRequest, texts: readonly string[]): readonly WritingProblem[] {
  const wanted = request.writing.mode === "generate" ? 1 : request.texts.length;
  if (texts.length !== wanted) return [{ part: 1, kind: "count", wanted, found: texts.length }];
  return texts.flatMap((text, index) => checkPart(request, text, index));
}

function checkPart(request: WritingRequest, text: string, index: number): WritingProblem[] {
  const part = index + 1;
  const original = request.texts[index] ?? "";
  if (isUnusable(text, original)) return [{ part, kind: "unusable" }];
  const { needed, known } = boundsOf(request, index);
  const found = findFacts(text);
  const lost = missingFacts(needed, found);
  const invented = inventedFacts(known, found).filter(({ kind }) => !MAY_BE_INVENTED.includes(kind));
  const excess = excessOf(text, request.maxTextLength);
  return [
    ...(lost.length > 0 ? [{ part, kind: "lost", facts: lost.map(textOf) } as const] : []),
    ...(invented.length > 0 ? [{ part, kind: "invented", facts: invented.map(textOf) } as const] : []),
    ...checkMeaning(request, text, original).map((kind) => ({ part, kind })),
    ...(excess > 0 ? [{ part, kind: "too-long", excess } as const] : []),
  ];
}

const textOf = ({ text }: Fact): string => text;

function isUnusable(text: string, original: string): boolean {
  if (original === "" && text === "") return false;
  if (tidyText(text) === "" || checkCharacters(text, "") !== undefined) return true;
  if (REORDERING.test(text) && !REORDERING.test(original)) return true;
  return INSTRUCTION_LINES.some((line) => text.includes(line) && !original.includes(line));
}

function checkMeaning(
  { writing, language }: WritingRequest,
  text: string,
  original: string,
): readonly ("other-language" | "unlike")[] {
  if (writing.mode === "generate")
    return isOfLanguage(text, writing.brief.language ?? language) ? [] : ["other-language"];
  if (!isOfSameLanguage(text, original)) return ["other-language"];
  return saysTheSame(text, original) ? [] : ["unlike"];
}

/**
 * The texts that go out.
 *
 * @param cut - where a text is only too long, sentences are left out; see `fitText`
 * @returns the problems that are left
 */
export function finishWriting(
  request: WritingRequest,
  written: readonly string[],
  cut: boolean,
): Result<readonly string[], readonly WritingProblem[]> {
  const texts = written.map((text, part) => {
    const fitted = cut ? fitText(text, boundsOf(request, part).needed, request.maxTextLength) : undefined;
    return fitted?.ok ? fitted.value : tidyText(text);
  });
  const problems = checkWriting(request, texts);
  return problems.length === 0 ? ok(texts) : err(problems);
}

/** A plain word behind `#`, as X takes it for a hashtag; undefined: it is none. */
function hashtagOf(word: string): string | undefined {
  const tag = `#${word
    .trim()
    .normalize("NFC")
    .replace(/^[#＃]/, "")}`;
  return tag.length <= MAX_HASHTAG && twitterText.extractHashtags(tag).some((found) => `#${found}` === tag)
    ? tag
    : undefined;
}

/**
 * Puts hashtags behind the first text, the best first, as many as are asked for and fit. Hashtags that are there
 * already, that are none, or that bring a number along are left out.
 *
 * @returns `too-long` when there is room for none of them, `unusable` when none of them is one
 */
export function addHashtags(
  { texts, maxTextLength }: Pick<WritingRequest, "texts" | "maxTextLength">,
  words: readonly string[],
  count: number,
): Result<readonly string[], readonly WritingProblem[]> {
  const digits = new Set(texts.flatMap((text) => text.match(/\p{Nd}+/gu) ?? []));
  const seen = new Set(texts.flatMap(findFacts).map(({ value }) => value));
  const tags = words.flatMap((word) => {
    const tag = hashtagOf(word);
    if (!tag || seen.has(tag.toLowerCase())) return [];
    if ((tag.match(/\p{Nd}+/gu) ?? []).some((number) => !digits.has(number))) return [];
    seen.add(tag.toLowerCase());
    return [tag];
  });
  if (tags.length === 0) return err([{ part: 1, kind: "unusable" }]);

  const [first = "", ...others] = texts;
  let text = first;
  let added = 0;
  for (const tag of tags) {
    const longer = `${text} ${tag}`;
    if (added === count) break;
    if (excessOf(longer, maxTextLength) > 0) continue;
    text = longer;
    added += 1;
  }
  if (added > 0) return ok([text, ...others]);
  const [tag = ""] = tags;
  return err([{ part: 1, kind: "too-long", excess: excessOf(`${first} ${tag}`, maxTextLength) }]);
}
