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
  "bad-credentials": { status: 401, title: "E-mail or password is wrong.", retryable: false },
  "not-invited": { status: 401, title: "The invitation does not work.", retryable: false },
  "key-restricted": { status: 403, title: "The key does not reach this.", retryable: false },
  "missing-scope": { status: 403, title: "The key may not do this.", retryable: false },
  "operator-only": { status: 403, title: "This belongs to the deployment.", retryable: false },
  "route-not-found": { status: 404, title: "There is nothing at this address.", retryable: false },
  "task-not-found": { status: 404, title: "There is no such task.", retryable: false },
  "batch-not-found": { status: 404, title: "There is no such batch.", retryable: false },
  "run-not-found": { status: 404, title: "There is no such run.", retryable: false },
  "job-not-found": { status: 404, title: "There is no such job.", retryable: false },
  "recurrence-not-found": { status: 404, title: "There is no such recurrence.", retryable: false },
  "content-not-found": { status: 404, title: "There is no such draft.", retryable: false },
  "media-not-found": { status: 404, title: "There is no such medium.", retryable: false },
  "key-not-found": { status: 404, title: "There is no such key.", retryable: false },
  "user-not-found": { status: 404, title: "There is no such user.", retryable: false },
  "session-not-found": { status: 404, title: "There is no such session.", retryable: false },
  "settings-version-not-found": {
    status: 404,
    title: "There is no such version of the settings.",
    retryable: false,
  },
  "account-not-found": { status: 404, title: "There is no such account.", retryable: false },
  "source-not-found": { status: 404, title: "There is no such source.", retryable: false },
  "webhook-not-found": { status: 404, title: "There is no such webhook.", retryable: false },
  "delivery-not-found": { status: 404, title: "There is no such delivery.", retryable: false },
  "project-not-found": { status: 404, title: "There is no such project.", retryable: false },
  "method-not-allowed": { status: 405, title: "This address takes other methods.", retryable: false },
  "key-ended": { status: 409, title: "The key has ended, or was replaced.", retryable: false },
  "user-name-taken": { status: 409, title: "Another user has this name.", retryable: false },
  "email-taken": { status: 409, title: "Another user has this e-mail address.", retryable: false },
  "too-many-users": { status: 409, title: "There are too many users.", retryable: false },
  "last-admin": { status: 409, title: "Nobody could let others in any more.", retryable: false },
  "user-conflict": { status: 409, title: "Somebody else keeps changing the users.", retryable: true },
  "task-final": { status: 409, title: "The task has ended.", retryable: false },
  "in-flight": { status: 409, title: "The task is being posted.", retryable: false },
  "parts-posted": { status: 409, title: "Parts of the thread are posted.", retryable: false },
  "in-doubt": { status: 409, title: "Nobody knows whether the post is out.", retryable: false },
  "not-in-doubt": { status: 409, title: "No answer about this task was lost.", retryable: false },
  "not-failed": { status: 409, title: "The task goes out by itself.", retryable: false },
  "post-taken": { status: 409, title: "The post belongs to another task.", retryable: false },
  "policy-stale": { status: 409, title: "Somebody else changed the policy.", retryable: false },
  "idempotency-in-flight": {
    status: 409,
    title: "The first request with this key is not answered yet.",
    retryable: true,
  },
  "write-conflict": { status: 409, title: "Somebody else keeps changing the task.", retryable: true },
  "duplicate-content": { status: 409, title: "The account says the same already.", retryable: false },
  "near-duplicate": { status: 409, title: "The account says nearly the same already.", retryable: false },
  "media-used": { status: 409, title: "The project posts this medium already.", retryable: false },
  "media-not-ready": { status: 409, title: "A medium is not ready yet.", retryable: true },
  "media-in-use": { status: 409, title: "A task uses the medium.", retryable: false },
  "media-conflict": { status: 409, title: "New tasks keep taking the medium.", retryable: true },
  "draft-approved": { status: 409, title: "The draft is approved already.", retryable: false },
  "content-conflict": { status: 409, title: "Somebody else keeps changing the draft.", retryable: true },
  "project-name-taken": { status: 409, title: "Another project has this name.", retryable: false },
  "too-many-projects": { status: 409, title: "There are too many projects.", retryable: false },
  "project-in-use": { status: 409, title: "Something needs the project.", retryable: false },
  "source-taken": { status: 409, title: "The folder is taken.", retryable: false },
  "too-many-active-tasks": { status: 409, title: "There are too many tasks.", retryable: false },
  "too-many-sources": { status: 409, title: "The project has too many folders.", retryable: false },
  "source-disabled": { status: 409, title: "The source is switched off.", retryable: false },
  "account-needs-reconnect": {
    status: 409,
    title: "The account has to be connected again.",
    retryable: false,
  },
  "same-user": { status: 409, title: "Another account is this user of X.", retryable: false },
  "other-user": { status: 409, title: "The account is another user of X.", retryable: false },
  "job-name-taken": { status: 409, title: "Another job has this name.", retryable: false },
  "too-many-jobs": { status: 409, title: "There are too many jobs.", retryable: false },
  "job-conflict": { status: 409, title: "Somebody else keeps changing the jobs.", retryable: true },
  "precondition-failed": { status: 412, title: "It was changed since it was read.", retryable: false },
  "batch-too-large": { status: 413, title: "There are too many posts at once.", retryable: false },
  "too-many-webhooks": { status: 409, title: "There are too many webhooks.", retryable: false },
  "webhook-conflict": {
    status: 409,
    title: "Somebody else keeps changing the webhooks.",
    retryable: true,
  },
  "body-too-large": { status: 413, title: "The body is too large.", retryable: false },
  "unsupported-media-type": { status: 415, title: "The body must be JSON.", retryable: false },
  "idempotency-key-reused": {
    status: 422,
    title: "The key was sent with another request.",
    retryable: false,
  },
  "unknown-project": { status: 422, title: "There is no such project.", retryable: false },
  "unknown-account": { status: 422, title: "There is no such account.", retryable: false },
  "unknown-content": { status: 422, title: "There is no such draft.", retryable: false },
  "unknown-media": { status: 422, title: "There is no such medium.", retryable: false },
  "media-unusable": { status: 422, title: "A medium was refused, or never came.", retryable: false },
  "media-too-large": { status: 422, title: "The file is larger than X takes.", retryable: false },
  "mixed-media": { status: 422, title: "X does not take these media together.", retryable: false },
  "too-many-photos": { status: 422, title: "There are too many photos.", retryable: false },
  "empty-content": { status: 422, title: "The draft is empty.", retryable: false },
  "content-too-long": { status: 422, title: "The texts of the draft are too long.", retryable: false },
  "client-id-missing": { status: 422, title: "No app is named.", retryable: false },
  "credentials-refused": { status: 422, title: "X does not accept the credentials.", retryable: false },
  "recurrence-conflict": {
    status: 409,
    title: "Somebody else keeps changing the recurrence.",
    retryable: true,
  },
  "webhook-url-refused": { status: 422, title: "The address may not be called.", retryable: false },
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
  "wrong-post": { status: 422, title: "The post cannot be this task's.", retryable: false },
  "weak-password": { status: 422, title: "The password is too weak.", retryable: false },
  "too-many-attempts": { status: 429, title: "Too many attempts to sign in.", retryable: true },
  "rate-limited": { status: 429, title: "There are too many requests.", retryable: true },
  internal: { status: 500, title: "The request could not be completed.", retryable: false },
  "x-unreachable": { status: 503, title: "X could not be asked.", retryable: true },
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
  /** Name of a header. */
  header: z.string().optional(),
  detail: z.string(),
});
export type InputError = z.output<typeof inputErrorSchema>;

/** Body of every answer with a status of 400 or more. @see https://www.rfc-editor.org/rfc/rfc9457 */
export const problemSchema = z.strictObject({
  type: z.string().regex(/^urn:punctual:problem:/),
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
