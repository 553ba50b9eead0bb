import { describe, expect, it } from "vitest";
import {
  classifyXError,
  classifyXPostError,
  type XCall,
  type XProblem,
} from "#shared/adapters/x/classify-x-error.ts";

const now = new Date("2026-12-01T01:00:00.000Z");
const seconds = now.getTime() / 1_000;

const answer = (
  status: number,
  body: unknown = undefined,
  headers: Record<string, string> = {},
): XProblem => ({
  kind: "answer",
  status,
  body,
  headers,
});
const problem = (status: number, detail: string, type = "about:blank", title = detail): XProblem =>
  answer(status, { title, detail, type, status });

const codeOf = (call: XCall, given: XProblem): string => {
  if (call !== "post") {
    const failure = classifyXError(call, given, now);
    return `${failure.class} ${failure.reason.code}`;
  }
  const outcome = classifyXPostError(given, now);
  return outcome.kind === "unknown"
    ? `unknown ${outcome.cause}`
    : `${outcome.failure.class} ${outcome.failure.reason.code}`;
};

const FORBIDDEN = { title: "Forbidden", detail: "Forbidden", type: "about:blank", status: 403 };
const DUPLICATE = "You are not allowed to create a Tweet with duplicate content.";
const SPEND_CAP = { title: "SpendCapReached", detail: "…", reset_date: "2026-12-15", type: "about:blank" };

describe("a definite no of X", () => {
  it.each<[string, XCall, XProblem, string]>([
    [
      "an invalid request",
      "post",
      problem(400, "One or more parameters…", "https://api.twitter.com/2/problems/invalid-request"),
      "content refused-by-x",
    ],
    [
      "a used refresh token",
      "token",
      answer(400, { error: "invalid_request", error_description: "Value passed for the token was invalid." }),
      "credentials needs-reconnect",
    ],
    [
      "an unknown client",
      "token",
      answer(401, { error: "unauthorized_client", error_description: "…" }),
      "configuration wrong-client",
    ],
    ["no access", "post", problem(401, "Unauthorized"), "credentials needs-reconnect"],
    ["no access, said by nobody", "post", answer(401), "credentials needs-reconnect"],
    ["no credits", "post", problem(402, "CreditsDepleted"), "billing credits-depleted"],
    [
      "no credits, by type",
      "post",
      problem(403, "…", "https://api.x.com/2/problems/credits"),
      "billing credits-depleted",
    ],
    ["the spending cap", "post", answer(402, SPEND_CAP), "billing spend-cap-reached"],
    ["a duplicate", "post", problem(403, DUPLICATE, "about:blank", "Forbidden"), "content duplicate-text"],
    [
      "a duplicate, the old way",
      "post",
      answer(403, { errors: [{ code: 187, message: "Status is a duplicate." }] }),
      "content duplicate-text",
    ],
    [
      "an app outside of a project",
      "post",
      answer(403, {
        reason: "client-not-enrolled",
        title: "Client Forbidden",
        type: "https://api.twitter.com/2/problems/client-forbidden",
      }),
      "configuration client-not-enrolled",
    ],
    [
      "the same on the other host",
      "media",
      problem(403, "…", "https://api.x.com/2/problems/client-forbidden"),
      "configuration client-not-enrolled",
    ],
    [
      "an app that may only read",
      "post",
      problem(
        403,
        "Your client app is not configured with the appropriate oauth1 app permissions for this endpoint.",
        "https://api.twitter.com/2/problems/oauth1-permissions",
      ),
      "configuration app-permissions",
    ],
    ["no media.write", "media", answer(403, FORBIDDEN), "credentials missing-scope"],
    ["the same words to a post", "post", answer(403, FORBIDDEN), "content not-permitted"],
    [
      "a long video",
      "post",
      problem(403, "You are not allowed to post a video longer than 2 minutes."),
      "content video-too-long",
    ],
    [
      "no permission",
      "post",
      problem(403, "You are not permitted to perform this action."),
      "content not-permitted",
    ],
    ["a suspended account", "post", problem(403, "User is suspended"), "credentials account-locked"],
    ["a long text", "post", answer(400, { errors: [{ code: 186, message: "…" }] }), "content text-too-long"],
    [
      "unknown media",
      "post",
      answer(400, { errors: [{ message: "Your media IDs are invalid." }], title: "Invalid Request" }),
      "content media-ids-invalid",
    ],
    [
      "a parent that is not there yet",
      "post",
      answer(403, { errors: [{ code: 385, message: "…" }] }),
      "transient reply-parent-missing",
    ],
    [
      "a page of something before X",
      "post",
      answer(403, "<html>Attention required</html>"),
      "transient blocked-before-x",
    ],
    ["a large segment, without a word", "media", answer(413), "content media-too-large"],
    ["bad media", "media", problem(400, "…"), "content media-refused"],
    ["too many calls", "post", problem(429, "Too Many Requests"), "rate-limited rate-limited"],
    [
      "too many calls, the old way",
      "read",
      answer(400, { errors: [{ code: 88, message: "Rate limit exceeded" }] }),
      "rate-limited rate-limited",
    ],
    [
      "too many calls of the plan",
      "post",
      problem(429, "…", "https://api.twitter.com/2/problems/usage-capped"),
      "rate-limited usage-capped",
    ],
    ["errors as texts", "post", answer(403, { errors: [DUPLICATE] }), "content duplicate-text"],
    [
      "errors of no shape",
      "post",
      answer(403, { errors: [null, 7, {}], detail: 12 }),
      "content not-permitted",
    ],
    ["anything else", "post", problem(404, "…"), "content refused-by-x"],
  ])("%s", (_, call, given, expected) => {
    expect(codeOf(call, given)).toBe(expected);
  });

  it("stays one when its text was cut off", () => {
    expect(codeOf("post", { kind: "unreadable", status: 401, headers: {} })).toBe(
      "credentials needs-reconnect",
    );
    expect(codeOf("post", { kind: "unreadable", status: 429, headers: {} })).toBe(
      "rate-limited rate-limited",
    );
  });

  it("never quotes X, whose words may quote the post", () => {
    const outcome = classifyXPostError(problem(403, "my secret text"), now);
    expect(JSON.stringify(outcome)).not.toContain("secret text");
    expect(outcome).toMatchObject({ failure: { details: { status: 403 } } });
  });

  it("always says what to do", () => {
    for (let status = 400; status < 500; status++)
      for (const call of ["post", "media", "read", "token"] as const)
        for (const body of [undefined, {}, FORBIDDEN, "<html>"]) {
          if (call === "post" && status === 408) continue;
          const failure =
            call === "post"
              ? (classifyXPostError(answer(status, body), now) as { failure: { reason: object } }).failure
              : classifyXError(call, answer(status, body), now);
          expect(failure.reason).toEqual({
            code: expect.stringMatching(/^[a-z]+(-[a-z]+)*$/),
            message: expect.stringMatching(/\.$/),
            remedy: expect.stringMatching(/\.$/),
          });
        }
  });
});

