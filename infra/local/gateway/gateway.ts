import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import type { Access, Principal } from "../iam/access.ts";
import type { Assembly } from "../template/assembly.ts";
import { type Caller, operatorId, parseScope, readCaller } from "./caller.ts";
import {
  createJsonServices,
  type JsonRequest,
  type JsonService,
  transactionConflict,
} from "./json-services.ts";
import type { KeyNames } from "./key-rights.ts";
import { readObjectRequest } from "./object-rights.ts";
import { createObjects, type Permit } from "./objects.ts";
import { type Answer, refusal } from "./refusals.ts";
import { isObject, type Right, UnknownCall } from "./rights.ts";
import type { ObjectChange, Service } from "./service.ts";
import type { Unkindness, UnkindRule } from "./unkindness.ts";
import { createUpstream } from "./upstream.ts";

/** A request that was answered with `AccessDenied`, or that no part of the local cloud knows. */
export interface GatewayRefusal {
  /** Logical id of the function, or `OPERATOR`. */
  readonly caller: string;
  readonly action: string;
  readonly resource: string;
  readonly message: string;
}

export interface GatewayParts {
  readonly assembly: Assembly;
  readonly access: Access;
  readonly stores: {
    readonly dynamoDbUrl: string;
    readonly fauxqsUrl: string;
    readonly streams: ReadonlyMap<string, string>;
  };
  readonly scheduler: Service;
  readonly kms: Service;
  readonly keyNames: KeyNames;
  readonly unkindness: Unkindness;
  /** Kills the workers of a function, by its logical id: what an unkind rule asks for. */
  readonly crash: (functionId: string) => void;
  readonly onRefusal: (refusal: GatewayRefusal) => void;
  readonly onObjectChange: (change: ObjectChange) => void;
  /** Milliseconds since 1970; presigned requests expire by it. */
  readonly now: () => number;
}

export interface Gateway {
  /** `AWS_ENDPOINT_URL`: an IP address, so that S3 clients use path style. */
  readonly url: string;
  /** Until this is called every request is answered with 503. */
  serve(parts: GatewayParts): void;
  /** Stops listening; answers under way are finished unless they outlast `graceMs`. */
  close(graceMs?: number): Promise<void>;
}

/**
 * Opens the one endpoint of the local AWS. It listens first and learns what to serve afterwards, because the template's
 * queue URLs carry its port.
 * @param port 0 for a free one
 * @throws the listener's own error, for example `EADDRINUSE`
 */
export async function openGateway(port: number): Promise<Gateway> {
  let handle: Handle | undefined;
  const server = createServer((incoming, response) => {
    if (handle === undefined) {
      response.writeHead(503).end();
      return;
    }
    void handle.exchange(incoming, response);
  });
  // A long poll lasts 20 s and an upload as long as it takes.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : port}`,
    serve: (parts) => {
      handle = createHandle(parts);
    },
    close: async (graceMs = 2_000) => {
      await closeServer(server, graceMs);
      handle?.close();
    },
  };
}

async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}

interface Handle {
  exchange(incoming: IncomingMessage, response: ServerResponse): Promise<void>;
  close(): void;
}

