import type { IncomingHttpHeaders } from "node:http";
import * as z from "zod";
import type { Failure, FailureClass } from "#shared/domain/failure.ts";
import type { PostOutcome } from "#shared/ports/post-publisher.ts";

/** Why a call to X did not give what it was made for. */
export type XProblem =
  /** X answered, in full. */
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      /** Parsed JSON, else text. */
      readonly body: unknown;
    }
  /** An answer began, but was cut or is not what it claims to be. */
  | { readonly kind: "unreadable"; readonly status: number; readonly headers: IncomingHttpHeaders }
  /** No answer. `sent: false`: the request certainly never left. */
  | { readonly kind: "network"; readonly sent: boolean; readonly code: string };

/** What was called: the same answer means different things. */
export type XCall = "post" | "media" | "read" | "token";

const text = z
  .union([z.string(), z.number().transform(String)])
  .optional()
  .catch(undefined);
const errorEntry = z.union([
  z.string().transform((message) => ({ message })),
  z.object({
    code: z.number().optional().catch(undefined),
    title: text,
    detail: text,
    message: text,
    type: text,
    reason: text,
    reset_date: text,
  }),
]);

/** X's problem bodies, as they have been seen: every part may be missing, and `errors` may be plain texts. */
const problemBody = z.object({
  title: text,
  detail: text,
  type: text,
  reason: text,
  reset_date: text,
  error: text,
  error_description: text,
  errors: z
    .array(errorEntry.catch({ message: "" }))
    .optional()
    .catch(undefined),
});

interface Signs {
  /** Everything X said, in lower case: only ever searched, never shown or logged. */
  readonly said: string;
  /** Last part of the problem type's path: hosts differ. */
  readonly types: readonly string[];
  readonly codes: readonly number[];
  readonly resetDate?: string;
  /** Whether it is one of X's own bodies at all, and not a page of something in between. */
  readonly isProblem: boolean;
}

