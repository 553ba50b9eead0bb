/**
 * Requests that carry an `Idempotency-Key`: the first one runs, and its repetitions get its answer.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header
 */
import { createHash } from "node:crypto";
import type { OwnerId } from "./ids.ts";

const HOUR_MS = 3_600_000;

/** How long a key stands for its request. */
export const IDEMPOTENCY_TTL_MS = 24 * HOUR_MS;
/** An answer above it is not kept; an item of DynamoDB holds 400 kB. @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
export const MAX_KEPT_BYTES = 300_000;

/** A request under the key that its sender gave it. */
export interface KeyedRequest {
  readonly ownerId: OwnerId;
  /** 1 to 255 printable ASCII characters. */
  readonly key: string;
  /** Of `hashRequest`: equal for the same request only. */
  readonly hash: string;
}

export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
}

/** What is known of a keyed request. */
export interface IdempotencyRecord extends KeyedRequest {
  /** ULID. The id of what the request makes, however often it has to begin anew: so it is made once. */
  readonly newId: string;
  /** Until then somebody may be at work on it. */
  readonly leaseUntil: Date;
  /** Absent: it has not come to an end that is kept. */
  readonly answer?: KeptAnswer;
  readonly forgottenAt: Date;
  /** Grows by one with every write. */
  readonly version: number;
}

export type Repetition =
  /** It came to no end: it runs again, and makes what has the same id. */
  | { readonly kind: "again" }
  | { readonly kind: "answered"; readonly answer: KeptAnswer }
  | { readonly kind: "in-flight"; readonly until: Date }
  /** The key stands for another request. */
  | { readonly kind: "other-request" };

/** What a request is that comes under a key which is known. */
export function decideRepetition(record: IdempotencyRecord, hash: string, now: Date): Repetition {
  const { answer, leaseUntil } = record;
  if (record.hash !== hash) return { kind: "other-request" };
  if (answer) return { kind: "answered", answer };
  return leaseUntil > now ? { kind: "in-flight", until: leaseUntil } : { kind: "again" };
}

/**
 * Whether an answer is the last word on its request: it made something, or the request is malformed and ever will be. Any
 * other refusal made nothing, and its cause may be mended: the same request then runs again, with the same `newId`.
 */
export const isLastWord = (status: number, isRetryable: boolean): boolean =>
  status < 300 || (status === 400 && !isRetryable);

interface HashedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
  /** Any JSON; undefined: none. */
  readonly body: unknown;
}

/** Equal for requests that mean the same: the order of fields and parameters, and white space, do not count. */
export const hashRequest = ({ method, path, query, body }: HashedRequest): string =>
  createHash("sha256")
    .update(canonical([method, path.replace(/\/$/, ""), query, body ?? null]))
    .digest("base64url");

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
