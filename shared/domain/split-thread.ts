/**
 * A long text as a thread. It is cut where a reader pauses: between paragraphs, else lines, else sentences, else words;
 * inside a word only if no part could hold it. Links, mentions, hashtags, cashtags and graphemes stay whole, and nothing
 * but white space at a cut is lost.
 */
import twitterText from "twitter-text";
import * as z from "zod";
import { err, ok, type Result } from "#shared/result.ts";
import { checkPost, MAX_COUNTED, tidyText, weightedLength } from "./post-text.ts";
import type { Reason } from "./reason.ts";
import { MAX_PARTS } from "./task.ts";
import { quote } from "./words.ts";

export interface SplitWish {
  /** `1/5` before every part, counted inside the limit. */
  readonly numbering: boolean;
}

/** `true`, or `{ numbering: true }`. `false` is the same as nothing. */
export const splitField = z
  .union([z.boolean(), z.strictObject({ numbering: z.boolean() })])
  .transform((given): SplitWish | undefined => {
    if (typeof given === "object") return given;
    return given ? { numbering: false } : undefined;
  });

/** What a cut divides, mildest first. */
const CUTS = ["paragraphs", "lines", "sentences", "words", "graphemes"] as const;
type Cut = (typeof CUTS)[number];

/** Among divisions into equally many parts; the scale is that of a part's emptiness, in [0, 1). */
const CUT_COSTS: Readonly<Record<Cut, number>> = {
  paragraphs: 0,
  lines: 0.1,
  sentences: 0.2,
  words: 1,
  graphemes: 3,
};
/** Of a last part that is one word: more than a cut between words, less than one inside a word. */
const STUB_COST = 2;