function readSigns(body: unknown): Signs {
  const parsed = problemBody.safeParse(body);
  if (!parsed.success) return { said: "", types: [], codes: [], isProblem: false };
  const { errors = [], ...top } = parsed.data;
  const entries: Record<string, string | number | undefined>[] = [top, ...errors];
  const all = (name: string) => entries.flatMap((entry) => (entry[name] === undefined ? [] : [entry[name]]));
  const resetDate = all("reset_date")[0];
  return {
    said: ["title", "detail", "message", "reason", "error", "error_description"]
      .flatMap(all)
      .join("\n")
      .toLowerCase(),
    types: all("type").map((type) => String(type).split(/[/#]/).at(-1) ?? ""),
    codes: all("code").filter((code) => typeof code === "number"),
    ...(resetDate !== undefined && { resetDate: String(resetDate) }),
    isProblem: true,
  };
}

interface Rule {
  readonly code: string;
  readonly class: FailureClass;
  readonly message: string;
  readonly remedy: string;
  readonly when: (seen: Signs & { readonly status: number; readonly call: XCall }) => boolean;
}

const NOTHING_TO_DO = "Nothing to do: it is tried again.";

/**
 * First match wins: problem types and X's own words before the bare status, because X uses 403 for everything.
 *
 * @see https://docs.x.com/x-api/fundamentals/response-codes-and-errors
 */
const RULES: readonly Rule[] = [
  {
    code: "spend-cap-reached",
    class: "billing",
    message: "The spending limit of the X account's app is reached.",
    remedy:
      "Raise the limit in X's developer console, or wait until it starts anew; then resume the account.",
    when: ({ said, status }) =>
      (status === 402 || status === 403 || status === 429) && /spend ?cap/.test(said),
  },
  {
    code: "credits-depleted",
    class: "billing",
    message: "X's prepaid credits are used up.",
    remedy: "Buy credits in X's developer console, then resume the account.",
    when: ({ status, types }) => status === 402 || types.includes("credits"),
  },
  {
    code: "usage-capped",
    class: "rate-limited",
    message: "The X plan allows no more calls in this period.",
    remedy: "Nothing to do: it waits. A larger plan in X's developer console ends the wait.",
    when: ({ types }) => types.includes("usage-capped"),
  },
  {
    code: "rate-limited",
    class: "rate-limited",
    message: "X allows no further call of this kind for now.",
    remedy: "Nothing to do: it waits for X's own reset.",
    when: ({ status, codes }) => status === 429 || (status < 500 && codes.includes(88)),
  },
  {
    code: "wrong-client",
    class: "configuration",
    message: "X does not know the app that the account was connected with.",
    remedy: "Check X_CLIENT_ID and X_CLIENT_SECRET, then run `npm run admin -- init` again.",
    when: ({ call, status, said }) =>
      call === "token" && status < 500 && (status === 401 || /invalid_client|unauthorized_client/.test(said)),
  },
  {
    code: "needs-reconnect",
    class: "credentials",
    message: "X no longer accepts this account's access.",
    remedy:
      "Connect the account again (docs/api.md), or put fresh tokens into .env and run `npm run admin -- init`.",
    when: ({ call, status }) => status === 401 || (call === "token" && (status === 400 || status === 403)),
  },
  {
    code: "client-not-enrolled",
    class: "configuration",
    message: "The X app is not attached to a project with access to API v2.",
    remedy: "Attach the app to a project in X's developer console.",
    when: ({ status, types, said }) =>
      status === 403 && (types.includes("client-forbidden") || said.includes("client-not-enrolled")),
  },
  {
    code: "app-permissions",
    class: "configuration",
    message: "The X app may only read, or accepts another kind of token for this.",
    remedy:
      "Set the app to “Read and write” in X's developer console, create new tokens, and run `npm run admin -- init` again.",
    when: ({ status, types, said }) =>
      status === 403 &&
      (types.includes("oauth1-permissions") ||
        types.includes("unsupported-authentication") ||
        said.includes("app permissions")),
  },
  {
    code: "duplicate-text",
    class: "content",
    message: "X says the account posted the same text recently.",
    remedy: "Change the text, or check whether the post is already there.",
    when: ({ status, said, codes }) =>
      status < 500 && (said.includes("duplicate content") || codes.includes(187)),
  },
  {
    code: "account-locked",
    class: "credentials",
    message: "X has locked or suspended the account.",
    remedy: "Sign in at x.com with the account, do what X asks, then resume the account.",
    when: ({ status, said, codes }) =>
      status === 403 &&
      (codes.includes(64) ||
        codes.includes(326) ||
        /suspended|temporarily locked|account is locked/.test(said)),
  },
  {
    code: "video-too-long",
    class: "content",
    message: "The video is longer than X allows for this account.",
    remedy: "Shorten the video, or post it with an account that X allows longer ones.",
    when: ({ status, said }) => status < 500 && said.includes("video longer than"),
  },
  {
    code: "text-too-long",
    class: "content",
    message: "The text is longer than X allows for this account.",
    remedy: "Shorten the text, or make it a thread.",
    when: ({ status, said, codes }) =>
      status < 500 && (codes.includes(186) || /(tweet|post|text)[^\n]{0,40} too long/.test(said)),
  },
  {
    code: "media-ids-invalid",
    class: "content",
    message: "X does not know the uploaded media any more, or they belong to another account.",
    remedy: "Drop the post again: the media are then uploaded anew.",
    when: ({ call, status, said, codes }) =>
      call === "post" && status < 500 && (codes.includes(324) || /media ids? (are|is) invalid/.test(said)),
  },
  {
    // Seen when a thread's parts follow each other too fast: the parent is there a moment later.
    code: "reply-parent-missing",
    class: "transient",
    message: "X does not see the post that this one answers.",
    remedy: NOTHING_TO_DO,
    when: ({ call, status, said, codes }) =>
      call === "post" && status < 500 && (codes.includes(385) || said.includes("deleted or not visible")),
  },
  {
    code: "missing-scope",
    class: "credentials",
    message: "The account's access does not include uploading media.",
    remedy: "Connect the account again with the scope media.write, and run `npm run admin -- init` again.",
    when: ({ call, status, isProblem, said }) =>
      call === "media" && status === 403 && isProblem && /^(forbidden\s*)*$/.test(said),
  },
  {
    code: "not-permitted",
    class: "content",
    message: "X does not permit this account to post that.",
    remedy: "Check X's rules for replies, quotes, links and media, and change the post.",
    when: ({ status, isProblem }) => status === 403 && isProblem,
  },
  {
    // A page of something in front of X: the request never reached it.
    code: "blocked-before-x",
    class: "transient",
    message: "Something in front of X refused the request.",
    remedy: NOTHING_TO_DO,
    when: ({ status }) => status === 403,
  },
  {
    code: "media-too-large",
    class: "content",
    message: "X refused the medium as too large.",
    remedy: "Use a smaller file.",
    when: ({ call, status }) => call === "media" && status === 413,
  },
  {
    code: "media-refused",
    class: "content",
    message: "X refused the medium.",
    remedy: "Check the file's type, size and length against X's rules, and convert it if necessary.",
    when: ({ call, status }) => call === "media" && (status === 400 || status === 422),
  },
  {
    code: "refused-by-x",
    class: "content",
    message: "X refused the request as it was made.",
    remedy: "Check the text and the media; if they are in order, report it with the log of the task.",
    when: ({ status }) => status >= 400 && status < 500,
  },
];

const UNAVAILABLE = {
  code: "x-unavailable",
  message: "X is not available right now.",
  remedy: NOTHING_TO_DO,
} as const;
const UNREACHABLE = {
  code: "x-unreachable",
  message: "X could not be reached.",
  remedy: "Nothing to do: it is tried again. If it lasts, check the network and the address of X.",
} as const;
const UNREADABLE = {
  code: "x-unreadable",
  message: "X's answer could not be read.",
  remedy: NOTHING_TO_DO,
} as const;

/** X counts the end of a window in whole seconds by its own clock. */
const CLOCK_SKEW_MS = 60_000;
/** A month: the longest of X's windows. */
const LONGEST_WINDOW_MS = 31 * 24 * 60 * 60 * 1_000;

const WINDOWS = ["x-rate-limit", "x-app-limit-24hour", "x-user-limit-24hour"] as const;

/**
 * When the exhausted window starts anew. Read from 429 only: X sends stale headers with other refusals.
 *
 * @returns undefined when no header names a believable instant
 * @see https://docs.x.com/x-api/fundamentals/rate-limits
 */
function readReset(headers: IncomingHttpHeaders, now: Date): Date | undefined {
  const numberIn = (name: string): number | undefined => {
    const value = headers[name];
    return typeof value === "string" && /^\d{1,12}$/.test(value) ? Number(value) : undefined;
  };
  const windows = WINDOWS.flatMap((window) => {
    const reset = numberIn(`${window}-reset`);
    return reset === undefined ? [] : [{ atMs: reset * 1_000, remaining: numberIn(`${window}-remaining`) }];
  }).filter(({ atMs }) => atMs >= now.getTime() - CLOCK_SKEW_MS && atMs <= now.getTime() + LONGEST_WINDOW_MS);
  const empty = windows.filter(({ remaining }) => remaining === 0);
  const counted = empty.length > 0 ? empty : windows.slice(0, 1);
  if (counted.length > 0) return new Date(Math.max(...counted.map(({ atMs }) => atMs)));
  const retryAfter = numberIn("retry-after");
  return retryAfter !== undefined && retryAfter * 1_000 <= LONGEST_WINDOW_MS
    ? new Date(now.getTime() + retryAfter * 1_000)
    : undefined;
}

function readDate(date: string | undefined): Date | undefined {
  if (date === undefined) return undefined;
  const at = new Date(/^\d{10}$/.test(date) ? Number(date) * 1_000 : date);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

/** A 4xx: X said no. */
function classifyRefusal(call: XCall, problem: Exclude<XProblem, { kind: "network" }>, now: Date): Failure {
  const { status, headers } = problem;
  const signs = readSigns(problem.kind === "answer" ? problem.body : undefined);
  const rule = RULES.find(({ when }) => when({ ...signs, status, call }));
  if (!rule) throw new RangeError(`no rule for status ${status}`);
  const { code, message, remedy } = rule;
  const retryAt =
    rule.class === "rate-limited"
      ? status === 429
        ? readReset(headers, now)
        : undefined
      : rule.class === "billing"
        ? readDate(signs.resetDate)
        : undefined;
  return {
    class: rule.class,
    reason: { code, message, remedy },
    ...(retryAt && { retryAt }),
    details: { status, ...(signs.codes[0] !== undefined && { xCode: signs.codes[0] }) },
  };
}

/** 408: a server that gave up waiting says nothing about what it did with what it had. */
const isRefusal = (status: number): boolean => status >= 400 && status < 500 && status !== 408;

const transient = (reason: Failure["reason"], details: Failure["details"] = {}): Failure => ({
  class: "transient",
  reason,
  details,
});

/**
 * What a failed upload, lookup or token request means. Those may be repeated, so a lost answer is only `transient`.
 *
 * @param now - for resets that are given in seconds
 */
export function classifyXError(call: Exclude<XCall, "post">, problem: XProblem, now: Date): Failure {
  switch (problem.kind) {
    case "answer":
      if (isRefusal(problem.status)) return classifyRefusal(call, problem, now);
      return transient(problem.status >= 400 ? UNAVAILABLE : UNREADABLE, { status: problem.status });
    case "unreadable":
      // The status line arrived, so a refusal is one, whatever became of its text.
      if (isRefusal(problem.status)) return classifyRefusal(call, problem, now);
      return transient(problem.status >= 500 ? UNAVAILABLE : UNREADABLE, { status: problem.status });
    case "network":
      return transient(UNREACHABLE, { cause: problem.code });
  }
}

/**
 * What a failed `POST /2/tweets` means. There is no idempotency key, so everything but a definite no, or a request
 * that never left, is unknown.
 */
export function classifyXPostError(
  problem: XProblem,
  now: Date,
): Exclude<PostOutcome, { readonly kind: "posted" }> {
  switch (problem.kind) {
    case "answer":
      if (isRefusal(problem.status))
        return { kind: "refused", failure: classifyRefusal("post", problem, now) };
      return {
        kind: "unknown",
        cause: problem.status >= 400 ? `status-${problem.status}` : "answer-without-id",
      };
    case "unreadable":
      if (isRefusal(problem.status))
        return { kind: "refused", failure: classifyRefusal("post", problem, now) };
      return { kind: "unknown", cause: "unreadable-answer" };
    case "network":
      return problem.sent
        ? { kind: "unknown", cause: problem.code === "deadline" ? "deadline" : "connection-lost" }
        : { kind: "refused", failure: transient(UNREACHABLE, { cause: problem.code }) };
  }
}
