import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import * as z from "zod";
import { type FaultRule, FaultRuleBody, type Faults, faultRuleToJson } from "./faults.ts";
import type { GeminiApi } from "./gemini-api.ts";
import type { MediaStore } from "./media-store.ts";
import { parseAsX } from "./post-rules.ts";
import { type Answer, blank } from "./problems.ts";
import type { SandboxPost } from "./public-view.ts";
import { readJsonObject } from "./request-body.ts";
import type { RequestLog } from "./request-log.ts";

const MAX_POSTS = 500;

/** Answers that are not JSON are written by the function itself. */
export type ControlAnswer = Answer | ((response: ServerResponse) => void | Promise<void>);

/**
 * What other processes use to steer and to look into a sandbox; nothing of it exists at X.
 *
 * - `GET /sandbox/posts?limit=`: newest first, with `ETag`
 * - `GET /sandbox/media/:id`: the bytes, by `Range` if asked
 * - `GET /sandbox/requests`: the last requests to the X API
 * - `GET /sandbox/writings`: what Gemini was asked to write
 * - `GET | POST | DELETE /sandbox/faults`
 * - `PUT /sandbox/latency`: `{ "latencyMs": 100 }`
 */
export function createControl(deps: {
  readonly posts: () => readonly SandboxPost[];
  /** Changes with everything that `posts` shows. */
  readonly etag: () => string;
  readonly media: MediaStore;
  readonly faults: Faults;
  readonly log: RequestLog;
  readonly gemini: Pick<GeminiApi, "asked">;
  readonly setLatency: (latencyMs: number) => void;
}): { handle(request: IncomingMessage, path: string, query: URLSearchParams): Promise<ControlAnswer> } {
  const { faults, media } = deps;

  return {
    async handle(request, path, query) {
      const route = `${request.method} ${path}`;
      switch (route) {
        case "GET /sandbox/posts": {
          const etag = deps.etag();
          const headers = { etag, "cache-control": "no-cache" };
          if (request.headers["if-none-match"] === etag) return { status: 304, headers };
          const limit = Math.min(Number(query.get("limit") ?? MAX_POSTS) || MAX_POSTS, MAX_POSTS);
          return { status: 200, headers, body: { posts: deps.posts().slice(-limit).reverse() } };
        }
        case "GET /sandbox/requests":
          return { status: 200, body: { requests: deps.log.entries() } };
        case "GET /sandbox/writings":
          return { status: 200, body: { writings: deps.gemini.asked() } };
        case "GET /sandbox/faults":
          return { status: 200, body: { faults: faults.rules().map(faultRuleToJson) } };
        case "POST /sandbox/faults":
          // The schema's optional fields say `| undefined`, which JSON cannot carry.
          faults.add(parseAsX(FaultRuleBody, await readJsonObject(request)) as FaultRule);
          return { status: 204 };
        case "DELETE /sandbox/faults":
          faults.clear();
          return { status: 204 };
        case "PUT /sandbox/latency": {
          const Latency = z.strictObject({ latencyMs: z.number().min(0).max(60_000) });
          deps.setLatency(parseAsX(Latency, await readJsonObject(request)).latencyMs);
          return { status: 204 };
        }
      }
      const mediaId = /^GET \/sandbox\/media\/(\d{1,19})$/.exec(route)?.[1];
      if (mediaId !== undefined) return sendMedia(media, mediaId, request.headers.range);
      throw blank(404, "Not Found");
    },
  };
}

/** The file as its bytes tell, never as its uploader said, and never as a page. */
function sendMedia(store: MediaStore, id: string, rangeHeader: string | undefined): ControlAnswer {
  const media = store.find(id);
  const bytes = store.bytes(id);
  if (media === undefined || bytes === undefined) throw blank(404, "Not Found");
  const range = parseRange(rangeHeader, media.sizeBytes);
  if (range === undefined) {
    return { status: 416, headers: { "content-range": `bytes */${media.sizeBytes}` } };
  }
  return async (response) => {
    response.writeHead(range.partial ? 206 : 200, {
      "content-type": media.type,
      "content-length": range.to - range.from + 1,
      "accept-ranges": "bytes",
      "cache-control": "private, max-age=31536000, immutable",
      etag: `"${media.sha256}"`,
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
      ...(range.partial ? { "content-range": `bytes ${range.from}-${range.to}/${media.sizeBytes}` } : {}),
    });
    await pipeline(bytes.read(range.from, range.to), response);
  };
}

/** One range; anything else that is asked for gets the whole file, as RFC 9110 allows. */
function parseRange(
  header: string | undefined,
  sizeBytes: number,
): { from: number; to: number; partial: boolean } | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) {
    return { from: 0, to: sizeBytes - 1, partial: false };
  }
  const from = first === "" ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const to = first === "" || last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  return from <= to ? { from, to, partial: true } : undefined;
}
