import type { Agent } from "node:http";
import type { TwitterApi } from "twitter-api-v2";
import * as z from "zod";
import type { Failure } from "#shared/domain/failure.ts";
import type { AccountId } from "#shared/domain/ids.ts";
import { type MediaKind, mediaKindOf } from "#shared/domain/media.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { MediaUploads, ProcessingState, UploadRefusal } from "#shared/ports/media-uploads.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { classifyXError, type XProblem } from "./classify-x-error.ts";
import { sendSegment } from "./segment-request.ts";
import { askX, createXClient, signRequest, X_API_URL } from "./x-client.ts";
import type { XSession, XSessions } from "./x-sessions.ts";

export interface XMediaUploadsDeps {
  readonly sessions: Pick<XSessions, "open" | "renew">;
  readonly clock: Pick<Clock, "now">;
  /** Keep-alive is wanted: hundreds of segments follow each other. */
  readonly agent: Agent;
  /** Of each request, in ms. @default `TIMING.prepare.requestDeadlineMs` */
  readonly deadlineMs?: number;
}

const CATEGORIES: Readonly<Record<MediaKind, string>> = {
  photo: "tweet_image",
  gif: "tweet_gif",
  video: "tweet_video",
};

/** Shorter than any lifetime that was seen, for an answer that names none. */
const DEFAULT_LIFETIME_SECONDS = 23 * 3_600;
/** Asked again after this when X does not say when. */
const DEFAULT_CHECK_SECONDS = 5;
const MIN_CHECK_SECONDS = 1;
const MAX_CHECK_SECONDS = 300;

const mediaId = z.string().regex(/^\d+$/);

const initializeAnswer = z.object({
  data: z.object({ id: mediaId, expires_after_secs: z.number().positive().optional().catch(undefined) }),
});

const processingAnswer = z.object({
  data: z.object({
    id: mediaId,
    processing_info: z
      .object({
        state: z.enum(["pending", "in_progress", "succeeded", "failed"]),
        check_after_secs: z.number().nonnegative().optional().catch(undefined),
        error: z
          .object({ name: z.string().optional().catch(undefined) })
          .optional()
          .catch(undefined),
      })
      .optional(),
  }),
});

type Attempt<Answer> = (session: XSession) => Promise<Result<Answer, XProblem>>;

/**
 * X's media endpoints, version 2. Segments go out by hand-written requests, straight from the caller's buffer; the
 * rest by the library.
 *
 * @see https://docs.x.com/x-api/media/quickstart/media-upload-chunked
 */
