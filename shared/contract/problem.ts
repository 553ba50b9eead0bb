/** Everything that the API refuses with: RFC 9457 problems, one entry per stable code. */
import * as z from "zod";

interface ProblemKind {
  readonly status: number;
  /** The same for every occurrence. */
  readonly title: string;
  /** The identical request may succeed later, and may be sent again without harm. */
  readonly retryable: boolean;
}

export const PROBLEMS = {
  "malformed-body": { status: 400, title: "The body is no JSON.", retryable: false },
  "invalid-input": { status: 400, title: "The request is not what this route takes.", retryable: false },
  "invalid-cursor": { status: 400, title: "The cursor does not belong to this list.", retryable: false },
  "missing-scope": { status: 403, title: "The key may not do this.", retryable: false },
  "route-not-found": { status: 404, title: "There is nothing at this address.", retryable: false },
  "task-not-found": { status: 404, title: "There is no such task.", retryable: false },
  "batch-not-found": { status: 404, title: "There is no such batch.", retryable: false },
  "run-not-found": { status: 404, title: "There is no such run.", retryable: false },
  "job-not-found": { status: 404, title: "There is no such job.", retryable: false },
  "recurrence-not-found": { status: 404, title: "There is no such recurrence.", retryable: false },
  "project-not-found": { status: 404, title: "There is no such project.", retryable: false },
  "method-not-allowed": { status: 405, title: "This address takes other methods.", retryable: false },
  "task-final": { status: 409, title: "The task has ended.", retryable: false },
  "in-flight": { status: 409, title: "The task is being posted.", retryable: false },
  "parts-posted": { status: 409, title: "Parts of the thread are posted.", retryable: false },
  "policy-stale": { status: 409, title: "Somebody else changed the policy.", retryable: false },
  "write-conflict": { status: 409, title: "Somebody else keeps changing the task.", retryable: true },
  "duplicate-content": { status: 409, title: "The account says the same already.", retryable: false },
  "near-duplicate": { status: 409, title: "The account says nearly the same already.", retryable: false },
  "media-used": { status: 409, title: "The project posts this medium already.", retryable: false },
  "job-name-taken": { status: 409, title: "Another job has this name.", retryable: false },
  "too-many-jobs": { status: 409, title: "There are too many jobs.", retryable: false },
  "job-conflict": { status: 409, title: "Somebody else keeps changing the jobs.", retryable: true },
  "body-too-large": { status: 413, title: "The body is too large.", retryable: false },
  "unsupported-media-type": { status: 415, title: "The body must be JSON.", retryable: false },
  "unknown-project": { status: 422, title: "There is no such project.", retryable: false },
  "unknown-account": { status: 422, title: "There is no such account.", retryable: false },
  "recurrence-conflict": {
    status: 409,
    title: "Somebody else keeps changing the recurrence.",
    retryable: true,
  },
  "bad-rule": { status: 422, title: "The rule is none that is taken.", retryable: false },
  "bad-zone": { status: 422, title: "There is no such time zone.", retryable: false },
  "never-occurs": { status: 422, title: "The rule names no time.", retryable: false },
  "no-such-occurrence": { status: 422, title: "The rule does not name this time.", retryable: false },
  "too-many-exceptions": { status: 422, title: "Too many occurrences differ.", retryable: false },
  "bad-schedule": { status: 422, title: "The schedule does not exist.", retryable: false },
  "policy-refused": { status: 422, title: "The policy cannot be kept.", retryable: false },
  "bad-time": { status: 422, title: "The time does not exist.", retryable: false },
  "slot-passed": { status: 422, title: "The time has passed.", retryable: false },
  "thread-meets-blackout": { status: 422, title: "The thread runs into a blackout.", retryable: false },
  "too-far-ahead": { status: 422, title: "The time is too far ahead.", retryable: false },
  "strategy-and-time": { status: 422, title: "Strategy and time do not fit.", retryable: false },
  "no-free-slot": { status: 422, title: "No slot is free.", retryable: false },
  "split-and-thread": { status: 422, title: "A thread is not split again.", retryable: false },
  "unsplittable-text": { status: 422, title: "The text cannot be split.", retryable: false },
  "writing-twice": { status: 422, title: "Only one thing can be written.", retryable: false },
  "nothing-to-enhance": { status: 422, title: "There is no text to enhance.", retryable: false },
  "no-original": { status: 422, title: "There is no original text.", retryable: false },
  "empty-post": { status: 422, title: "The post is empty.", retryable: false },
  "empty-part": { status: 422, title: "A part of the thread is empty.", retryable: false },
  "too-many-parts": { status: 422, title: "The thread is too long.", retryable: false },
  "invalid-text": { status: 422, title: "The text has a character that X does not take.", retryable: false },
  "text-too-long": { status: 422, title: "The text is too long.", retryable: false },
  internal: { status: 500, title: "The request could not be completed.", retryable: false },
  "dependency-unavailable": {
    status: 503,
    title: "A service that is needed did not answer.",
    retryable: true,
  },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One thing that is wrong with the request. */
export const inputErrorSchema = z.object({
  /** JSON pointer (RFC 6901) into the body; empty for the body as a whole. */
  pointer: z.string().optional(),
  /** Name of a query parameter. */
  parameter: z.string().optional(),
  detail: z.string(),
});
export type InputError = z.output<typeof inputErrorSchema>;

/** Body of every answer with a status of 400 or more. @see https://www.rfc-editor.org/rfc/rfc9457 */
export const problemSchema = z.strictObject({
  type: z.string().startsWith("urn:punctual:problem:"),
  title: z.string(),
  status: z.int().min(400).max(599),
  code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
  /** What happened this time, for a person. */
  detail: z.string(),
  /** The identical request may succeed later, and may be sent again without harm. */
  retryable: z.boolean(),
  errors: z.array(inputErrorSchema).optional(),
  /** The same as the header `x-request-id`, and as in the logs. */
  requestId: z.string(),
});
export type Problem = z.output<typeof problemSchema>;

/** @see https://www.rfc-editor.org/rfc/rfc6901 */
export const jsonPointer = (path: readonly PropertyKey[]): string =>
  path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
