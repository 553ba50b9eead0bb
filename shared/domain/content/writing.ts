/** What a person asks to be written for a post, as it is stored with the content of a revision. */
import * as z from "zod";

/** When nothing usable was written: the text as it was goes out, or the post waits for a person. */
export const WRITING_FAILURES = ["original", "hold"] as const;
export type WritingFailure = (typeof WRITING_FAILURES)[number];

/** One brief fits into one post; more than this says it no better. */
const BRIEF_LIMITS = { title: 300, points: 20, point: 500, link: 2_000, tone: 100 } as const;
/** X shows no limit; more than a few look like spam. */
export const MAX_HASHTAGS = 10;
export const DEFAULT_HASHTAGS = 3;

/** Only names of Gemini's models: it becomes a part of the address. */
export const modelName = z
  .string()
  .regex(/^gemini-[a-z0-9][a-z0-9.-]{0,60}$/, "write the name of a Gemini model");

export const briefSchema = z.strictObject({
  title: z.string().trim().min(1).max(BRIEF_LIMITS.title),
  points: z.array(z.string().trim().min(1).max(BRIEF_LIMITS.point)).max(BRIEF_LIMITS.points).readonly(),
  link: z.string().max(BRIEF_LIMITS.link).exactOptional(),
  tone: z.string().trim().min(1).max(BRIEF_LIMITS.tone).exactOptional(),
  /** Absent: the post's own. */
  language: z.string().max(35).exactOptional(),
});
/** What a post is to be about. Without a link of its own, the result has none. */
export type Brief = Readonly<z.output<typeof briefSchema>>;

const common = {
  onFailure: z.enum(WRITING_FAILURES),
  /** Absent: the deployment's. */
  model: modelName.exactOptional(),
};

export const writingSchema = z.discriminatedUnion("mode", [
  z.strictObject({ mode: z.literal("enhance"), tone: briefSchema.shape.tone, ...common }),
  z.strictObject({ mode: z.literal("generate"), brief: briefSchema, ...common }),
  z.strictObject({ mode: z.literal("hashtags"), count: z.int().min(1).max(MAX_HASHTAGS), ...common }),
]);

/**
 * - `enhance`: the same, said better
 * - `generate`: one post from a brief; the text of the post, if there is one, is what goes out instead
 * - `hashtags`: the same text, and up to `count` hashtags behind its first part, as far as there is room
 */
export type Writing = Readonly<z.output<typeof writingSchema>>;

/** What is to be written, and what for. */
export interface WritingRequest {
  readonly writing: Writing;
  /** One per part of the thread. */
  readonly texts: readonly string[];
  readonly language: string;
  /** Of the account, in weighted characters. */
  readonly maxTextLength: number;
}

/** What is wrong with one written text. `part` is 1 for the first. */
export type WritingProblem = { readonly part: number } & (
  | { readonly kind: "too-long"; readonly excess: number }
  /** The original has it (of a brief: the link), and the text has not. */
  | { readonly kind: "lost"; readonly facts: readonly string[] }
  | { readonly kind: "invented"; readonly facts: readonly string[] }
  | { readonly kind: "other-language" }
  /** Too few words of the original: it is about something else. */
  | { readonly kind: "unlike" }
  /** Empty, with characters that X refuses or that hide others, or with sentences of the instructions. */
  | { readonly kind: "unusable" }
  /** Another number of texts than was asked for. */
  | { readonly kind: "count"; readonly wanted: number; readonly found: number }
);
