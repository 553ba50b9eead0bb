import { lookup as systemLookup } from "node:dns/promises";
import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { toWebhookPayload } from "#shared/contract/webhook-view.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { AttemptCode } from "#shared/domain/webhook-delivery.ts";
import { signWebhook } from "#shared/domain/webhook-signature.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { WebhookAnswer, WebhookSender } from "#shared/ports/webhook-sender.ts";
import type { MayReach } from "./reachable-address.ts";

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a name. @throws whatever the resolver says when there are none */
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>;

const resolveBySystem: Resolve = (hostname) => systemLookup(hostname, { all: true });

export interface WebhookSenderOptions {
  readonly mayReach: MayReach;
  readonly clock: Pick<Clock, "now">;
  /** @default - the system's resolver */
  readonly resolve?: Resolve;
  /** For the whole of an attempt. @default TIMING.deliver.requestDeadlineMs */
  readonly deadlineMs?: number;
}

/** Of an answer that nobody reads, so that the other side can end it. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** A name leads to an address that may not be reached. */
class RefusedAddress extends Error {
  override readonly name = "RefusedAddress";
}

/** The resolver's own codes are several; a failed look-up is known by what failed. */
class UnresolvedName extends Error {
  override readonly name = "UnresolvedName";
}

/**
 * A look-up for one connection. If any of the name's addresses may not be reached, none is: a name that leads outside and
 * inside is no accident. The connection goes to what was checked, since nobody looks the name up again.
 */
function checkedLookup(resolve: Resolve, mayReach: MayReach): LookupFunction {
  return (hostname, { all }, done) => {
    const check = async (): Promise<readonly ResolvedAddress[]> => {
      let found: readonly ResolvedAddress[];
      try {
        found = await resolve(hostname);
      } catch (cause) {
        throw new UnresolvedName("the name leads nowhere", { cause });
      }
      if (found.length === 0) throw new UnresolvedName("the name has no address");
      if (!found.every(({ address }) => mayReach(hostname, address)))
        throw new RefusedAddress("the name leads to an address that is not public");
      return found;
    };
    check().then(
      (found) => {
        const [{ address, family } = { address: "", family: 4 }] = found;
        if (all) done(null, [...found]);
        else done(null, address, family);
      },
      (error: NodeJS.ErrnoException) => done(error, ""),
    );
  };
}

const TLS_CODES = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH)/;

function codeOf(error: unknown): AttemptCode {
  const { name = "", code = "" } = error as Partial<NodeJS.ErrnoException>;
  if (name === "TimeoutError" || name === "AbortError") return "timed-out";
  if (name === "RefusedAddress") return "address-refused";
  if (name === "UnresolvedName") return "name-not-resolved";
  return TLS_CODES.test(code) ? "tls-failed" : "connection-failed";
}

/** Seconds, or a date. @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function readRetryAfter(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const waitMs = value.endsWith(" GMT") ? Date.parse(value) - now.getTime() : Number.NaN;
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
}

/** Lets the other side finish, within reason. */
function drain(answer: IncomingMessage): Promise<void> {
  let seen = 0;
  return new Promise((resolve) => {
    answer.on("data", (chunk: Buffer) => {
      seen += chunk.length;
      if (seen > MAX_ANSWER_BYTES) answer.destroy();
    });
    // Ended, destroyed or cut off: its status is what counts.
    answer.once("error", () => resolve());
    answer.once("close", () => resolve());
  });
}

/**
 * Posts events to addresses that owners of webhooks chose, with Standard Webhooks' headers.
 *
 * What it cannot be made to do: reach an address that `mayReach` does not allow, whatever a name leads to at the moment;
 * follow a redirect; use a proxy or a kept connection; accept a certificate that is not trusted or is for another name;
 * wait longer than the deadline; tell what was answered, but for the status.
 */
export function createWebhookSender({
  mayReach,
  clock,
  resolve = resolveBySystem,
  deadlineMs = TIMING.deliver.requestDeadlineMs,
}: WebhookSenderOptions): WebhookSender {
  const lookup = checkedLookup(resolve, mayReach);

  function open(url: URL, body: Buffer, headers: Readonly<Record<string, string>>): ClientRequest {
    const request = url.protocol === "https:" ? requestHttps : requestHttp;
    return request(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "content-length": String(body.length),
        "user-agent": "Punctual-Webhooks/1",
        accept: "*/*",
        ...headers,
      },
      // Not the shared agent: that one keeps connections, and may be told of a proxy.
      agent: false,
      lookup,
      // Said aloud: else the environment could turn it off.
      rejectUnauthorized: true,
      signal: AbortSignal.timeout(deadlineMs),
    });
  }

  return {
    async send({ url: address, deliveryId, secrets, event }): Promise<WebhookAnswer> {
      const url = new URL(address);
      // Node looks up names only, so what is an address already is checked here.
      const literal = url.hostname.replace(/^\[(.+)\]$/, "$1");
      if (isIP(literal) !== 0 && !mayReach(url.hostname, literal)) return { code: "address-refused" };
      const now = clock.now();
      const body = JSON.stringify(toWebhookPayload(event));
      const signed = signWebhook({ id: deliveryId, sentAt: now, body }, secrets);
      const bytes = Buffer.from(body);
      try {
        const answer = await new Promise<IncomingMessage>((answered, failed) => {
          const request = open(url, bytes, signed);
          request.once("response", answered);
          // Also after the answer: an abort or a reset then is no fault any more, and may not end the process.
          request.on("error", failed);
          request.end(bytes);
        });
        await drain(answer);
        const { statusCode: status = 0 } = answer;
        if (status >= 200 && status < 300) return { status };
        const retryAfterMs = readRetryAfter(answer.headers["retry-after"], now);
        return { status, code: "status-refused", ...(retryAfterMs !== undefined && { retryAfterMs }) };
      } catch (error) {
        return { code: codeOf(error) };
      }
    },
  };
}
