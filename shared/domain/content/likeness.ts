/** Whether a text can be another way to say the same. Only what is far off is seen: it compares words and scripts. */
import { findFacts } from "./facts.ts";

/** Scripts that are told apart. Most are counted by words; Thai, kana and Chinese, which are written without spaces, by characters. */
const SCRIPTS = {
  latin: /\p{Script=Latin}[\p{Script=Latin}\p{M}'’]*/gu,
  cyrillic: /\p{Script=Cyrillic}[\p{Script=Cyrillic}\p{M}]*/gu,
  greek: /\p{Script=Greek}[\p{Script=Greek}\p{M}]*/gu,
  arabic: /\p{Script=Arabic}[\p{Script=Arabic}\p{M}]*/gu,
  hebrew: /\p{Script=Hebrew}[\p{Script=Hebrew}\p{M}]*/gu,
  devanagari: /\p{Script=Devanagari}[\p{Script=Devanagari}\p{M}]*/gu,
  hangul: /\p{Script=Hangul}+/gu,
  thai: /\p{Script=Thai}/gu,
  kana: /[\p{Script=Hiragana}\p{Script=Katakana}]/gu,
  han: /\p{Script=Han}/gu,
} as const;
type Script = keyof typeof SCRIPTS;
const NAMES = Object.keys(SCRIPTS) as readonly Script[];

/** By the first part of the language tag; every other language is taken for one in Latin letters. */
const SCRIPTS_OF: Readonly<Record<string, readonly Script[]>> = {
  zh: ["han"],
  yue: ["han"],
  ja: ["kana", "han"],
  ko: ["hangul"],
  th: ["thai"],
  el: ["greek"],
  he: ["hebrew"],
  hi: ["devanagari"],
  mr: ["devanagari"],
  ne: ["devanagari"],
  ar: ["arabic"],
  fa: ["arabic"],
  ur: ["arabic"],
  ru: ["cyrillic"],
  uk: ["cyrillic"],
  be: ["cyrillic"],
  bg: ["cyrillic"],
  mk: ["cyrillic"],
  kk: ["cyrillic"],
  // Written in both.
  sr: ["cyrillic", "latin"],
};

/** Fewer words tell nothing. */
const MIN_WORDS = 4;
/** Names and terms of other languages are common: half of the words is plausible. */
const MIN_SCRIPT_SHARE = 0.5;
/** A script with this share of the original is one of its own. */
const OWN_SCRIPT_SHARE = 0.3;
/** A text that is said anew keeps more of its words than this; one that is about something else does not. */
const MIN_WORD_SHARE = 0.25;
/** Of the original: one word may well be replaced. */
const MIN_STEMS = 2;
/** Words are compared by their beginnings: endings change. */
const STEM = 5;
/** Shorter words are particles. Kana and Thai are not compared: their words are not told apart. */
const COMPARED: readonly (readonly [Script, number])[] = [
  ["latin", 4],
  ["cyrillic", 4],
  ["greek", 4],
  ["arabic", 3],
  ["hebrew", 3],
  ["devanagari", 3],
  ["hangul", 2],
  ["han", 1],
];

/** Words of everywhere. */
const STOP_WORDS = new Set([
  ...[
    "this",
    "that",
    "with",
    "from",
    "have",
    "will",
    "your",
    "they",
    "what",
    "when",
    "which",
    "there",
    "their",
  ],
  ..."的了是在我有和就不人都一这那你他她它们也很到说要去会着没看好自己吗呢吧啊",
]);

/** What facts say is compared as facts. */
function proseOf(text: string): string {
  let prose = "";
  let from = 0;
  for (const { start, end } of findFacts(text)) {
    prose += `${text.slice(from, start)} `;
    from = end;
  }
  return prose + text.slice(from);
}

function sharesOf(text: string): { readonly total: number; readonly of: ReadonlyMap<Script, number> } {
  const prose = proseOf(text);
  const counts = NAMES.map((name) => [name, [...prose.matchAll(SCRIPTS[name])].length] as const);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  return { total, of: new Map(counts.map(([name, count]) => [name, total === 0 ? 0 : count / total])) };
}

/** Written in scripts of which these are enough? Japanese without any kana is Chinese, and the reverse. */
function isWrittenIn(text: string, scripts: readonly Script[]): boolean {
  const { total, of } = sharesOf(text);
  if (total < MIN_WORDS) return true;
  const share = (script: Script): number => of.get(script) ?? 0;
  if (scripts.includes("han") && share("han") > 0 && scripts.includes("kana") !== share("kana") > 0.1)
    return false;
  return scripts.reduce((sum, script) => sum + share(script), 0) >= MIN_SCRIPT_SHARE;
}

/** Whether the text is plausibly of the language, as far as its script tells. @param language - a tag such as `zh` or `pt-BR` */
export const isOfLanguage = (text: string, language: string): boolean =>
  isWrittenIn(text, SCRIPTS_OF[language.toLowerCase().split("-")[0] ?? ""] ?? ["latin"]);

/** Whether both texts are plausibly of one language, as far as their scripts tell. */
export function isOfSameLanguage(text: string, original: string): boolean {
  const { total, of } = sharesOf(original);
  const own = NAMES.filter((script) => (of.get(script) ?? 0) >= OWN_SCRIPT_SHARE);
  const scripts: readonly Script[] = (of.get("kana") ?? 0) > 0.1 ? ["kana", "han"] : own;
  return total < MIN_WORDS || scripts.length === 0 || isWrittenIn(text, scripts);
}

function stemsOf(text: string): ReadonlySet<string> {
  const prose = proseOf(text).normalize("NFKC").toLowerCase();
  const words = COMPARED.flatMap(([name, least]) =>
    [...prose.matchAll(SCRIPTS[name])].flatMap(([word]) => (word.length >= least ? [word] : [])),
  );
  return new Set(words.filter((word) => !STOP_WORDS.has(word)).map((word) => word.slice(0, STEM)));
}

/** Whether enough words of the original are there. A short original tells nothing. */
export function saysTheSame(text: string, original: string): boolean {
  const wanted = stemsOf(original);
  if (wanted.size < MIN_STEMS) return true;
  const found = stemsOf(text);
  const kept = [...wanted].filter((stem) => found.has(stem)).length;
  return kept / wanted.size >= MIN_WORD_SHARE;
}
