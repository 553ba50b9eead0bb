import { performance } from "node:perf_hooks";
import {
  fingerprintOf,
  type NearPost,
  type NearWish,
  type Print,
  rankNear,
} from "#shared/domain/duplicates/fingerprint.ts";
import { createPrintIndex } from "#shared/domain/duplicates/print-index.ts";
import { asAccountId, asTaskId } from "#shared/domain/ids.ts";
import { quantile, round } from "../statistics.ts";

export interface DuplicateFigures {
  readonly posts: number;
  readonly checks: number;
  /** One draft against all posts of the account through the bands, from its text to the answer, in ms. */
  readonly indexedMedianMs: number;
  readonly indexedP95Ms: number;
  /** The same answer by comparing its signature with every other, in ms. */
  readonly naiveMedianMs: number;
  /** Of the drafts that the naive way finds something for, those for which the index finds the same most similar post. */
  readonly agreement: number;
}

export const DUPLICATE_TARGET_MS = 10;

const ACCOUNT = asAccountId("bench");
const WEEK_MS = 7 * 86_400_000;
const START_MS = Date.parse("2026-12-01T00:00:00Z");
const THRESHOLD = 0.6;

const SYLLABLES = "ba ke lo mi nu ra se ti vo wa den far gol hil jor kan lem mor pin ros".split(" ");
/** Short words are common, as in English. */
const WORDS = [
  "the a of to in and is for on with at by from it we you are this that be".split(" "),
  SYLLABLES.flatMap((first) => SYLLABLES.map((second) => first + second)),
  SYLLABLES.flatMap((first) =>
    SYLLABLES.flatMap((second) => SYLLABLES.slice(0, 8).map((third) => first + second + third)),
  ),
].flat();
const HAN = Array.from({ length: 1_500 }, (_, offset) => String.fromCodePoint(0x4e00 + 7 * offset));
/** Every post of an account has its habits: these make crowded bands. */
const HABITS = [
  "Good morning from the editors:",
  "Read more on our page.",
  "每天一条好消息：",
  "更多内容请看我们的主页。",
];

/** Numbers that are the same in every run. */
function createNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function writePost(number: (below: number) => number): string {
  const isChinese = number(2) === 0;
  // The more common, the more often: Zipf's law, about.
  const pick = (from: readonly string[]): string =>
    from[Math.floor(from.length ** (number(10_000) / 10_000)) - 1] ?? "";
  const pieces = isChinese
    ? Array.from({ length: 30 + number(40) }, () => pick(HAN))
    : Array.from({ length: 14 + number(20) }, () => pick(WORDS));
  const habit = number(3) === 0 ? HABITS[(isChinese ? 2 : 0) + number(2)] : "";
  return `${habit} ${pieces.join(isChinese ? "" : " ")}`;
}

const printOf = (text: string) => {
  const fingerprint = fingerprintOf([{ text }]);
  if (!fingerprint) throw new RangeError("a post without a text");
  return fingerprint;
};

/**
 * Checks drafts against the posts of one account: all of them lie in the window, which is the worst case. Every second
 * draft is a post with another end.
 */
export async function measureDuplicates({
  posts = 100_000,
  checks = 200,
}: {
  readonly posts?: number;
  readonly checks?: number;
} = {}): Promise<DuplicateFigures> {
  const number = createNumbers(1);
  const index = createPrintIndex();
  const prints: Print[] = [];
  const texts: string[] = [];
  for (let count = 0; count < posts; count++) {
    const text = writePost(number);
    const slotAt = new Date(START_MS + Math.floor((WEEK_MS * count) / posts));
    const print = {
      taskId: asTaskId(`post-${count}`),
      accountId: ACCOUNT,
      slotAt,
      fingerprint: printOf(text),
    };
    index.add(print);
    prints.push(print);
    texts.push(text);
  }

  const wishFor = (text: string): NearWish => ({
    accountId: ACCOUNT,
    fingerprint: printOf(text),
    from: new Date(START_MS),
    until: new Date(START_MS + WEEK_MS),
    threshold: THRESHOLD,
  });
  const drafts = Array.from({ length: checks }, (_, count) => {
    const text = count % 2 === 0 ? (texts[number(posts)] ?? "") : writePost(number);
    return count % 2 === 0 ? `${text.slice(0, -4)} 明天 tomorrow` : text;
  });

  const timed = (check: (wish: NearWish) => readonly NearPost[]) =>
    drafts.map((draft) => {
      const startedAt = performance.now();
      const [best] = check(wishFor(draft));
      return { ms: performance.now() - startedAt, best };
    });
  const [indexed, naive] = [timed((wish) => index.find(wish)), timed((wish) => rankNear(wish, prints))];
  const indexedMs = indexed.map(({ ms }) => ms);
  const expected = naive.flatMap(({ best }, at) =>
    best ? [best.similarity === indexed[at]?.best?.similarity] : [],
  );
  return {
    posts,
    checks,
    indexedMedianMs: round(quantile(indexedMs, 0.5), 3),
    indexedP95Ms: round(quantile(indexedMs, 0.95), 3),
    naiveMedianMs: round(
      quantile(
        naive.map(({ ms }) => ms),
        0.5,
      ),
      3,
    ),
    agreement: round(expected.filter(Boolean).length / expected.length, 4),
  };
}
