import * as z from "zod";
import type { KeyScope } from "#shared/domain/api-key.ts";
import type { ProblemCode } from "../problem.ts";

export interface RouteShape {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `{name}` is one segment, checked by `params`. */
  readonly path: `/api/v1/${string}`;
  readonly summary: string;
  /** What the key must allow. `public`: nobody has to say who they are. */
  readonly scope: KeyScope | "public";
  /** Sending it again after a lost answer changes nothing more. */
  readonly repeatable: boolean;
  /** Takes `Idempotency-Key`: the answer of the first request is that of its repetitions. */
  readonly idempotent?: true;
  /** What it answers has a `version`, which is sent as `ETag`. A change takes it as `If-Match` and hands it on as `ifVersion`. */
  readonly versioned?: true;
  /** A list: `next` is sealed when it leaves, and `cursor` opened when it comes back. What is between is the use case's. */
  readonly paged?: true;
  /** The function behind it. @default "serve-api" */
  readonly servedBy?: "connect-account";
  readonly params: z.ZodType;
  /** What a path that does not fit `params` is answered with: the same as an unknown id. */
  readonly notFound: ProblemCode;
  readonly query: z.ZodType;
  /** Absent: bodies are ignored. `undefined` is what an empty body is. */
  readonly body?: z.ZodType;
  /** Bodies by status. */
  readonly answers: Readonly<Record<number, z.ZodType>>;
  /** Problems of its own. Any route may answer `COMMON_PROBLEMS`. */
  readonly problems: readonly ProblemCode[];
}

/** Problems that any route may answer with. */
export const COMMON_PROBLEMS = [
  "invalid-input",
  "missing-scope",
  "internal",
  "dependency-unavailable",
] as const satisfies readonly ProblemCode[];

/** Problems of every route that takes a body. */
export const BODY_PROBLEMS = [
  "malformed-body",
  "body-too-large",
  "unsupported-media-type",
] as const satisfies readonly ProblemCode[];

export const none = z.strictObject({});
