/** What may stand in the fields of a post, however it comes: in a file's front matter or in a request. */
import * as z from "zod";
import { batchName } from "./batch.ts";
import { DEFAULT_LATE_POLICY, type LatePolicy } from "./task.ts";

const DAY_MS = 86_400_000;
const MAX_POST_WITHIN_MS = 30 * DAY_MS;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS };

/** Of projects and accounts, for a look-up: who has such a name is no question of its spelling. */
export const nameField = z.string().min(1).max(100);

const CONTROL = /\p{Cc}/u;

/** Any name: what its posts have in common is the owner's. Shown to people, so that no terminal may obey it. */
export const batchField = z
  .string()
  .max(200)
  .refine((name) => name.isWellFormed() && !CONTROL.test(name), "no control characters")
  .transform(batchName)
  .pipe(z.string().min(1).max(100));

/** `now`, an instant, or a local time of the project's zone: what exactly is decided by `decidePublishTime`. */
export const publishAtField = z.string().min(1).max(100);

/** 1 is the most urgent. */
export const priorityField = z.int().min(1).max(10);

/** `cn` is what many people write for Chinese. */
export const languageField = z
  .string()
  .regex(/^[a-z]{2,3}([-_][a-z0-9]{2,8}){0,3}$/i, "write a language tag such as zh, en or pt-BR")
  .transform((tag) => (tag.toLowerCase() === "cn" ? "zh" : tag.replaceAll("_", "-")));

/** What to do about a post that is proven not to be out, although X's answer was lost. */
export const reconcileField = z.enum(["repost", "hold"]);

export const threadField = z.array(z.string()).min(1).max(1_000);

/** `30m`, `12 h`; `forever` is no limit. */
const postWithinField = z
  .string()
  .regex(/^(\d{1,6} ?[smhd]|forever)$/, "write a number and s, m, h or d, such as 30m, or forever")
  .transform((text) => {
    const unit = text.at(-1) ?? "";
    return text === "forever" ? undefined : Number.parseInt(text, 10) * (UNIT_MS[unit] ?? 0);
  })
  .refine((ms) => ms === undefined || ms <= MAX_POST_WITHIN_MS, "at most 30d, or forever");

export const latePolicyField = z
  .strictObject({ postWithin: postWithinField.optional(), then: z.enum(["missed", "hold"]).optional() })
  .transform((policy): LatePolicy => {
    const within = "postWithin" in policy ? policy.postWithin : DEFAULT_LATE_POLICY.postWithinMs;
    return {
      ...(within !== undefined && { postWithinMs: within }),
      then: policy.then ?? DEFAULT_LATE_POLICY.then,
    };
  });
