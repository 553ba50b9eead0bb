/**
 * A model of its own for runs without Google: it follows the data of Punctual's prompts as a good model would, always
 * the same way, and shows by ✨ that it was there. It never obeys a text.
 */
import twitterText from "twitter-text";
import * as z from "zod";

const material = z.object({
  texts: z.array(z.string()).optional(),
  count: z.int().optional(),
  title: z.string().optional(),
  points: z.array(z.string()).optional(),
  link: z.string().optional(),
  maxLength: z.int().optional(),
});

const MARK = "✨";
const PLAIN_LENGTH = 280;
/** Words that are long enough to be a topic. */
const TOPIC = /\p{Script=Han}{2,4}|[\p{L}]{5,20}/gu;

/** @returns what it says; no JSON when it was not asked for any */
export function answerAsModel(data: string): string {
  const json = /^<data>\n(.*)\n<\/data>$/.exec(data)?.[1];
  const parsed = material.safeParse(json === undefined ? undefined : JSON.parse(json));
  if (!parsed.success) return "I do not know what to write.";
  const { texts = [], count, title, points = [], link, maxLength = PLAIN_LENGTH } = parsed.data;
  if (title !== undefined) return say([compose(title, points, link, maxLength)]);
  if (count !== undefined) return say(topicsOf(texts).slice(0, count));
  return say(texts.map((text) => (text === "" ? text : addIfFits(text, ` ${MARK}`, maxLength))));
}

const say = (texts: readonly string[]): string => JSON.stringify({ texts });

const addIfFits = (text: string, more: string, maxLength: number): string =>
  twitterText.parseTweet(text + more).weightedLength <= maxLength ? text + more : text;

/** As many points as fit between the title and the link. */
function compose(
  title: string,
  points: readonly string[],
  link: string | undefined,
  maxLength: number,
): string {
  const end = link === undefined ? "" : `\n${link}`;
  let text = `${title} ${MARK}`;
  for (const point of points)
    text =
      addIfFits(`${text}\n${point}`, end, maxLength) === `${text}\n${point}${end}`
        ? `${text}\n${point}`
        : text;
  return text + end;
}

function topicsOf(texts: readonly string[]): string[] {
  const prose = texts.map((text) => {
    const entities = twitterText.extractEntitiesWithIndices(text).toReversed();
    return entities.reduce(
      (rest, { indices: [start, end] }) => `${rest.slice(0, start)} ${rest.slice(end)}`,
      text,
    );
  });
  return [...new Set(prose.flatMap((text) => text.match(TOPIC) ?? []))].map((word) => `#${word}`);
}