function createHandle(parts: GatewayParts): Handle {
  const dynamoDb = createUpstream(parts.stores.dynamoDbUrl);
  const fauxqs = createUpstream(parts.stores.fauxqsUrl);
  const services = createJsonServices({ ...parts, dynamoDb, fauxqs, streams: parts.stores.streams });
  const objects = createObjects({ fauxqs, onChange: parts.onObjectChange, now: parts.now });

  async function exchange(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = incoming.url ?? "/";
    const mark = url.indexOf("?");
    const path = mark < 0 ? url : url.slice(0, mark);
    const query = new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1));
    const caller = readCaller(incoming.headers, query) ?? (await readFormCaller(incoming));
    try {
      if (caller === undefined) {
        const message = "The request is not signed: it has no credential scope.";
        return send(response, incoming, refusal("s3", "access-denied", message));
      }
      const json = services.get(caller.service);
      if (caller.service === "s3") {
        return await exchangeObject(incoming, response, caller, path, query);
      }
      if (json !== undefined) {
        return await exchangeJson(incoming, response, caller, json, path, query);
      }
      throw new UnknownCall(caller.service);
    } catch (error) {
      if (error instanceof UnknownCall && caller !== undefined) {
        incoming.resume();
        const message = `${caller.id} asked for ${error.message}, which the local cloud does not know.`;
        parts.onRefusal({ caller: caller.id, action: error.message, resource: "*", message });
        return send(response, incoming, refusal(caller.service, "not-known", message));
      }
      if (!response.headersSent && !response.destroyed) {
        const message = error instanceof Error ? error.message : String(error);
        response.writeHead(500, { "content-type": "text/plain" }).end(message);
      } else {
        response.destroy();
      }
    }
  }

  function permitOf(caller: Caller): Permit {
    const principal: Principal = caller.id === operatorId ? "operator" : { function: caller.id };
    return {
      refused: async (right) => {
        const decision = await parts.access.check({ principal, ...right });
        if (decision.allowed) {
          return undefined;
        }
        const { action, resource } = right;
        parts.onRefusal({ caller: caller.id, action, resource, message: decision.message });
        return decision.message;
      },
      has: async (right) => (await parts.access.check({ principal, ...right })).allowed,
    };
  }

  async function firstRefusal(permit: Permit, rights: readonly Right[]): Promise<string | undefined> {
    for (const right of rights) {
      const message = await permit.refused(right);
      if (message !== undefined) {
        return message;
      }
    }
    return undefined;
  }

  async function exchangeJson(
    incoming: IncomingMessage,
    response: ServerResponse,
    caller: Caller,
    service: JsonService,
    path: string,
    query: URLSearchParams,
  ): Promise<void> {
    const raw = await buffer(incoming);
    const body = parseBody(raw);
    if (body === undefined) {
      throw new UnknownCall(`${caller.service} with a body that is not JSON`);
    }
    const { method = "POST", headers } = incoming;
    const request: JsonRequest = { caller: caller.id, method, path, query, headers, raw, body };
    const operation = service.operation(request);
    const message = await firstRefusal(permitOf(caller), service.rights(request, operation));
    if (message !== undefined) {
      return send(response, incoming, refusal(caller.service, "access-denied", message));
    }
    const rule = strike(caller, operation);
    if (rule?.kind === "throttle") {
      return send(response, incoming, refusal(caller.service, "throttled", "Rate exceeded"));
    }
    if (rule?.kind === "conflict") {
      return send(response, incoming, transactionConflict(body));
    }
    if (rule?.kind === "crash" && rule.when === "before") {
      return crash(caller, response);
    }
    const answer = await service.answer(request, operation, { response, rule });
    if (rule?.kind === "crash") {
      return crash(caller, response);
    }
    if (rule?.kind === "lost-answer") {
      response.destroy();
      return;
    }
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }

  async function exchangeObject(
    incoming: IncomingMessage,
    response: ServerResponse,
    caller: Caller,
    path: string,
    query: URLSearchParams,
  ): Promise<void> {
    const request = readObjectRequest(incoming.method ?? "GET", path, query, incoming.headers);
    const permit = permitOf(caller);
    const message = hasExpired(query, parts.now())
      ? "Request has expired"
      : await firstRefusal(permit, request.rights);
    if (message !== undefined) {
      incoming.resume();
      return send(response, incoming, refusal("s3", "access-denied", message));
    }
    const isHead = incoming.method === "HEAD";
    const rule = strike(
      caller,
      request.call === "Read" ? (isHead ? "HeadObject" : "GetObject") : request.call,
    );
    if (rule?.kind === "throttle") {
      incoming.resume();
      return send(response, incoming, refusal("s3", "throttled", "Please reduce your request rate."));
    }
    const crashes = rule?.kind === "crash" ? rule.when : undefined;
    if (crashes === "before") {
      return crash(caller, response);
    }
    const loseAnswer = rule?.kind === "lost-answer" || crashes === "after";
    await objects({ incoming, response, path, request, permit, loseAnswer });
    if (crashes === "after") {
      crash(caller, response);
    }
  }

  function crash(caller: Caller, response: ServerResponse): void {
    parts.crash(caller.id);
    response.destroy();
  }

  function strike(caller: Caller, operation: string): UnkindRule | undefined {
    return caller.id === operatorId
      ? undefined
      : parts.unkindness.strike({ service: caller.service, operation, caller: caller.id });
  }

  return {
    exchange,
    close: () => {
      dynamoDb.close();
      fauxqs.close();
    },
  };
}

function parseBody(raw: Buffer): Record<string, unknown> | undefined {
  if (raw.length === 0) {
    return {};
  }
  try {
    const parsed: unknown = JSON.parse(raw.toString("utf8"));
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A browser upload carries its credential scope as a form field, which is a few kilobytes in. The body is put back, so
 * that it can be read once more from its beginning.
 */
async function readFormCaller(incoming: IncomingMessage): Promise<Caller | undefined> {
  if (!String(incoming.headers["content-type"] ?? "").startsWith("multipart/form-data")) {
    return undefined;
  }
  const pieces: Buffer[] = [];
  let found: Caller | undefined;
  while (found === undefined && Buffer.concat(pieces).length < 32 * 1024) {
    const piece: unknown = incoming.read();
    if (Buffer.isBuffer(piece)) {
      pieces.push(piece);
      const scope = /name="x-amz-credential"\s*\r\n\r\n([^\r\n]+)/i.exec(
        Buffer.concat(pieces).toString("latin1"),
      )?.[1];
      found = parseScope(scope ?? "");
      continue;
    }
    if (incoming.readableEnded || incoming.complete || incoming.destroyed) {
      break;
    }
    await new Promise<void>((resolve) => {
      incoming.once("readable", resolve).once("end", resolve).once("close", resolve);
    });
  }
  for (const piece of pieces.reverse()) {
    incoming.unshift(piece);
  }
  return found;
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
function hasExpired(query: URLSearchParams, now: number): boolean {
  const seconds = query.get("X-Amz-Expires");
  const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get("X-Amz-Date") ?? "");
  if (seconds === null || date === null) {
    return false;
  }
  const [, year, month, day, hour, minute, second] = date.map(Number);
  const signedAt = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
  return now > signedAt + Number(seconds) * 1_000;
}

function send(response: ServerResponse, incoming: IncomingMessage, answer: Answer): void {
  response.writeHead(answer.status, answer.headers).end(incoming.method === "HEAD" ? undefined : answer.body);
}