export function createXMediaUploads(deps: XMediaUploadsDeps): MediaUploads {
  const { sessions, clock, agent, deadlineMs = TIMING.prepare.requestDeadlineMs } = deps;

  const refuse = (problem: XProblem): Result<never, UploadRefusal> =>
    err(refusalFor(problem) ?? failed(classifyXError("media", problem, clock.now())));

  const unreadable = () => refuse({ kind: "unreadable", status: 200, headers: {} });

  /** A request that X refused with 401 is made once more with renewed access. */
  async function ask<Answer>(
    accountId: AccountId,
    attempt: Attempt<Answer>,
  ): Promise<Result<Answer, UploadRefusal>> {
    let session = await sessions.open(accountId);
    for (let renewed = false; ; renewed = true) {
      if (!session.ok) return err(failed(session.error));
      const answer = await attempt(session.value);
      if (answer.ok) return answer;
      const problem = answer.error;
      if (problem.kind === "network" || problem.status !== 401 || renewed) return refuse(problem);
      session = await sessions.renew(session.value);
    }
  }

  const askByLibrary = (accountId: AccountId, request: (client: TwitterApi) => Promise<unknown>) =>
    ask(accountId, ({ credentials }) =>
      askX(() => request(createXClient(credentials, { agent, deadlineMs }))),
    );

  function readState(answer: Result<unknown, UploadRefusal>): Result<ProcessingState, UploadRefusal> {
    if (!answer.ok) return answer;
    const parsed = processingAnswer.safeParse(answer.value);
    if (!parsed.success) return unreadable();
    // Nothing to be processed, as with photos.
    const { state = "succeeded", check_after_secs, error } = parsed.data.data.processing_info ?? {};
    switch (state) {
      case "succeeded":
        return ok({ kind: "ready" });
      case "failed":
        return err(failed(notProcessable(error?.name)));
      case "pending":
      case "in_progress": {
        const seconds = check_after_secs ?? DEFAULT_CHECK_SECONDS;
        const checkAfterMs = Math.min(MAX_CHECK_SECONDS, Math.max(MIN_CHECK_SECONDS, seconds)) * 1_000;
        return ok({ kind: "processing", checkAfterMs });
      }
    }
  }

  return {
    async initialize(accountId, { type, sizeBytes }) {
      const askedAt = clock.now();
      const answer = await askByLibrary(accountId, (client) =>
        client.v2.post(
          "media/upload/initialize",
          { media_type: type, total_bytes: sizeBytes, media_category: CATEGORIES[mediaKindOf(type)] },
          { forceBodyMode: "json" },
        ),
      );
      if (!answer.ok) return answer;
      const parsed = initializeAnswer.safeParse(answer.value);
      if (!parsed.success) return unreadable();
      const { id, expires_after_secs = DEFAULT_LIFETIME_SECONDS } = parsed.data.data;
      return ok({ mediaId: id, expiresAt: new Date(askedAt.getTime() + expires_after_secs * 1_000) });
    },

    append(accountId, id, segmentIndex, bytes) {
      const url = `${X_API_URL}/2/media/upload/${id}/append`;
      return ask(accountId, ({ credentials }) =>
        sendSegment({
          url,
          authorization: signRequest(credentials, { method: "POST", url }),
          segmentIndex,
          bytes,
          agent,
          deadlineMs,
        }),
      );
    },

    async finalize(accountId, id) {
      return readState(
        await askByLibrary(accountId, (client) => client.v2.post(`media/upload/${id}/finalize`)),
      );
    },

    async getStatus(accountId, id) {
      return readState(
        await askByLibrary(accountId, (client) =>
          client.v2.get("media/upload", { command: "STATUS", media_id: id }),
        ),
      );
    },

    async setAltText(accountId, id, altText) {
      const answer = await askByLibrary(accountId, (client) =>
        client.v2.post(
          "media/metadata",
          { id, metadata: { alt_text: { text: altText } } },
          { forceBodyMode: "json" },
        ),
      );
      return answer.ok ? ok(undefined) : answer;
    },
  };
}

const failed = (failure: Failure): UploadRefusal => ({ reason: "failed", failure });

/** What X says about an upload itself; undefined: it is about something else. */
function refusalFor(problem: XProblem): UploadRefusal | undefined {
  if (problem.kind === "network") return undefined;
  if (problem.status === 413) return { reason: "segment-too-large" };
  if (problem.status === 404) return { reason: "gone" };
  if (problem.kind !== "answer" || problem.status !== 400) return undefined;
  // X has one problem type for all of these: only its words tell them apart.
  const said = (JSON.stringify(problem.body) ?? "").toLowerCase();
  if (/segments? do(es)? not add up|missing segments?/.test(said))
    return { reason: "segments-do-not-add-up" };
  if (/not found|has expired|media ?id[^"]{0,40}invalid/.test(said)) return { reason: "gone" };
  return undefined;
}

/** @param name - X's word for it, `InvalidMedia`; anything else is not repeated */
const notProcessable = (name = ""): Failure => ({
  class: "content",
  reason: {
    code: "media-not-processable",
    message: `X could not process the file${/^\w{1,40}$/.test(name) ? ` (${name})` : ""}.`,
    remedy: "Convert the file (videos: MP4 with H.264 and AAC) and drop the post again.",
  },
});
