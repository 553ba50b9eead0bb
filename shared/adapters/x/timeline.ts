import * as z from "zod";
import type { TimelinePost } from "#shared/ports/post-publisher.ts";

const id = z.string().regex(/^\d+$/);

const urlEntity = z.object({
  url: z.string(),
  expanded_url: z.string().optional(),
  media_key: z.string().optional(),
});
const entities = z.object({ urls: z.array(urlEntity).optional() });

const postSchema = z.object({
  id,
  text: z.string(),
  created_at: z.iso.datetime({ offset: true }),
  entities: entities.optional(),
  attachments: z.object({ media_keys: z.array(z.string()).optional() }).optional(),
  referenced_tweets: z.array(z.object({ type: z.string(), id })).optional(),
  /** The whole of a long post, whose `text` is only its beginning. */
  note_tweet: z.object({ text: z.string(), entities: entities.optional() }).optional(),
});

/**
 * An answer of `GET /2/users/{id}/tweets`. It always counts its results: one without a count, or with another number
 * of posts, is no evidence that a post is absent.
 */
const timelineSchema = z
  .object({ data: z.array(postSchema).default([]), meta: z.object({ result_count: z.int() }) })
  .refine(({ data, meta }) => data.length === meta.result_count);

export const TIMELINE_FIELDS = ["created_at", "entities", "attachments", "referenced_tweets", "note_tweet"];

/** X escapes these three and nothing else. */
const unescapeText = (text: string): string =>
  text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/**
 * Undoes what X does to a text: short links become what they stand for, and the link that X adds for media goes.
 *
 * @param text - as X gives it, with `&`, `<` and `>` escaped
 */
export function expandText(text: string, urls: readonly z.output<typeof urlEntity>[]): string {
  let expanded = unescapeText(text);
  for (const { url, expanded_url, media_key } of urls) {
    if (media_key !== undefined) expanded = expanded.replaceAll(url, "");
    // A function, because `$&` in a replacement text means something.
    else if (expanded_url !== undefined) expanded = expanded.replaceAll(url, () => expanded_url);
  }
  return expanded.trimEnd();
}

/** @returns undefined when it is no complete timeline */
export function parseTimeline(answer: unknown): readonly TimelinePost[] | undefined {
  const parsed = timelineSchema.safeParse(answer);
  return parsed.success ? parsed.data.data.map(toPost) : undefined;
}

function toPost(post: z.output<typeof postSchema>): TimelinePost {
  const whole = post.note_tweet ?? post;
  // The media link stands in the beginning, even when the whole text is elsewhere.
  const urls = [...(whole.entities?.urls ?? []), ...(post.entities?.urls ?? [])];
  const parent = post.referenced_tweets?.find(({ type }) => type === "replied_to");
  return {
    postId: post.id,
    text: whole.text,
    expandedText: expandText(whole.text, urls),
    mediaKeys: post.attachments?.media_keys ?? [],
    ...(parent && { inReplyTo: parent.id }),
    createdAt: new Date(post.created_at),
  };
}