/** Not divided but refused: finding links takes quadratic time in it. X's own longest link has 4,096 characters. */
const LONGEST_WORD = /[^\s!-,/:-@[-^{-~\u2000-\u206F\u3000-\u303F\uFF00-\uFFEF]{4097}/u;

/** A word that no part can hold is cut into pieces of this share of a part: finer ones would only take longer. */
const PIECES_PER_PART = 8;

/**
 * The weights of its pieces are no exact measure of a part: it is tried again with a fifth less room. By the last time a
 * part holds two links, and two of X's longest are short enough to be counted.
 */
const MAX_TRIES = 8;

/** The longest number, `25/25 `, and the longest of a thread of at most nine. */
const NUMBER_ROOMS = [4, 6] as const;

/** Words with nothing but these between them are one, such as a number and its unit. */
const NO_BREAK = /^[\u00A0\u202F]+$/;

/** Unicode's rules end a sentence here, and no reader does: `Dr. Who`, `J. Smith`, `2. Second`. */
const NO_SENTENCE = /(?:^|[^\p{L}])(?:Mr|Mrs|Ms|Dr|Prof|St|vs|No|\p{Lu})\.$|^[^\p{L}]*$/u;

/** Scripts without spaces between words, and their punctuation. */
const SPACELESS =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}\uFF00-\uFFEF]/u;
/** What no line begins or ends with, and what would begin a hashtag, mention or cashtag that was none. */
const NEVER_FIRST = /^[\s\p{Pe}\p{Pf}\p{Po}\p{Pd}\p{M}\p{Lm}$]/u;
const NEVER_LAST = /[\p{Ps}\p{Pi}\p{Sc}#＃@＠&]$/u;

/** Also a link that X does not know for one is no text to be cut. */
const LINK = /https?:\/\/[!-~]+/giu;

/** Any locale finds the same: Chinese, Japanese and Thai words are known by their script. */
const segmenter = (granularity: "grapheme" | "word" | "sentence") =>
  new Intl.Segmenter("en", { granularity });
const GRAPHEMES = segmenter("grapheme");
const WORDS = segmenter("word");
const SENTENCES = segmenter("sentence");

/** Text that stays together. Offsets are in UTF-16 units of the whole text. */
interface Piece {
  readonly start: number;
  readonly end: number;
  readonly weight: number;
  /** Of the white space before it: counts only if the piece before is in the same part. */
  readonly gapWeight: number;
  /** What a cut before it divides. */
  readonly cut: Cut;
  readonly words: number;
}

/** Parts, each of them pieces that follow each other. */
type Division = readonly (readonly Piece[])[];

/**
 * Divides a text into parts that an account may post: as few as the mildest cuts allow, evenly filled, and no last part
 * of a single word if another cut avoids it. A text that fits stays as it is, without a number.
 *
 * Refusals (`code`): `invalid-text`, `too-many-parts`, `unsplittable-text` (a link, mention, hashtag or character that no
 * part can hold).
 *
 * @param maxTextLength - of the account, in weighted characters
 */
export function splitThread(
  given: string,
  { maxTextLength, numbering }: { readonly maxTextLength: number } & SplitWish,
): Result<readonly string[], Reason> {
  const check = (texts: readonly string[]): Result<readonly string[], Reason> => {
    const checked = checkPost(texts, { maxTextLength, hasMedia: true });
    return checked.ok ? ok(checked.value.map(({ text }) => text)) : checked;
  };
  const whole = check([given]);
  if (whole.ok || whole.error.code !== "text-too-long") return whole;
  const text = tidyText(given);
  if (text.length > MAX_PARTS * Math.max(MAX_COUNTED, maxTextLength))
    return err(tooMany(Number.POSITIVE_INFINITY));

  let limit = maxTextLength;
  for (let tries = 1; ; tries++) {
    const parts = divide(text, limit, numbering);
    if (!parts.ok) return parts;
    const checked = check(parts.value);
    if (checked.ok || tries === MAX_TRIES) return checked;
    limit = Math.floor(limit * 0.8);
  }
}

function divide(text: string, limit: number, numbering: boolean): Result<readonly string[], Reason> {
  const [shortRoom, longRoom] = numbering ? NUMBER_ROOMS : [0, 0];
  let parts = pack(text, limit - shortRoom);
  if (longRoom > shortRoom && parts.ok && parts.value.length > 9) parts = pack(text, limit - longRoom);
  if (!parts.ok) return parts;
  const { length } = parts.value;
  return ok(parts.value.map((part, index) => (numbering ? `${index + 1}/${length} ${part}` : part)));
}

/** Cuts inside what would fit are made only if there are too many parts otherwise, or the last one is a single word. */
function pack(text: string, room: number): Result<readonly string[], Reason> {
  const read = readPieces(text, room);
  if (!read.ok) return read;
  let mildest: Division | undefined;
  let fewest = 0;
  for (const always of ["paragraphs", "lines", "sentences", "words"] as const) {
    const division = fill(unite(read.value, "paragraphs", always, room), room);
    fewest = division.length;
    if (fewest > MAX_PARTS) continue;
    if (!endsInStub(division)) return ok(textsOf(text, division));
    mildest ??= division;
  }
  return mildest ? ok(textsOf(text, mildest)) : err(tooMany(fewest));
}

const textsOf = (text: string, division: Division): readonly string[] =>
  division.map((part) => text.slice(part[0]?.start, part.at(-1)?.end));

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

const weightOf = (pieces: readonly Piece[]): number =>
  sum(pieces.map(({ weight, gapWeight }) => weight + gapWeight)) - (pieces[0]?.gapWeight ?? 0);

const endsInStub = (division: Division): boolean =>
  sum((division.at(-1) ?? []).map(({ words }) => words)) <= 1;

const finenessOf = (cut: Cut): number => CUTS.indexOf(cut);

/** Divides at every cut as mild as `always`, and what is too long for a part then at finer ones. */
function unite(pieces: readonly Piece[], at: Cut, always: Cut, room: number): readonly Piece[] {
  const finer = CUTS[finenessOf(at) + 1];
  if (!finer) return pieces;
  const groups = groupsOf(pieces, ({ cut }) => finenessOf(cut) <= finenessOf(at));
  return groups.flatMap((group) => {
    const [first, ...others] = group;
    if (!first || others.length === 0) return group;
    const weight = weightOf(group);
    if (finenessOf(at) < finenessOf(always) || weight > room) return unite(group, finer, always, room);
    const words = sum(group.map((piece) => piece.words));
    return [{ ...first, end: others.at(-1)?.end ?? first.end, weight, words }];
  });
}

function groupsOf(
  pieces: readonly Piece[],
  isFirst: (piece: Piece) => boolean,
): readonly (readonly Piece[])[] {
  const groups: Piece[][] = [];
  for (const piece of pieces) {
    const group = groups.at(-1);
    if (group && !isFirst(piece)) group.push(piece);
    else groups.push([piece]);
  }
  return groups;
}

/** The best way to fill parts with the pieces before one. */
interface Filling {
  readonly parts: number;
  readonly cost: number;
  /** Index of the first piece of the last part. */
  readonly from: number;
}

/**
 * As few parts as possible, and of all such divisions the one with the mildest cuts and the most even parts. Every piece
 * fits a part by itself.
 */
function fill(pieces: readonly Piece[], room: number): Division {
  /** Weight of everything before a piece. */
  const before = [0];
  for (const { weight, gapWeight } of pieces) before.push((before.at(-1) ?? 0) + gapWeight + weight);
  const fillings: Filling[] = [{ parts: 0, cost: 0, from: 0 }];
  let first = 0;
  for (let to = 1; to <= pieces.length; to++) {
    const weightFrom = (from: number) =>
      (before[to] ?? 0) - (before[from] ?? 0) - (pieces[from]?.gapWeight ?? 0);
    while (weightFrom(first) > room) first++;
    let best: Filling | undefined;
    // More pieces never need fewer parts: the earliest starts are those with the fewest.
    for (let from = first; from < to && fillings[from]?.parts === fillings[first]?.parts; from++) {
      const { parts, cost } = fillings[from] ?? { parts: 0, cost: 0 };
      const piece = pieces[from];
      const isStub = from > 0 && to === pieces.length && from === to - 1 && (piece?.words ?? 0) <= 1;
      const emptiness = 1 - weightFrom(from) / room;
      const total =
        cost + emptiness ** 2 + (from > 0 && piece ? CUT_COSTS[piece.cut] : 0) + (isStub ? STUB_COST : 0);
      if (!best || total < best.cost) best = { parts: parts + 1, cost: total, from };
    }
    if (best) fillings.push(best);
  }
  const division: (readonly Piece[])[] = [];
  for (let to = pieces.length; to > 0; ) {
    const { from } = fillings[to] ?? { from: 0 };
    division.unshift(pieces.slice(from, to));
    to = from;
  }
  return division;
}

const weigh = (text: string): number =>
  // There is no link without a dot, and everything else in ASCII counts 1.
  /^[\n\t -\-/-~]*$/.test(text) ? text.length : weightedLength(text);

/** The words of the text; those that no part can hold in graphemes. */
function readPieces(text: string, room: number): Result<readonly Piece[], Reason> {
  const sentences = sentenceStarts(text);
  const pieces: Piece[] = [];
  for (const run of runsOf(text)) {
    if (LONGEST_WORD.test(text.slice(run.start, run.end)))
      return err(unsplittable(text.slice(run.start, run.end)));
    const wholes = wholesOf(text, run);
    const starts = [run.start, ...startsInside(text, run, wholes)];
    for (const [index, start] of starts.entries()) {
      const end = starts[index + 1] ?? run.end;
      const gap = start === run.start ? run.gap : "";
      const word: Piece = {
        start,
        end,
        weight: weigh(text.slice(start, end)),
        gapWeight: weigh(gap),
        cut: cutAfter(gap, sentences.has(start)),
        words: 1,
      };
      const smaller = word.weight <= room ? [word] : graphemesOf(text, word, wholes, room);
      const stuck = smaller.find(({ weight }) => weight > room);
      if (stuck) return err(unsplittable(text.slice(stuck.start, stuck.end)));
      pieces.push(...smaller);
    }
  }
  return ok(pieces);
}

/** What stands between white space, and the white space before it. */
interface Run {
  readonly start: number;
  readonly end: number;
  readonly gap: string;
}

function* runsOf(text: string): Generator<Run> {
  const graphemes = GRAPHEMES.segment(text);
  let start = 0;
  let gap = "";
  for (const { 0: found, index: end } of text.matchAll(/\s+/g)) {
    const next = end + found.length;
    // With a mark behind it, white space is a character of its own, and would be lost at the beginning of a part.
    if (NO_BREAK.test(found) || graphemes.containing(next)?.index !== next) continue;
    yield { start, end, gap };
    start = next;
    gap = found;
  }
  yield { start, end: text.length, gap };
}

function cutAfter(gap: string, isSentence: boolean): Cut {
  if (/\n\s*\n|\u2029/.test(gap)) return "paragraphs";
  if (/[\n\u2028]/.test(gap)) return "lines";
  return isSentence ? "sentences" : "words";
}

function sentenceStarts(text: string): ReadonlySet<number> {
  const starts = new Set<number>();
  let last = "";
  for (const { segment, index } of SENTENCES.segment(text)) {
    if (!NO_SENTENCE.test(last.trimEnd())) starts.add(index);
    last = segment;
  }
  return starts;
}

/** A link, mention, hashtag or cashtag. */
type Whole = readonly [start: number, end: number];

function wholesOf(text: string, { start, end }: Run): readonly Whole[] {
  const run = text.slice(start, end);
  const known = twitterText.extractEntitiesWithIndices(run).map(({ indices }) => indices);
  const links = Array.from(run.matchAll(LINK), ({ 0: link, index }): Whole => [index, index + link.length]);
  return [...known, ...links].map(([from, to]) => [start + from, start + to]);
}

/** Where a run may be cut all the same: between words of scripts without spaces. */
function startsInside(text: string, { start, end }: Run, wholes: readonly Whole[]): readonly number[] {
  const run = text.slice(start, end);
  if (!SPACELESS.test(run)) return [];
  const firsts = new Set(wholes.map(([first]) => first));
  const insides = insidesOf(wholes);
  const graphemes = GRAPHEMES.segment(run);
  const starts: number[] = [];
  let last = "";
  for (const { segment, index } of WORDS.segment(run)) {
    const at = start + index;
    if (
      index > 0 &&
      (SPACELESS.test(last) || SPACELESS.test(segment)) &&
      !NEVER_LAST.test(last) &&
      (firsts.has(at) || !NEVER_FIRST.test(segment)) &&
      !insides.has(at) &&
      graphemes.containing(index)?.index === index
    )
      starts.push(at);
    last = segment;
  }
  return starts;
}

/** Every offset at which a cut would divide one. */
function insidesOf(wholes: readonly Whole[]): ReadonlySet<number> {
  const insides = new Set<number>();
  for (const [first, after] of wholes) for (let at = first + 1; at < after; at++) insides.add(at);
  return insides;
}

/** A word that is too long, in pieces of some graphemes, or of one that is too long itself. */
function graphemesOf(text: string, word: Piece, wholes: readonly Whole[], room: number): readonly Piece[] {
  const insides = insidesOf(wholes);
  const pieces: Piece[] = [];
  let start = word.start;
  for (const { segment, index } of GRAPHEMES.segment(text.slice(word.start, word.end))) {
    const end = word.start + index + segment.length;
    if (end < word.end && (insides.has(end) || /\s/.test(text.charAt(end)))) continue;
    const weight = weigh(text.slice(start, end));
    const last = pieces.at(-1);
    if (!last) pieces.push({ ...word, end, weight });
    else if (last.weight + weight <= room / PIECES_PER_PART)
      pieces[pieces.length - 1] = { ...last, end, weight: last.weight + weight };
    else pieces.push({ start, end, weight, gapWeight: 0, cut: "graphemes", words: 0 });
    start = end;
  }
  return pieces;
}

const tooMany = (count: number): Reason => ({
  code: "too-many-parts",
  message: `The text needs ${Number.isFinite(count) ? count : "many more"} parts; a thread takes at most ${MAX_PARTS}.`,
  remedy: "Shorten it, or make two threads of it.",
});

const unsplittable = (piece: string): Reason => ({
  code: "unsplittable-text",
  message: `${quote(piece)} is longer than a part of a thread, and is not divided.`,
  remedy: "Shorten it: links, mentions, hashtags and words of more than 4,096 characters stay in one piece.",
});
