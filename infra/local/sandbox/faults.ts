import * as z from "zod";

/** Which requests a fault meets. Without `method` and `path`: all of them. */
export interface FaultMatch {
  readonly method?: string;
  /** A whole path without query, or a pattern that is searched in it. */
  readonly path?: string | RegExp;
  /** The first matching request that is met, counted from 1 since the rule was added. @default 1 */
  readonly nth?: number;
  /** How many matching requests are met from there on. @default 1 */
  readonly times?: number | "always";
}

/** `before-commit`: X did nothing. `after-commit`: X did everything and the answer was lost. */
export type CommitSide = "before-commit" | "after-commit";

export type FaultAction =
  /** Answers this and does nothing else. A string is sent as HTML, anything else as JSON. */
  | { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
  /** Waits, then goes on as usual. @default when "after-commit": the work is done, the answer comes late */
  | { readonly delayMs: number; readonly when?: CommitSide }
  /** Does the work, sends the head and half of the body, and closes the connection. */
  | { readonly cutBody: true }
  /** Closes the connection without an answer. With `landsAfterMs`, X does the work that much later all the same. */
  | { readonly drop: CommitSide; readonly landsAfterMs?: undefined }
  | { readonly drop: "before-commit"; readonly landsAfterMs: number }
  /** Answers a timeline that does not show the posts of the last so many ms yet. */
  | { readonly timelineLagMs: number };

export interface FaultRule {
  readonly match: FaultMatch;
  readonly action: FaultAction;
}

export interface Faults {
  add(rule: FaultRule): void;
  clear(): void;
  rules(): readonly FaultRule[];
  /** The action for a request that has just arrived, of the oldest rule that meets it. */
  take(method: string, path: string): FaultAction | undefined;
}

export function createFaults(): Faults {
  let active: { readonly rule: FaultRule; seen: number }[] = [];

  return {
    add: (rule) => {
      active.push({ rule, seen: 0 });
    },
    clear: () => {
      active = [];
    },
    rules: () => active.map(({ rule }) => rule),
    take(method, path) {
      for (const entry of active) {
        const { match, action } = entry.rule;
        if (match.method !== undefined && match.method.toUpperCase() !== method) continue;
        if (!meetsPath(match.path, path)) continue;
        entry.seen += 1;
        const first = match.nth ?? 1;
        const last = match.times === "always" ? Number.POSITIVE_INFINITY : first + (match.times ?? 1) - 1;
        if (entry.seen >= first && entry.seen <= last) return action;
      }
      return undefined;
    },
  };
}

function meetsPath(wanted: string | RegExp | undefined, path: string): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === "string" ? wanted === path : path.search(wanted) >= 0;
}

const Side = z.enum(["before-commit", "after-commit"]);

const Pattern = z
  .strictObject({ pattern: z.string().max(200), flags: z.string().max(6).optional() })
  .transform(({ pattern, flags }, context) => {
    try {
      return new RegExp(pattern, flags);
    } catch {
      context.addIssue("is not a regular expression");
      return z.NEVER;
    }
  });

/** A rule as it comes over HTTP, where a pattern is `{ "path": { "pattern": "^/2/media", "flags": "i" } }`. */
export const FaultRuleBody = z.strictObject({
  match: z.strictObject({
    method: z.string().optional(),
    path: z.union([z.string(), Pattern]).optional(),
    nth: z.int().min(1).optional(),
    times: z.union([z.int().min(1), z.literal("always")]).optional(),
  }),
  action: z.union([
    z.strictObject({
      status: z.int().min(200).max(599),
      body: z.unknown().optional(),
      headers: z.record(z.string(), z.string()).optional(),
    }),
    z.strictObject({ delayMs: z.number().min(0).max(600_000), when: Side.optional() }),
    z.strictObject({ cutBody: z.literal(true) }),
    z.strictObject({ drop: Side }),
    z.strictObject({ drop: z.literal("before-commit"), landsAfterMs: z.number().min(0).max(600_000) }),
    z.strictObject({ timelineLagMs: z.number().min(0).max(3_600_000) }),
  ]),
});

/** The form that `FaultRuleBody` reads. */
export function faultRuleToJson({ match, action }: FaultRule): unknown {
  const { path } = match;
  return {
    match: path instanceof RegExp ? { ...match, path: { pattern: path.source, flags: path.flags } } : match,
    action,
  };
}
