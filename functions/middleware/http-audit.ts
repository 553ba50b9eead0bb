/** Every change and every denial of every route goes through here, so that none can be forgotten. */
import type * as z from "zod";
import { PROBLEMS } from "#shared/contract/problem.ts";
import type { RouteShape } from "#shared/contract/routes/route-shape.ts";
import { ROUTES, type RouteName } from "#shared/contract/routes.ts";
import { type Json, maskChange } from "#shared/domain/audit-mask.ts";
import type { Caller } from "#shared/usecases/authorize-request.ts";
import type { NewAuditEntry, RecordAudit } from "#shared/usecases/record-audit.ts";
import { type HttpAnswer, type HttpLogger, isProblem } from "./http.ts";
import { actorOf } from "./http-caller.ts";
import { secretNames } from "./secret-names.ts";

export interface AuditedRequest {
  readonly name: RouteName;
  readonly route: RouteShape;
  readonly caller: Caller;
  /** Parameters of the path, as they were sent. */
  readonly target: Readonly<Record<string, string>>;
  readonly requestId: string;
  readonly sourceIp: string;
}

export interface HttpAudit {
  /** Notes a request that was refused before its handler. */
  denied(request: AuditedRequest, answer: HttpAnswer): Promise<HttpAnswer>;
  /**
   * Runs a handler and notes what it changed. Reads are only run.
   *
   * @param read - what a GET route answers for the same parameters
   */
  run(
    request: AuditedRequest,
    read: (name: RouteName) => Promise<HttpAnswer | undefined>,
    run: () => Promise<HttpAnswer>,
  ): Promise<HttpAnswer>;
}

const all: readonly (readonly [RouteName, RouteShape])[] = (Object.keys(ROUTES) as RouteName[]).map(
  (name) => [name, ROUTES[name]],
);

const namesIn = (path: string): string => (path.match(/\{\w+\}/g) ?? []).join();

/**
 * The route that shows what a change is about: the GET of the same address, or of the nearest above it that has the same
 * parameters. Undefined for what is made: nothing was there before.
 */
export function shownBy(route: Pick<RouteShape, "method" | "path">): RouteName | undefined {
  const getOf = (path: string) =>
    all.find(([, other]) => other.method === "GET" && other.path === path && !other.paged)?.[0];
  if (route.method === "POST" && getOf(route.path) !== undefined) return undefined;
  for (
    let path: string = route.path;
    namesIn(path) === namesIn(route.path);
    path = path.replace(/\/[^/]*$/, "")
  ) {
    const found = getOf(path);
    if (found !== undefined) return found;
    if (!path.includes("/", 1)) return undefined;
  }
  return undefined;
}

/** A list shows others too: no single one of it was changed. */
const isRecord = (value: unknown): value is { readonly [name: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !("items" in value);

/** Of what was shown before, what the answer can have too: a field that it never has is no change. */
function comparable(before: Json | undefined, schema: z.ZodType | undefined): Json | undefined {
  if (!isRecord(before) || !schema || !("shape" in schema)) return before;
  const known = Object.keys(schema.shape as object);
  return Object.fromEntries(Object.entries(before).filter(([name]) => known.includes(name)));
}

const DENIALS: readonly number[] = [401, 403];

/**
 * What has to be noted before it is done, or is not done at all: whoever may give rights away must leave a trace. Of
 * everything else a trace that could not be written is a line in the log: posts go out all the same.
 */
const mustBeNoted = ({ scope }: RouteShape): boolean => scope === "admin";

export interface HttpAuditDeps {
  readonly recordAudit: RecordAudit;
  readonly logger: HttpLogger;
}

/** It has happened already: the answer says so whether or not it could be noted. */
export async function noteAfter({ recordAudit, logger }: HttpAuditDeps, entry: NewAuditEntry): Promise<void> {
  try {
    await recordAudit(entry);
  } catch (error) {
    const { action, status, requestId } = entry;
    logger.error("the audit log was not written", { action, status, requestId, error });
  }
}

export function createHttpAudit(deps: HttpAuditDeps): HttpAudit {
  const entryOf = (
    { name, caller, target, requestId, sourceIp }: AuditedRequest,
    entry: Pick<NewAuditEntry, "phase" | "status"> & Partial<NewAuditEntry>,
  ): NewAuditEntry => ({
    ownerId: caller.ownerId,
    actor: actorOf(caller),
    action: name,
    target,
    requestId,
    sourceIp,
    ...entry,
  });

  function outcomeOf({ route }: AuditedRequest, answer: HttpAnswer, before: Json | undefined) {
    const { status, body } = answer;
    const plain = { phase: "outcome", status, ...(isProblem(body) && { problem: body.code }) } as const;
    if (status >= 400) return plain;
    const after = isRecord(body) ? body : undefined;
    const change = maskChange(comparable(before, route.answers[status]), after, secretNames());
    // Deleted: the answer shows what there was.
    const isGone = route.method === "DELETE" && (before === undefined || change.after === undefined);
    return { ...plain, ...(isGone ? maskChange(before ?? after, undefined, secretNames()) : change) };
  }

  return {
    async denied(request, answer) {
      await noteAfter(deps, entryOf(request, outcomeOf(request, answer, undefined)));
      return answer;
    },

    async run(request, read, run) {
      const { route } = request;
      if (route.method === "GET") return run();
      const shown = shownBy(route);
      const earlier = shown && (await read(shown));
      const before = earlier && earlier.status < 400 && isRecord(earlier.body) ? earlier.body : undefined;
      const isPromised = mustBeNoted(route);
      if (isPromised) await deps.recordAudit(entryOf(request, { phase: "attempt", status: 0 }));
      let answer: HttpAnswer;
      try {
        answer = await run();
      } catch (error) {
        const { status } = PROBLEMS.internal;
        await noteAfter(deps, entryOf(request, { phase: "outcome", status, problem: "internal" }));
        throw error;
      }
      const { status } = answer;
      if (isPromised || status < 400 || status >= 500 || DENIALS.includes(status))
        await noteAfter(deps, entryOf(request, outcomeOf(request, answer, before)));
      return answer;
    },
  };
}
