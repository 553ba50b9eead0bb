import { randomBytes } from "node:crypto";
import type { Agent, IncomingMessage } from "node:http";
import { request as startRequest } from "node:https";
import { Readable } from "node:stream";
import { err, ok, type Result } from "#shared/result.ts";
import type { XProblem } from "./classify-x-error.ts";
import { networkCodeOf, wasNeverSent } from "./x-client.ts";

/** Handed to the socket at a time: TLS copies what it cannot send at once. */
const SLICE_BYTES = 1_024 * 1_024;
/** X's answers are a line; more than this is not X. */
const MAX_ANSWER_BYTES = 1_024 * 1_024;

export interface SegmentRequest {
  /** `https://api.x.com/2/…` */
  readonly url: string;
  /** Value of the `Authorization` header. */
  readonly authorization: string;
  readonly segmentIndex: number;
  readonly bytes: Uint8Array;
  readonly agent: Agent;
  /** From the call to the last byte of the answer, in ms. */
  readonly deadlineMs: number;
}

/**
 * One multipart request that sends `bytes` as they lie in memory: no copy, no form library.
 *
 * It settles when the request is closed, so nothing reads `bytes` any more, even if X answered before it had them all.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7578
 */
export function sendSegment(segment: SegmentRequest): Promise<Result<undefined, XProblem>> {
  const { url, authorization, segmentIndex, bytes, agent, deadlineMs } = segment;
  const boundary = `punctual-${randomBytes(16).toString("hex")}`;
  const part = (disposition: string) => `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n`;
  const head = Buffer.from(
    `${part('name="segment_index"')}\r\n${segmentIndex}\r\n` +
      `${part('name="media"; filename="segment"')}Content-Type: application/octet-stream\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);

  return new Promise((resolve) => {
    let answer: Promise<Result<undefined, XProblem>> | undefined;
    let cause: unknown;
    const request = startRequest(url, {
      agent,
      method: "POST",
      signal: AbortSignal.timeout(deadlineMs),
      headers: {
        authorization,
        "content-type": `multipart/form-data; boundary=${boundary}`,
        "content-length": head.length + bytes.length + tail.length,
        accept: "application/json",
      },
    });
    request.on("response", (response) => {
      answer = readAnswer(response);
      answer.then(() => {
        // X answered before it had everything: the rest of the body interests nobody.
        if (!request.writableFinished) request.destroy();
      });
    });
    request.on("error", (error) => {
      cause ??= error;
    });
    request.on("close", () => {
      const code = networkCodeOf(cause);
      resolve(answer ?? err({ kind: "network", sent: !wasNeverSent(request), code }));
    });
    Readable.from(slices(head, bytes, tail), { objectMode: false }).pipe(request);
  });
}

function* slices(...parts: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const part of parts)
    for (let at = 0; at < part.length; at += SLICE_BYTES) yield part.subarray(at, at + SLICE_BYTES);
}

/** Of a good answer only its status matters. Never rejects. */
async function readAnswer(response: IncomingMessage): Promise<Result<undefined, XProblem>> {
  const { statusCode: status = 0, headers } = response;
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (sizeBytes > MAX_ANSWER_BYTES) return err({ kind: "unreadable", status, headers });
      chunks.push(chunk);
    }
  } catch {
    return err({ kind: "unreadable", status, headers });
  }
  const text = Buffer.concat(chunks).toString();
  const isJson = text === "" || parseJson(text) !== undefined;
  if (status >= 200 && status < 300)
    return isJson ? ok(undefined) : err({ kind: "unreadable", status, headers });
  return err({ kind: "answer", status, headers, body: parseJson(text) ?? text });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
