import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import type { ConsentPage } from "./consent-page.ts";
import type { createControl } from "./control.ts";
import type { FaultAction, Faults } from "./faults.ts";
import type { GeminiApi } from "./gemini-api.ts";
import { type Answer, blank, XProblem } from "./problems.ts";
import type { Message } from "./request-body.ts";
import type { OpenEntry, RequestLog } from "./request-log.ts";
import type { createTimelinePage } from "./timeline-page.ts";
import type { XApi } from "./x-api.ts";

/** The name that requests to the API carry; everything else on the port is the sandbox's own. */
const API_HOST = /^api\.x\.com(:443)?$/i;
/** Gemini's library cannot dial another host than it names, so the path tells. */
const GEMINI_PREFIX = "/v1beta/";
const LOOPBACK_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i;

export interface ServerDeps {
  readonly api: XApi;
  readonly gemini: GeminiApi;
  readonly control: ReturnType<typeof createControl>;
  readonly page: ReturnType<typeof createTimelinePage>;
  readonly consent: ConsentPage;
  readonly faults: Faults;
  readonly log: RequestLog;
  readonly clock: () => number;
  /** Added to every answer of the API, in ms. */
  readonly latencyMs: () => number;
  /** Ends the waits of requests that are still open when the sandbox closes. */
  readonly closing: AbortSignal;
  readonly onError: (error: unknown) => void;
}

/**
 * One port for three worlds: X's API, told by the Host header, Gemini's, told by its path, and the page with the
 * controls.
 */
export function createSandboxServer(deps: ServerDeps): Server {
  return createServer((request, response) => {
    serve(deps, request, response).catch((error: unknown) => {
      // The client left in the middle, or the sandbox is closing: nobody is there to be told.
      if (!request.destroyed && !deps.closing.aborted) deps.onError(error);
      response.destroy();
    });
  });
}

async function serve(deps: ServerDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const host = request.headers.host ?? "";
  const target = request.url ?? "/";
  const queryAt = target.indexOf("?");
  const path = queryAt < 0 ? target : target.slice(0, queryAt);
  const query = new URLSearchParams(queryAt < 0 ? "" : target.slice(queryAt + 1));

  if (API_HOST.test(host) || path.startsWith("/2/")) {
    const entry = deps.log.open({
      method: request.method ?? "",
      path,
      status: 0,
      arrivedAtMs: deps.clock(),
      host,
    });
    await serveApi(deps, request, response, entry, (message, fault) =>
      answerAsX(deps, message, { path, query, fault, entry }),
    );
    return;
  }
  if (path.startsWith(GEMINI_PREFIX)) {
    const method = request.method ?? "";
    await serveApi(
      deps,
      request,
      response,
      { method, path, status: 0, arrivedAtMs: deps.clock(), host },
      (message) => deps.gemini.handle({ method, path, message }),
    );
    return;
  }

  // Only by a name of this machine: another site's name that was pointed here must not read the timeline.
  if (!LOOPBACK_HOST.test(host) && host.replace(/:\d+$/, "") !== request.socket.localAddress) {
    send(response, { status: 421, body: { title: "Misdirected Request", status: 421 } });
    return;
  }
  try {
    const method = request.method ?? "";
    const answer =
      deps.page.handle(method, path) ??
      (await deps.consent.handle({ method, path, query, message: request })) ??
      (await deps.control.handle(request, path, query));
    if (typeof answer === "function") await answer(response);
    else send(response, answer);
  } catch (error) {
    if (!(error instanceof XProblem)) throw error;
    send(response, error.answer);
  }
}

function answerAsX(
  deps: ServerDeps,
  message: Message,
  {
    path,
    query,
    fault,
    entry,
  }: {
    readonly path: string;
    readonly query: URLSearchParams;
    readonly fault: FaultAction | undefined;
    readonly entry: OpenEntry;
  },
): Promise<Answer> {
  const { method, host } = entry;
  if (!API_HOST.test(host)) {
    const detail = `This request names the host "${host}". X is api.x.com: send its name, whatever address is dialled.`;
    throw blank(421, "Misdirected Request", detail, "wrong-host");
  }
  return deps.api.handle({
    method,
    path,
    query,
    message,
    ...(fault !== undefined &&
      "timelineLagMs" in fault && { shownUntilMs: deps.clock() - fault.timelineLagMs }),
    onCaller: (userId) => {
      entry.userId = userId;
    },
  });
}

async function serveApi(
  deps: ServerDeps,
  request: IncomingMessage,
  response: ServerResponse,
  entry: OpenEntry,
  handle: (message: Message, fault: FaultAction | undefined) => Promise<Answer>,
): Promise<void> {
  const wait = (ms: number) => (ms > 0 ? delay(ms, undefined, { signal: deps.closing }) : undefined);
  const fault = deps.faults.take(entry.method, entry.path);
  const work = (message: Message): Promise<Answer> => answerOf(async () => handle(message, fault));

  if (fault !== undefined && "drop" in fault && fault.drop === "before-commit") {
    const body = await buffer(request); // X had read it all
    response.destroy();
    if (fault.landsAfterMs === undefined) return;
    await wait(fault.landsAfterMs);
    await work(Object.assign(Readable.from([body]), { headers: request.headers }));
    return;
  }
  if (fault !== undefined && "delayMs" in fault && fault.when === "before-commit") await wait(fault.delayMs);

  const answer =
    fault !== undefined && "status" in fault ? await scripted(fault, request) : await work(request);

  await wait(deps.latencyMs());
  if (fault !== undefined && "delayMs" in fault && fault.when !== "before-commit") await wait(fault.delayMs);
  if (fault !== undefined && "drop" in fault) {
    response.destroy();
    return;
  }
  entry.status = answer.status;
  if (fault !== undefined && "cutBody" in fault) await sendHalf(response, answer);
  else send(response, answer);
}

async function answerOf(handle: () => Promise<Answer>): Promise<Answer> {
  try {
    return await handle();
  } catch (error) {
    if (error instanceof XProblem) return error.answer;
    throw error;
  }
}

async function scripted(
  { status, body, headers }: Extract<FaultAction, { status: number }>,
  request: IncomingMessage,
): Promise<Answer> {
  for await (const _chunk of request); // an answer before the end of the body could reset the connection
  return { status, ...(headers === undefined ? {} : { headers }), body };
}

function encode({ status, body, headers }: Answer): { head: Record<string, string | number>; bytes: Buffer } {
  const bytes = Buffer.from(body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body));
  const json = status < 400 ? "application/json; charset=utf-8" : "application/problem+json; charset=utf-8";
  const type = typeof body === "string" ? "text/html; charset=utf-8" : json;
  return {
    bytes,
    head: {
      ...(body === undefined ? {} : { "content-type": type }),
      ...(status === 204 || status === 304 ? {} : { "content-length": bytes.length }),
      "x-content-type-options": "nosniff",
      ...headers,
    },
  };
}

function send(response: ServerResponse, answer: Answer): void {
  const { head, bytes } = encode(answer);
  response.writeHead(answer.status, head).end(bytes);
}

/** Announces the whole body and ends the connection after half of it. */
async function sendHalf(response: ServerResponse, answer: Answer): Promise<void> {
  const { head, bytes } = encode(answer);
  response.writeHead(answer.status, head);
  await new Promise<void>((resolve) => {
    response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => resolve());
  });
  response.destroy();
}
