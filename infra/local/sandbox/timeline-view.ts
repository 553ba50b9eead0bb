import type { SandboxUser } from "./accounts.ts";
import { KIND_TYPES } from "./media-rules.ts";
import type { SandboxMedia } from "./media-store.ts";
import type { PostRecord } from "./post-store.ts";
import type { Entities } from "./post-text.ts";
import { type Answer, type InvalidParameter, invalidRequest } from "./problems.ts";

const DEFAULT_RESULTS = 10;
const QUERY_NAMES = [
  "since_id",
  "until_id",
  "start_time",
  "end_time",
  "max_results",
  "pagination_token",
  "exclude",
  "tweet.fields",
  "media.fields",
  "user.fields",
  "poll.fields",
  "place.fields",
  "expansions",
];

const listOf = (query: URLSearchParams, name: string) =>
  new Set((query.get(name) ?? "").split(",").filter(Boolean));

/** Reads only the parameters that an endpoint knows. @throws XProblem 400 */
export function refuseUnknownParameters(query: URLSearchParams, known: readonly string[]): void {
  const unknown = [...new Set(query.keys())].filter((name) => !known.includes(name));
  const [first, ...others] = unknown.map(
    (name): InvalidParameter => ({
      parameters: { [name]: query.getAll(name) },
      message: `The query parameter [${name}] is not one of [${known.join(",")}]`,
    }),
  );
  if (first !== undefined) throw invalidRequest([first, ...others]);
}

/**
 * `GET /2/users/:id/tweets`: newest first, after `since_id`. Field names that X does not know are ignored.
 * @param posts - all posts of the account, oldest first
 * @throws XProblem 400
 */
export function viewTimeline(
  query: URLSearchParams,
  author: SandboxUser,
  posts: readonly PostRecord[],
  findMedia: (id: string) => SandboxMedia | undefined,
): Answer {
  refuseUnknownParameters(query, QUERY_NAMES);
  const invalid = (name: string, message: string) =>
    invalidRequest({
      parameters: { [name]: query.getAll(name) },
      message: `The \`${name}\` query parameter value [${query.get(name)}] ${message}`,
    });
  const readId = (name: string): bigint | undefined => {
    const text = query.get(name);
    if (text === null) return undefined;
    if (!/^\d{1,19}$/.test(text)) throw invalid(name, "does not match ^[0-9]{1,19}$");
    return BigInt(text);
  };
  const readInstant = (name: string): number | undefined => {
    const text = query.get(name);
    if (text === null) return undefined;
    const at = Date.parse(text);
    if (Number.isNaN(at)) throw invalid(name, "is not a valid date");
    return at;
  };

  const limitText = query.get("max_results") ?? String(DEFAULT_RESULTS);
  const limit = Number(limitText);
  if (!/^\d+$/.test(limitText) || limit < 5 || limit > 100)
    throw invalid("max_results", "is not between 5 and 100");
  const [since, until, before] = [readId("since_id"), readId("until_id"), readId("pagination_token")];
  const [start, end] = [readInstant("start_time"), readInstant("end_time")];
  const exclude = listOf(query, "exclude");

  const found = posts
    .filter((post) => {
      const id = BigInt(post.id);
      return (
        (since === undefined || id > since) &&
        (until === undefined || id < until) &&
        (before === undefined || id < before) &&
        (start === undefined || post.createdAtMs >= start) &&
        (end === undefined || post.createdAtMs < end) &&
        !(exclude.has("replies") && post.inReplyToPostId !== undefined)
      );
    })
    .reverse();
  const shown = found.slice(0, limit);
  const [newest, oldest] = [shown[0], shown.at(-1)];
  if (newest === undefined || oldest === undefined)
    return { status: 200, body: { meta: { result_count: 0 } } };

  const fields = listOf(query, "tweet.fields");
  const expansions = listOf(query, "expansions");
  const includes = {
    ...(expansions.has("attachments.media_keys")
      ? { media: viewMedia(shown, listOf(query, "media.fields"), findMedia) }
      : {}),
    ...(expansions.has("author_id") ? { users: [viewUser(author)] } : {}),
  };
  return {
    status: 200,
    body: {
      data: shown.map((post) => viewPost(post, fields)),
      ...(Object.keys(includes).length === 0 ? {} : { includes }),
      meta: {
        result_count: shown.length,
        newest_id: newest.id,
        oldest_id: oldest.id,
        ...(found.length > shown.length ? { next_token: oldest.id } : {}),
      },
    },
  };
}

export const viewUser = ({ id, name, username }: SandboxUser) => ({ id, name, username });

function viewPost(post: PostRecord, fields: ReadonlySet<string>): Record<string, unknown> {
  const { id, published } = post;
  const optional: Record<string, unknown> = {
    author_id: post.userId,
    created_at: new Date(post.createdAtMs).toISOString(),
    conversation_id: post.conversationId,
    in_reply_to_user_id: post.inReplyToPostId && post.userId,
    referenced_tweets: post.inReplyToPostId && [{ type: "replied_to", id: post.inReplyToPostId }],
    attachments: post.mediaKeys.length > 0 ? { media_keys: post.mediaKeys } : undefined,
    entities: withoutEmpty(published.entities),
    note_tweet: published.note && {
      text: published.note.text,
      entities: withoutEmpty(published.note.entities),
    },
    reply_settings: post.replySettings ?? "everyone",
    possibly_sensitive: false,
    lang: "und",
    public_metrics: {
      retweet_count: 0,
      reply_count: 0,
      like_count: 0,
      quote_count: 0,
      bookmark_count: 0,
      impression_count: 0,
    },
  };
  const chosen = Object.entries(optional).filter(([name, value]) => fields.has(name) && value !== undefined);
  return { id, text: published.text, edit_history_tweet_ids: [id], ...Object.fromEntries(chosen) };
}

/** X leaves out the kinds of entities that a post does not have, and the whole object when it has none. */
function withoutEmpty(entities: Entities): Record<string, unknown> | undefined {
  const present = Object.entries(entities).filter(([, list]) => list.length > 0);
  return present.length === 0 ? undefined : Object.fromEntries(present);
}

function viewMedia(
  posts: readonly PostRecord[],
  fields: ReadonlySet<string>,
  findMedia: (id: string) => SandboxMedia | undefined,
): unknown[] {
  return [...new Set(posts.flatMap(({ mediaIds }) => mediaIds))].flatMap((id) => {
    const media = findMedia(id);
    if (media === undefined) return [];
    return [
      {
        media_key: media.key,
        type: KIND_TYPES[media.kind].apiType,
        ...(fields.has("alt_text") && media.altText !== undefined ? { alt_text: media.altText } : {}),
      },
    ];
  });
}
