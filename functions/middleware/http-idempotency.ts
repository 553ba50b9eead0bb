import { isLastWord, type KeptAnswer, type KeyedRequest } from "#shared/domain/idempotency.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { RunOnce } from "#shared/usecases/idempotency.ts";
import { type HttpAnswer, isProblem, problem } from "./http.ts";
import type { InputProblem } from "./http-input.ts";

const PRINTABLE = /^[\x20-\x7e]{1,255}$/;
/** Seconds after which somebody who came too early may look again: most requests have ended by then. */
const LOOK_AGAIN_SECONDS = "2";

/** @returns undefined: the request has none */
export function readIdempotencyKey(
  headers: Readonly<Record<string, string | undefined>>,
): Result<string | undefined, InputProblem> {
  const header = "idempotency-key";
  const key = headers[header];
  if (key === undefined || PRINTABLE.test(key)) return ok(key);
  const detail = "It has 1 to 255 printable ASCII characters; a UUID will do.";
  return err({ code: "invalid-input", detail: `${header}: ${detail}`, errors: [{ header, detail }] });
}

/** What repetitions get of an answer; undefined: it is not the last word. */
function keptOf({ status, headers = {}, body }: HttpAnswer): KeptAnswer | undefined {
  return isLastWord(status, isProblem(body) && body.retryable)
    ? { status, headers, body: JSON.stringify(body) }
    : undefined;
}

function replay({ status, headers, body }: KeptAnswer, requestId: string): HttpAnswer {
  const kept: unknown = JSON.parse(body);
  return {
    status,
    headers: { ...headers, "idempotency-replayed": "true" },
    // A problem names the request that it answers.
    body: isProblem(kept) ? { ...kept, requestId } : kept,
  };
}

/** Answers a keyed request as it was answered the first time. @see `RunOnce` for what happens when that failed */
export async function answerOnce(
  runOnce: RunOnce,
  {
    request,
    leaseUntil,
    requestId,
  }: {
    readonly request: KeyedRequest;
    readonly leaseUntil: Date;
    readonly requestId: string;
  },
  run: (newId: string) => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  const once = await runOnce(request, leaseUntil, async (newId) => {
    const answer = await run(newId);
    return { answer, kept: keptOf(answer) };
  });
  switch (once.kind) {
    case "ran":
      return once.answer;
    case "answered":
      return replay(once.answer, requestId);
    case "in-flight":
      return problem("idempotency-in-flight", "The first request with this key has not been answered yet.", {
        requestId,
        headers: { "retry-after": LOOK_AGAIN_SECONDS },
      });
    case "other-request":
      return problem(
        "idempotency-key-reused",
        "This key was sent with another request. Make a new key for each thing that is to be made.",
        { requestId },
      );
  }
}
