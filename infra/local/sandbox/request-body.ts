import type { IncomingMessage } from "node:http";
import { invalidRequest, payloadTooLarge, type Reason } from "./problems.ts";

/** A request as far as it is read here: also one that was received before it is worked on. */
export type Message = Pick<IncomingMessage, "headers"> & AsyncIterable<Buffer>;

/** Of an oversized body this much is read and thrown away, so that the client hears the refusal. */
const DRAIN_LIMIT_BYTES = 64 * 1_024 * 1_024;

const JSON_LIMIT_BYTES = 1_024 * 1_024;

/** @throws XProblem 413 when the body is larger than `limitBytes` */
export async function readBody(request: Message, limitBytes: number, reason: Reason): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let received = 0;
  for await (const chunk of request) {
    received += chunk.length;
    if (received <= limitBytes) chunks.push(chunk);
    else chunks.length = 0;
    if (received > DRAIN_LIMIT_BYTES) break; // leaving the loop closes the connection
  }
  if (received > limitBytes) throw payloadTooLarge(reason);
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, received);
}

/**
 * A JSON object in UTF-8.
 * @throws XProblem 400 for another content type, broken JSON, or a value that is no object (an empty body too)
 */
export async function readJsonObject(request: Message): Promise<Record<string, unknown>> {
  const body = await readBody(request, JSON_LIMIT_BYTES, "body-too-large");
  if (body.length > 0 && !/^application\/json\b/i.test(request.headers["content-type"] ?? "")) {
    throw invalidRequest({ message: "Requests with bodies must have content-type of application/json." });
  }
  return parseJsonObject(body);
}

function parseJsonObject(body: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value =
      body.length === 0 ? undefined : JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw invalidRequest({ message: "Request body is not valid JSON." });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidRequest({ message: "Request body must be a JSON object." });
  }
  return value as Record<string, unknown>;
}

/** The fields of a token request: form-encoded as documented, or the JSON that twitter-api-v2 sends. */
export async function readForm(request: Message): Promise<ReadonlyMap<string, string>> {
  const body = await readBody(request, JSON_LIMIT_BYTES, "body-too-large");
  const type = request.headers["content-type"] ?? "";
  if (/^application\/x-www-form-urlencoded\b/i.test(type))
    return new Map(new URLSearchParams(body.toString()));
  if (!/^application\/json\b/i.test(type)) return new Map();
  return new Map(
    Object.entries(parseJsonObject(body)).flatMap(([name, value]) =>
      typeof value === "string" ? [[name, value]] : [],
    ),
  );
}