describe("a lost answer", () => {
  it.each<[string, XProblem, string, string]>([
    ["a server error", problem(503, "Service Unavailable"), "unknown status-503", "transient x-unavailable"],
    [
      "a server error that says duplicate",
      problem(500, DUPLICATE),
      "unknown status-500",
      "transient x-unavailable",
    ],
    ["a server that gave up waiting", answer(408), "unknown status-408", "transient x-unavailable"],
    [
      "a cut body",
      { kind: "unreadable", status: 201, headers: {} },
      "unknown unreadable-answer",
      "transient x-unreadable",
    ],
    [
      "a cut server error",
      { kind: "unreadable", status: 502, headers: {} },
      "unknown unreadable-answer",
      "transient x-unavailable",
    ],
    [
      "a reset",
      { kind: "network", sent: true, code: "ECONNRESET" },
      "unknown connection-lost",
      "transient x-unreachable",
    ],
    [
      "the deadline",
      { kind: "network", sent: true, code: "deadline" },
      "unknown deadline",
      "transient x-unreachable",
    ],
  ])("is unknown for a post and can be repeated otherwise: %s", (_, given, post, media) => {
    expect(codeOf("post", given)).toBe(post);
    expect(codeOf("media", given)).toBe(media);
  });

  it("is a definite no when the request never left", () => {
    for (const code of [
      "ECONNREFUSED",
      "ENOTFOUND",
      "EAI_AGAIN",
      "ECONNRESET",
      "CERT_HAS_EXPIRED",
      "deadline",
    ])
      expect(codeOf("post", { kind: "network", sent: false, code })).toBe("transient x-unreachable");
  });
});

describe("when X answers again", () => {
  const retryAt = (headers: Record<string, string>, status = 429) =>
    (classifyXError("read", answer(status, {}, headers), now).retryAt?.getTime() ?? Number.NaN) / 1_000 -
    seconds;

  it.each<[string, Record<string, string>, number]>([
    ["the window's end", { "x-rate-limit-remaining": "0", "x-rate-limit-reset": `${seconds + 900}` }, 900],
    [
      "the day's end, if that is what is used up",
      {
        "x-rate-limit-remaining": "40",
        "x-rate-limit-reset": `${seconds + 900}`,
        "x-user-limit-24hour-remaining": "0",
        "x-user-limit-24hour-reset": `${seconds + 40_000}`,
      },
      40_000,
    ],
    [
      "the later one, if both are",
      {
        "x-rate-limit-remaining": "0",
        "x-rate-limit-reset": `${seconds + 900}`,
        "x-app-limit-24hour-remaining": "0",
        "x-app-limit-24hour-reset": `${seconds + 40_000}`,
      },
      40_000,
    ],
    ["the window's end, if no counter is there", { "x-rate-limit-reset": `${seconds + 900}` }, 900],
    ["just now, by a clock that differs", { "x-rate-limit-reset": `${seconds - 5}` }, -5],
    ["retry-after, if there is nothing else", { "retry-after": "30" }, 30],
  ])("%s", (_, headers, expected) => {
    expect(retryAt(headers)).toBe(expected);
  });

  it.each<[string, Record<string, string>]>([
    ["nothing", {}],
    ["no number", { "x-rate-limit-reset": "soon" }],
    ["an instant long past", { "x-rate-limit-reset": "0" }],
    ["an instant in years", { "x-rate-limit-reset": `${seconds + 90 * 86_400}` }],
  ])("is not known from %s", (_, headers) => {
    expect(retryAt(headers)).toBeNaN();
  });

  it("is not read from refusals, whose headers may be old", () => {
    expect(
      retryAt({ "x-rate-limit-remaining": "0", "x-rate-limit-reset": `${seconds + 900}` }, 403),
    ).toBeNaN();
  });

  it("is the date of the spending cap", () => {
    const { retryAt: at } = classifyXError("read", answer(402, SPEND_CAP), now);
    expect(at).toEqual(new Date("2026-12-15T00:00:00.000Z"));
    const bad = classifyXError("read", answer(402, { ...SPEND_CAP, reset_date: "soon" }), now);
    expect(bad).not.toHaveProperty("retryAt");
  });
});
