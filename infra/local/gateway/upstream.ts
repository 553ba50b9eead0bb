import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { buffer } from "node:stream/consumers";

/** Headers that belong to one connection and are not passed on. */
const hopByHop = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "transfer-encoding",
]);

export function endToEnd(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, string | string[]] => entry[1] !== undefined && !hopByHop.has(entry[0]),
    ),
  );
}

export interface UpstreamRequest {
  readonly method: string;
  /** Path and query, as the client sent them. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Needed when the body is streamed. */
  readonly sizeBytes?: number;
}

/** One store behind the gateway. */
export interface Upstream {
  /** Resolves with the head of the answer; the body still streams. */
  open(request: UpstreamRequest, signal?: AbortSignal): Promise<IncomingMessage>;
  /** Resolves with the whole answer. */
  fetch(request: UpstreamRequest): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }>;
  close(): void;
}

export function createUpstream(url: string): Upstream {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true });

  const open = (wanted: UpstreamRequest, signal?: AbortSignal): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { method, path, headers, body, sizeBytes } = wanted;
      const length = body instanceof Uint8Array ? body.length : sizeBytes;
      const outgoing = request({
        agent,
        hostname,
        port,
        method,
        path,
        headers: { ...headers, ...(length !== undefined && { "content-length": String(length) }) },
        ...(signal !== undefined && { signal }),
      });
      outgoing.once("response", resolve);
      outgoing.once("error", reject);
      if (body === undefined || body instanceof Uint8Array) {
        outgoing.end(body);
      } else {
        void pour(body, outgoing).catch((error: unknown) => {
          outgoing.destroy(error instanceof Error ? error : new Error(String(error)));
        });
      }
    });

  return {
    open,
    fetch: async (wanted) => {
      const response = await open(wanted);
      return { status: response.statusCode ?? 502, headers: response.headers, body: await buffer(response) };
    },
    close: () => agent.destroy(),
  };
}

async function pour(body: AsyncIterable<Uint8Array>, outgoing: ReturnType<typeof request>): Promise<void> {
  for await (const piece of body) {
    if (!outgoing.write(piece)) {
      await new Promise<void>((resolve, reject) => {
        const settle = (error?: Error): void => {
          outgoing.off("drain", settle);
          outgoing.off("close", closed);
          if (error instanceof Error) {
            reject(error);
          } else {
            resolve();
          }
        };
        const closed = (): void => settle(new Error("The store closed the connection."));
        outgoing.once("drain", settle);
        outgoing.once("close", closed);
      });
    }
  }
  outgoing.end();
}
