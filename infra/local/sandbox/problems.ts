/** What a handler answers; `body` is sent as JSON, `undefined` as an empty body. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** An answer that a handler throws to stop. */
export class XProblem extends Error {
  override readonly name = "XProblem";
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`answers ${answer.status}`);
    this.answer = answer;
  }
}

/**
 * Why a request was refused, for the person who reads the log: X itself often says no more than "Forbidden".
 * Travels in the header `x-sandbox-reason`, which X does not have: production code must not read it.
 */
export type Reason =
  | `oauth1-${"malformed" | "unknown-token" | "timestamp-drift" | "bad-signature" | "nonce-reused"}`
  | `oauth2-${"unknown-token" | "expired-token" | "missing-scope" | "bad-client"}`
  | "no-credentials"
  | "wrong-host"
  | `media-${"unknown" | "foreign" | "expired" | "unfinished" | "processing" | "failed" | "mixed"}`
  | "segment-too-large"
  | "body-too-large"
  | "duplicate"
  | "enterprise-only"
  | "too-many-cashtags"
  | "foreign-parent"
  | "not-permitted"
  | "rate-limited";

const withReason = (reason: Reason | undefined): Pick<Answer, "headers"> =>
  reason === undefined ? {} : { headers: { "x-sandbox-reason": reason } };

/** A problem without a type of its own. Media without `media.write` gets exactly `blank(403, "Forbidden")`. */
export function blank(status: number, title: string, detail: string = title, reason?: Reason): XProblem {
  return new XProblem({
    status,
    ...withReason(reason),
    body: { title, detail, type: "about:blank", status },
  });
}

export interface InvalidParameter {
  readonly message: string;
  readonly parameters?: Readonly<Record<string, readonly string[]>>;
}

/** 400 with the list of what is wrong. X repeats no `status` in this body. */
export function invalidRequest(
  errors: InvalidParameter | readonly [InvalidParameter, ...InvalidParameter[]],
  reason?: Reason,
): XProblem {
  return new XProblem({
    status: 400,
    ...withReason(reason),
    body: {
      errors: Array.isArray(errors) ? errors : [errors],
      title: "Invalid Request",
      detail: "One or more parameters to your request was invalid.",
      type: "https://api.twitter.com/2/problems/invalid-request",
    },
  });
}

export const unauthorized = (reason: Reason): XProblem => blank(401, "Unauthorized", "Unauthorized", reason);

export const duplicateContent = (): XProblem =>
  blank(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.", "duplicate");

export const notPermitted = (reason: Reason): XProblem =>
  blank(403, "Forbidden", "You are not permitted to perform this action.", reason);

/** The edge, not the API, refuses what is too large: no body. */
export const payloadTooLarge = (reason: Reason): XProblem =>
  new XProblem({ status: 413, ...withReason(reason) });
