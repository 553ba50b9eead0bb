/** Pieces of sentences for people. */

const SHOWN = 60;

/** Somebody's own words inside a message: never longer than a line, nothing in them that a terminal would obey. */
export function quote(words: string): string {
  const plain = words.toWellFormed().replaceAll(/\p{Cc}/gu, "\ufffd");
  const points = [...plain];
  return `“${points.length > SHOWN ? `${points.slice(0, SHOWN).join("")}…` : plain}”`;
}

/** `“a”`, `“a” and “b”`, `“a”, “b” and 3 more`. */
export function quoteAll(words: readonly string[], shown = 20): string {
  const quoted = words.slice(0, shown).map(quote);
  if (words.length > shown) quoted.push(`${words.length - shown} more`);
  const last = quoted.pop() ?? "nothing";
  return quoted.length === 0 ? last : `${quoted.join(", ")} and ${last}`;
}

const DURATIONS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
] as const;

/** The largest unit that divides it: `30 minutes`, `1 day`. */
export function durationInWords(ms: number): string {
  const [unit, unitMs] = DURATIONS.find(([, size]) => ms >= size && ms % size === 0) ?? ["second", 1_000];
  const count = Math.round(ms / unitMs);
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

/** `2026-12-01T01:00:00Z`, with milliseconds only if there are any. */
export const instantInWords = (at: Date): string => at.toISOString().replace(".000Z", "Z");

/** The known word that was probably meant; undefined: none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const [best] = known
    .map((candidate) => ({ candidate, distance: editDistance(lower, candidate.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  const limit = Math.max(1, Math.floor(word.length / 3));
  return best && best.distance <= limit ? best.candidate : undefined;
}

/** Insertions, deletions and replacements from one to the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > to.length) return Number.POSITIVE_INFINITY;
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
