/** How a person asks for a text to be written: in a file's front matter or in a request. */
import * as z from "zod";
import { err, ok, type Result } from "#shared/result.ts";
import { languageField } from "../post-fields.ts";
import type { Reason } from "../reason.ts";
import { findFacts } from "./facts.ts";
import {
  briefSchema,
  DEFAULT_HASHTAGS,
  MAX_HASHTAGS,
  modelName,
  WRITING_FAILURES,
  type Writing,
  type WritingFailure,
} from "./writing.ts";

/** What to do about a failure may be said once for the post, so it can be missing here. */
type Wish<Kind> = Kind extends Writing ? Omit<Kind, "onFailure"> & Partial<Pick<Kind, "onFailure">> : never;
export type WritingWish = Wish<Writing>;

const common = { onFailure: z.enum(WRITING_FAILURES).exactOptional(), model: modelName.exactOptional() };

/** Of anything else only a part would be found again in the result. */
const linkField = z.url({ protocol: /^https?$/ }).refine((link) => {
  const [only, ...others] = findFacts(link);
  return only?.kind === "link" && only.text === link && others.length === 0;
}, "write one whole link, such as https://example.com/kites");

/** `true`, or an object with `tone`, `onFailure`, `model`. `false` is the same as nothing. */
export const enhanceField = z
  .union([z.boolean(), z.strictObject({ tone: briefSchema.shape.tone, ...common })])
  .transform((given): WritingWish | undefined =>
    given === false ? undefined : { mode: "enhance", ...(given !== true && given) },
  );

/** An object with `title`, and as wanted `points`, `link`, `language`, `tone`, `onFailure`, `model`. */
export const generateField = z
  .strictObject({
    ...briefSchema.shape,
    points: briefSchema.shape.points.default([]),
    link: linkField.exactOptional(),
    language: languageField.exactOptional(),
    ...common,
  })
  .transform(
    ({ onFailure, model, ...brief }): WritingWish => ({
      mode: "generate",
      brief,
      ...(onFailure && { onFailure }),
      ...(model && { model }),
    }),
  );

/** `true`, how many at most, or an object with `count`, `onFailure`, `model`. `false` is the same as nothing. */
export const hashtagsField = z
  .union([
    z.boolean(),
    z.int().min(1).max(MAX_HASHTAGS),
    z.strictObject({ count: z.int().min(1).max(MAX_HASHTAGS).default(DEFAULT_HASHTAGS), ...common }),
  ])
  .transform((given): WritingWish | undefined => {
    if (given === false) return undefined;
    if (typeof given === "object") return { mode: "hashtags", ...given };
    return { mode: "hashtags", count: given === true ? DEFAULT_HASHTAGS : given };
  });

export const onEnhanceFailureField = z.enum(WRITING_FAILURES);

/** What each field takes, for the message about one that is wrong. */
export const WRITING_EXPECTS = {
  enhance: "true, false, or such as { tone: cheerful, onFailure: original }",
  generate:
    "such as { title: Kites, points: [On sale, Until Friday], link: https://example.com, language: en, tone: cheerful }",
  hashtags: `true, false, or how many at most (1 to ${MAX_HASHTAGS})`,
  onEnhanceFailure: "original or hold",
} as const;

export interface WritingFields {
  readonly enhance?: WritingWish | undefined;
  readonly generate?: WritingWish | undefined;
  readonly hashtags?: WritingWish | undefined;
  readonly onEnhanceFailure?: WritingFailure | undefined;
}

/**
 * What is to be written for a post; undefined: nothing.
 *
 * Refusals (`code`): `writing-twice`, `nothing-to-enhance`, `no-original`.
 *
 * @param hasText - any part of the post has one
 */
export function chooseWriting(
  { enhance, generate, hashtags, onEnhanceFailure }: WritingFields,
  hasText: boolean,
): Result<Writing | undefined, Reason> {
  const [wish, ...others] = [enhance, generate, hashtags].filter((given) => given !== undefined);
  if (!wish) return ok(undefined);
  if (others.length > 0)
    return err({
      code: "writing-twice",
      message: "More than one of enhance, generate and hashtags is given.",
      remedy: "Keep one of them.",
    });
  if (wish.mode !== "generate" && !hasText)
    return err({
      code: "nothing-to-enhance",
      message: `${wish.mode === "enhance" ? "enhance" : "hashtags"} is given, and there is no text.`,
      remedy: "Write a text, or ask for one with generate.",
    });
  const hasOriginal = wish.mode !== "generate" || hasText;
  const onFailure = wish.onFailure ?? onEnhanceFailure ?? (hasOriginal ? "original" : "hold");
  if (onFailure === "original" && !hasOriginal)
    return err({
      code: "no-original",
      message: "There is no text that could go out if none can be generated.",
      remedy: "Write a text beside generate, or choose hold instead of original.",
    });
  return ok({ ...wish, onFailure });
}
