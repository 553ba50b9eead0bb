import { createHash } from "node:crypto";
import twitterText from "twitter-text";

/** Longer posts show their start in `text` and all of it in `note_tweet`. */
export const SHORT_POST_LENGTH = 280;
const SHOWN_OF_LONG_POST = 274;

export interface UrlEntity {
  readonly start: number;
  readonly end: number;
  /** The t.co address that stands in the text. */
  readonly url: string;
  readonly expanded_url: string;
  readonly display_url: string;
  readonly media_key?: string;
}

interface TagEntity {
  readonly start: number;
  readonly end: number;
  readonly tag: string;
}

/** Positions count code points of the rewritten text. */
export interface Entities {
  readonly urls: readonly UrlEntity[];
  readonly hashtags: readonly TagEntity[];
  readonly cashtags: readonly TagEntity[];
  readonly mentions: readonly { readonly start: number; readonly end: number; readonly username: string }[];
}

export interface RewrittenText {
  readonly text: string;
  readonly entities: Entities;
  /** Long posts only: the whole of it. */
  readonly note?: { readonly text: string; readonly entities: Entities };
}

/** Weighted characters: 280 for most accounts. @see https://docs.x.com/fundamentals/counting-characters */
export const weightedLength = (text: string): number => twitterText.parseTweet(text).weightedLength;

const lengthOf = (text: string) => [...text].length;
const escapeHtml = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/**
 * What X makes of a text: NFC, `&<>` escaped, every link (bare domains too) behind t.co, and one more t.co link at the
 * end when there is media.
 */
export function rewriteText(
  sent: string,
  post: {
    readonly id: string;
    readonly username: string;
    readonly media: readonly { readonly key: string; readonly kind: string }[];
  },
): RewrittenText {
  const text = sent.normalize("NFC");
  const whole = rewrite(text, post.id);
  const long = weightedLength(text) > SHORT_POST_LENGTH;
  const shown = long ? cut(whole, SHOWN_OF_LONG_POST) : whole;
  const [first] = post.media;
  const withMedia =
    first === undefined ? shown : appendMediaLinks(shown, post.id, post.username, first.kind, post.media);
  return long ? { ...withMedia, note: whole } : withMedia;
}

function rewrite(text: string, postId: string): { text: string; entities: Entities } {
  const urls: UrlEntity[] = [];
  const hashtags: TagEntity[] = [];
  const cashtags: TagEntity[] = [];
  const mentions: Entities["mentions"][number][] = [];
  let rewritten = "";
  let position = 0;
  const add = (part: string): { start: number; end: number } => {
    const start = position;
    rewritten += part;
    position += lengthOf(part);
    return { start, end: position };
  };

  let copied = 0;
  for (const entity of twitterText.extractEntitiesWithIndices(text)) {
    const [from, to] = entity.indices;
    add(escapeHtml(text.slice(copied, from)));
    copied = to;
    if ("url" in entity) {
      const url = shortLink(`${postId} ${urls.length} ${entity.url}`);
      const expanded = /^https?:\/\//i.test(entity.url) ? entity.url : `http://${entity.url}`;
      urls.push({ ...add(url), url, expanded_url: expanded, display_url: displayUrl(expanded) });
      continue;
    }
    const place = add(escapeHtml(text.slice(from, to)));
    if ("hashtag" in entity) hashtags.push({ ...place, tag: entity.hashtag });
    else if ("cashtag" in entity) cashtags.push({ ...place, tag: entity.cashtag });
    else mentions.push({ ...place, username: entity.screenName });
  }
  add(escapeHtml(text.slice(copied)));
  return { text: rewritten, entities: { urls, hashtags, cashtags, mentions } };
}

/** Ends at a space where there is one, and never inside an entity. */
function cut(
  { text, entities }: { text: string; entities: Entities },
  length: number,
): { text: string; entities: Entities } {
  const start = [...text].slice(0, length).join("");
  const space = start.search(/\s\S*$/);
  const kept = (space > 0 ? start.slice(0, space) : start).replace(/&[a-z]{0,4}$/, "");
  const end = lengthOf(kept);
  const within = <Entity extends { readonly end: number }>(list: readonly Entity[]) =>
    list.filter((entity) => entity.end <= end);
  return {
    text: kept,
    entities: {
      urls: within(entities.urls),
      hashtags: within(entities.hashtags),
      cashtags: within(entities.cashtags),
      mentions: within(entities.mentions),
    },
  };
}

function appendMediaLinks(
  { text, entities }: { text: string; entities: Entities },
  postId: string,
  username: string,
  kind: string,
  media: readonly { readonly key: string }[],
): { text: string; entities: Entities } {
  const url = shortLink(`${postId} media`);
  const start = text === "" ? 0 : lengthOf(text) + 1;
  const page = kind === "photo" ? "photo" : "video";
  const links = media.map(
    ({ key }): UrlEntity => ({
      start,
      end: start + url.length,
      url,
      expanded_url: `https://x.com/${username}/status/${postId}/${page}/1`,
      display_url: `pic.x.com/${url.slice(url.lastIndexOf("/") + 1)}`,
      media_key: key,
    }),
  );
  return {
    text: text === "" ? url : `${text} ${url}`,
    entities: { ...entities, urls: [...entities.urls, ...links] },
  };
}

/** Ten letters and digits, the same for the same link of the same post. */
function shortLink(seed: string): string {
  const letters = createHash("sha256").update(seed).digest("base64").replace(/[+/=]/g, "");
  return `https://t.co/${letters.slice(0, 10)}`;
}

function displayUrl(expanded: string): string {
  const bare = expanded.replace(/^https?:\/\/(www\.)?/i, "").replace(/\/$/, "");
  return lengthOf(bare) > 28 ? `${[...bare].slice(0, 27).join("")}…` : bare;
}
