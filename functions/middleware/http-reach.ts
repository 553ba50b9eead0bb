/** What a key that is restricted to some projects or accounts may use: only what a route says, and nothing by default. */
import type { Place, Places, RouteShape } from "#shared/contract/routes/route-shape.ts";
import type { TaskId } from "#shared/domain/ids.ts";
import type { MediaId } from "#shared/domain/stored-media.ts";
import { quoteAll } from "#shared/domain/words.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { Caller } from "#shared/usecases/authorize-request.ts";
import type { FindMediumProject } from "#shared/usecases/find-medium-project.ts";
import type { FindTaskPlace } from "#shared/usecases/find-task-place.ts";
import type { InputProblem } from "./http-input.ts";

export interface ReachedRequest {
  readonly caller: Caller;
  readonly route: Pick<RouteShape, "reach">;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

/** The parameters that the handler gets. */
export type CheckReach = (request: ReachedRequest) => Promise<Result<unknown, InputProblem>>;

/** An id that no task has: the first ULID there is. */
const NOWHERE = "00000000000000000000000000" as TaskId;

const KINDS = [
  ["project", "projects"],
  ["account", "accounts"],
] as const;

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;

/** What stands at a place, once for each entry of a list; `undefined` where nothing does. */
function namesAt(request: ReachedRequest, place: Place): readonly unknown[] {
  const [source = "", ...path] = place.split(".");
  let values: readonly unknown[] = [fieldOf(request, source)];
  for (const step of path) {
    const isList = step.endsWith("[]");
    const found = values.map((value) => fieldOf(value, isList ? step.slice(0, -2) : step));
    values = isList ? found.flatMap((list) => (Array.isArray(list) ? list : [])) : found;
  }
  return values;
}

const deny = (detail: string): Result<never, InputProblem> => err({ code: "key-restricted", detail });

/** @param required - whether the request has to name one */
function checkNames(request: ReachedRequest, places: Places, required: boolean): Result<void, InputProblem> {
  for (const [kind, list] of KINDS) {
    const allowed = request.caller[list];
    const place = places[kind];
    if (!allowed) continue;
    if (place === undefined) {
      if (required) return deny(`It is not for keys that are restricted to ${list}.`);
      continue;
    }
    const isAllowed = (name: unknown): boolean =>
      name === undefined ? !required : typeof name === "string" && allowed.includes(name);
    if (!namesAt(request, place).every(isAllowed))
      return deny(
        `The key is restricted to the ${list} ${quoteAll(allowed)}: name one of them as ${place.split(".").slice(1).join(".")}.`,
      );
  }
  return ok(undefined);
}

/**
 * Decides what a restricted key may do, before any handler. A task that the key does not reach is answered exactly like an
 * unknown one: the handler is asked for one that nobody has.
 */
export function createCheckReach(
  findTaskPlace: FindTaskPlace,
  findMediumProject: FindMediumProject,
): CheckReach {
  /** Media that nobody has are the handler's to refuse. */
  async function checkMedia(
    request: ReachedRequest,
    place: Place | undefined,
  ): Promise<Result<void, InputProblem>> {
    const { ownerId, projects } = request.caller;
    if (!projects || place === undefined) return ok(undefined);
    const ids = namesAt(request, place).filter((id) => typeof id === "string");
    const found = await Promise.all([...new Set(ids)].map((id) => findMediumProject(ownerId, id as MediaId)));
    return found.every((project) => project === undefined || projects.includes(project))
      ? ok(undefined)
      : deny(`The key is restricted to the projects ${quoteAll(projects)}: a medium is of another one.`);
  }

  async function reachTask(request: ReachedRequest): Promise<unknown> {
    const { caller, params } = request;
    const found = await findTaskPlace(caller.ownerId, fieldOf(params, "id") as TaskId);
    const isReached =
      found !== undefined &&
      (!caller.projects || caller.projects.includes(found.project)) &&
      (!caller.accounts || caller.accounts.includes(found.account));
    return isReached ? params : { ...(params as object), id: NOWHERE };
  }

  return async (request) => {
    const { caller, route, params } = request;
    if (!caller.projects && !caller.accounts) return ok(params);
    switch (route.reach?.by) {
      case undefined:
        return deny("It is not for keys that are restricted to projects or accounts.");
      case "nothing":
        return ok(params);
      case "names":
      case "task": {
        const isTask = route.reach.by === "task";
        const named = checkNames(request, route.reach, !isTask);
        const checked = named.ok ? await checkMedia(request, route.reach.media) : named;
        if (!checked.ok) return checked;
        return ok(isTask ? await reachTask(request) : params);
      }
    }
  };
}
