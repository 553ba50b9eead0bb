import { join } from "node:path";
import * as z from "zod";
import type { SandboxUser } from "./accounts.ts";
import type { SandboxMedia } from "./media-store.ts";
import type { PostBody } from "./post-rules.ts";
import { type RewrittenText, rewriteText } from "./post-text.ts";
import { blank, duplicateContent } from "./problems.ts";
import type { IdSource } from "./snowflake.ts";
import { type JsonLog, openJsonLog } from "./state-files.ts";

/** X gives no number; a day is what people report. */
const DUPLICATE_WINDOW_MS = 24 * 3_600_000;

const PostRecord = z.object({
  id: z.string(),
  userId: z.string(),
  /** As it was sent. */
  text: z.string(),
  createdAtMs: z.number(),
  /** The first post of the thread; its own id when it starts one. */
  conversationId: z.string(),
  inReplyToPostId: z.string().optional(),
  mediaIds: z.array(z.string()),
  mediaKeys: z.array(z.string()),
  /** What X shows. Written by this process only, so its inside needs no check. */
  published: z.custom<RewrittenText>(
    (value) => typeof value === "object" && value !== null && "text" in value,
  ),
  pollOptions: z.array(z.string()).optional(),
  replySettings: z.string().optional(),
  madeWithAi: z.boolean().optional(),
  paidPartnership: z.boolean().optional(),
});
export type PostRecord = Readonly<z.infer<typeof PostRecord>>;

export interface PostStore {
  /**
   * Publishes. Nothing is awaited inside, so two equal posts cannot pass each other.
   * @throws XProblem 403 for a duplicate, and for a reply to a post that is not there or not one's own
   */
  create(author: SandboxUser, body: PostBody, media: readonly SandboxMedia[]): PostRecord;
  /** Oldest first. */
  all(): readonly PostRecord[];
  close(): void;
}

export function createPostStore(deps: {
  readonly ids: IdSource;
  readonly clock: () => number;
  readonly stateDir?: string;
}): PostStore {
  const posts: PostRecord[] = [];
  const byId = new Map<string, PostRecord>();
  /** Author and content → when it was last posted. */
  const lastPostedAt = new Map<string, number>();

  const contentKey = (userId: string, text: string, mediaIds: readonly string[]) =>
    JSON.stringify([userId, text.normalize("NFC").trim() || mediaIds]);

  const remember = (post: PostRecord) => {
    posts.push(post);
    byId.set(post.id, post);
    lastPostedAt.set(contentKey(post.userId, post.text, post.mediaIds), post.createdAtMs);
  };

  let log: JsonLog | undefined;
  if (deps.stateDir !== undefined) {
    log = openJsonLog(join(deps.stateDir, "posts.jsonl"), (value) => {
      const post = PostRecord.parse(value);
      deps.ids.keepAbove(post.id);
      remember(post);
    });
  }

  return {
    create(author, body, media) {
      const text = body.text ?? "";
      const mediaIds = media.map(({ id }) => id);
      const now = deps.clock();
      const postedAt = lastPostedAt.get(contentKey(author.id, text, mediaIds));
      if (postedAt !== undefined && now - postedAt < DUPLICATE_WINDOW_MS) throw duplicateContent();

      const parentId = body.reply?.in_reply_to_tweet_id;
      const parent = parentId === undefined ? undefined : byId.get(parentId);
      if (parentId !== undefined && parent?.userId !== author.id) {
        // Self-serve apps may answer only who summoned them; nobody summons in a sandbox.
        const detail = "You attempted to reply to a Tweet that is deleted or not visible to you.";
        throw blank(403, "Forbidden", detail, "foreign-parent");
      }

      const id = deps.ids.next();
      const post: PostRecord = {
        id,
        userId: author.id,
        text,
        createdAtMs: now,
        conversationId: parent?.conversationId ?? id,
        ...(parentId === undefined ? {} : { inReplyToPostId: parentId }),
        mediaIds,
        mediaKeys: media.map(({ key }) => key),
        published: rewriteText(text, { id, username: author.username, media }),
        ...(body.poll === undefined ? {} : { pollOptions: body.poll.options }),
        ...(body.reply_settings === undefined ? {} : { replySettings: body.reply_settings }),
        ...(body.made_with_ai === undefined ? {} : { madeWithAi: body.made_with_ai }),
        ...(body.paid_partnership === undefined ? {} : { paidPartnership: body.paid_partnership }),
      };
      log?.append(post);
      remember(post);
      return post;
    },
    all: () => posts,
    close: () => log?.close(),
  };
}
