import * as z from "zod";
import type { KeyScope } from "#shared/domain/api-key.ts";
import type { ProblemCode } from "../problem.ts";

/** `params.name`, `query.project`, `body.account`; with `[]` in each entry of a list: `body.tasks[].project`. */
export type Place = `${"params" | "query" | "body"}.${string}`;

/** How a key that is restricted to projects or accounts may use a route. */
export type Reach =
  /** It tells and changes nothing of any project or account. */
  | { readonly by: "nothing" }
  /** It is about the task `{id}` of the path. What the places name, if they do, has to be allowed too. */
  | ({ readonly by: "task" } & Places)
  /** It is about what the places name, and nothing else. The key has to name it; nothing is guessed. */
  | ({ readonly by: "names" } & Places);

/** Where a request names what it is about. */
export interface Places {
  readonly project?: Place;
  readonly account?: Place;
  /** Of ids of media: each has to be of a project that the key reaches, or of none. */
  readonly media?: Place;
}

export interface RouteShape {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `{name}` is one segment, checked by `params`. */
  readonly path: `/api/v1/${string}`;
  readonly summary: string;
  /** What the key must allow. `public`: nobody has to say who they are. */
  readonly scope: KeyScope | "public";
  /** Sending it again after a lost answer changes nothing more. */
  readonly repeatable: boolean;
  /** What a restricted key may do with it. Absent: nothing. */
  readonly reach?: Reach;
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
  /** Of its answers; problems are JSON all the same. @default "application/json" */
  readonly contentType?: string;
  /** Bodies by status. */
  readonly answers: Readonly<Record<number, z.ZodType>>;
  /** Problems of its own. Any route may answer `COMMON_PROBLEMS`. */
  readonly problems: readonly ProblemCode[];
}

/** Problems that any route may answer with. */
const COMMON_PROBLEMS = [
  "invalid-input",
  "missing-scope",
  "key-restricted",
  "rate-limited",
  "internal",
  "dependency-unavailable",
] as const satisfies readonly ProblemCode[];

/** Problems of every route that takes a body. */
export const BODY_PROBLEMS = [
  "malformed-body",
  "body-too-large",
  "unsupported-media-type",
] as const satisfies readonly ProblemCode[];

/** Whether `If-Match` has a meaning: something that is there already is changed, and not made (201). */
export const takesVersion = ({
  method,
  versioned,
  answers,
}: Pick<RouteShape, "method" | "answers"> & { readonly versioned?: true | undefined }): boolean =>
  versioned === true && method !== "GET" && !(201 in answers);

/** All that a route may answer with: its own problems, those of any route, and those of what it declares. */
export const problemsOf = ({
  method,
  path,
  scope,
  notFound,
  idempotent,
  versioned,
  paged,
  problems,
  answers,
}: RouteShape): readonly ProblemCode[] => [
  ...new Set<ProblemCode>([
    ...COMMON_PROBLEMS.filter(
      (code) => scope !== "public" || (code !== "missing-scope" && code !== "key-restricted"),
    ),
    ...(path.includes("{") ? [notFound] : []),
    ...(idempotent ? (["idempotency-in-flight", "idempotency-key-reused"] as const) : []),
    ...(takesVersion({ method, versioned, answers }) ? (["precondition-failed"] as const) : []),
    ...(paged ? (["invalid-cursor"] as const) : []),
    ...problems,
  ]),
];

export const none = z.strictObject({});
