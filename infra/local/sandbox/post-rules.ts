import twitterText from "twitter-text";
import * as z from "zod";
import type { SandboxUser } from "./accounts.ts";
import { SHORT_POST_LENGTH, weightedLength } from "./post-text.ts";
import { type InvalidParameter, invalidRequest, notPermitted } from "./problems.ts";

const PREMIUM_LENGTH = 25_000;
const MAX_CASHTAGS = 1;
const Id = z.string().regex(/^\d{1,19}$/, "does not match the regex pattern ^[0-9]{1,19}$");

/** Body of `POST /2/tweets`. @see https://docs.x.com/x-api/posts/creation-of-a-post */
export const PostBody = z.strictObject({
  text: z.string().optional(),
  media: z
    .strictObject({
      media_ids: z.array(Id).min(1).max(4, "there must be a maximum of 4 items in the array"),
      tagged_user_ids: z.array(Id).max(10).optional(),
    })
    .optional(),
  reply: z
    .strictObject({
      in_reply_to_tweet_id: Id,
      auto_populate_reply_metadata: z.boolean().optional(),
      exclude_reply_user_ids: z.array(Id).optional(),
    })
    .optional(),
  poll: z
    .strictObject({
      options: z.array(z.string().min(1).max(25)).min(2).max(4),
      duration_minutes: z.int().min(5).max(10_080),
    })
    .optional(),
  reply_settings: z.enum(["everyone", "following", "mentionedUsers", "subscribers", "verified"]).optional(),
  made_with_ai: z.boolean().optional(),
  paid_partnership: z.boolean().optional(),
  // Known to X, granted to none of the accounts here: see checkPost.
  quote_tweet_id: Id.optional(),
  community_id: Id.optional(),
  edit_options: z.strictObject({ previous_post_id: Id }).optional(),
});
export type PostBody = z.infer<typeof PostBody>;

/**
 * Reads a request body in X's words.
 * @throws XProblem 400 that names each wrong field by its JSON path
 */
export function parseAsX<Shape extends z.ZodType>(schema: Shape, value: unknown): z.output<Shape> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [first, ...others] = parsed.error.issues.flatMap((issue): InvalidParameter[] => {
    const path = ["$", ...issue.path].join(".");
    if (issue.code !== "unrecognized_keys")
      return [{ parameters: { [path]: [] }, message: `${path}: ${issue.message}` }];
    return issue.keys.map((key) => ({
      parameters: { [`${path}.${key}`]: [] },
      message: `${path}.${key}: is not defined in the schema and the schema does not allow additional properties`,
    }));
  });
  throw invalidRequest(first === undefined ? { message: "$: is invalid" } : [first, ...others]);
}

/**
 * Everything about a new post that needs no look at other posts or at its media.
 * @throws XProblem 400 or 403
 */
export function checkPost(body: PostBody, author: SandboxUser): void {
  const text = body.text ?? "";
  if (text.trim() === "" && body.media === undefined && body.poll === undefined) {
    throw invalidRequest({ message: "$.text: is required when there is neither media nor a poll" });
  }
  if (!text.isWellFormed() || twitterText.hasInvalidCharacters(text)) {
    throw invalidRequest({ parameters: { "$.text": [] }, message: "$.text: contains invalid characters" });
  }
  const allowed = author.premium === true ? PREMIUM_LENGTH : SHORT_POST_LENGTH;
  if (weightedLength(text) > allowed) {
    throw invalidRequest({
      parameters: { text: [] },
      message:
        "Your Tweet text is too long. For more information on how Twitter determines text length see https://github.com/twitter/twitter-text.",
    });
  }
  if (body.media !== undefined && body.poll !== undefined) {
    throw invalidRequest({ message: "$.poll: cannot be combined with $.media" });
  }
  if (body.quote_tweet_id !== undefined) throw notPermitted("enterprise-only");
  if (body.community_id !== undefined || body.edit_options !== undefined) throw notPermitted("not-permitted");
  if (twitterText.extractCashtags(text).length > MAX_CASHTAGS) throw notPermitted("too-many-cashtags");
}
