/**
 * What a post was like when it went out, as a later model will want to know it. Nothing here decides anything today; but
 * what is not written down at that instant can never be learned from.
 */
import twitterText from "twitter-text";
import type { Account, Project } from "./account.ts";
import type { Gate } from "./gate.ts";
import { localTime } from "./local-clock.ts";
import { type MediaKind, mediaKindOf } from "./media.ts";
import type { Strategy } from "./planning/strategy.ts";
import { weightedLength } from "./post-text.ts";
import type { Content, Task } from "./task.ts";

/**
 * Of a thread: its first part, which is what a timeline shows. A feature that nobody knew at that instant is absent, not
 * zero.
 */
export interface PostFeatures {
  /** Raised when a feature changes its meaning. */
  readonly version: 1;
  /** Of the project's day, 0 to 23. */
  readonly hour: number;
  /** Of the project's calendar: 0 is Monday. */
  readonly weekday: number;
  /** In weighted characters. */
  readonly length: number;
  readonly hashtags: number;
  readonly mentions: number;
  readonly media: { readonly kind: MediaKind | "none"; readonly count: number };
  readonly hasLink: boolean;
  readonly language: string;
  /** Of the account, when X was last asked. */
  readonly followers?: number;
  /** Since the account's newest post before it that Punctual sent, in ms. */
  readonly sinceLastPostMs?: number;
  /** Mean engagement of the account's posts. Absent for now: nothing measures engagement yet. */
  readonly accountAverage?: number;
  /** Share of the account's own posts until then that went out in the same hour of the day in UTC, in [0, 1]. */
  readonly hourShare?: number;
  /** 1 (most urgent) to 10. */
  readonly priority: number;
  readonly strategy: Strategy;
}

/** What a publisher knows of a post besides its task and gate. */
export interface PostCircumstances {
  readonly content: Pick<Content, "parts" | "media">;
  /** IANA name of the project's zone. */
  readonly timeZone: string;
  readonly followers?: number;
}

export const circumstancesOf = (
  content: PostCircumstances["content"],
  { timeZone }: Pick<Project, "timeZone">,
  account: Pick<Account, "followers"> | undefined,
): PostCircumstances => ({
  content,
  timeZone,
  ...(account?.followers !== undefined && { followers: account.followers }),
});

/**
 * @param gate - of the account, as it was before this post
 * @throws RangeError when there is no such zone
 */
export function featuresOf(
  task: Pick<Task, "language" | "priority" | "strategy" | "publishAt" | "createdAt">,
  { content, timeZone, followers }: PostCircumstances,
  { lastPostAt, hours }: Pick<Gate, "lastPostAt" | "hours">,
  sentAt: Date,
): PostFeatures {
  const { day, timeMs } = localTime(sentAt.getTime(), timeZone);
  const text = content.parts[0]?.text ?? "";
  const [medium] = content.media;
  const sinceLastPostMs = lastPostAt && sentAt.getTime() - lastPostAt.getTime();
  const posts = hours?.reduce((sum, count) => sum + count, 0) ?? 0;
  return {
    version: 1,
    hour: Math.floor(timeMs / 3_600_000),
    // Day 0 was a Thursday.
    weekday: (day + 3) % 7,
    length: weightedLength(text),
    hashtags: twitterText.extractHashtags(text).length,
    mentions: twitterText.extractMentions(text).length,
    media: { kind: medium ? mediaKindOf(medium.type) : "none", count: content.media.length },
    hasLink: twitterText.extractUrls(text).length > 0,
    language: task.language,
    ...(followers !== undefined && { followers }),
    // Found by reading back, a post may be older than the newest one.
    ...(sinceLastPostMs !== undefined && sinceLastPostMs >= 0 && { sinceLastPostMs }),
    ...(hours && posts > 0 && { hourShare: (hours[sentAt.getUTCHours()] ?? 0) / posts }),
    priority: task.priority,
    strategy: task.strategy ?? (task.publishAt > task.createdAt ? "fixed" : "immediate"),
  };
}
