/** A route key: `GET /tasks/{id}`, `ANY /{proxy+}` or `$default`. */
export interface RoutePattern {
  readonly key: string;
  /** Undefined: any method. */
  readonly method: string | undefined;
  /** `/tasks/{id}`; undefined: any path. */
  readonly path: string | undefined;
}

export interface RouteMatch<Route extends RoutePattern> {
  readonly route: Route;
  /** Decoded. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** @returns undefined for a key that API Gateway would refuse. */
export function readRouteKey(key: string): RoutePattern | undefined {
  if (key === "$default") return { key, method: undefined, path: undefined };
  const [, method, path] = /^(ANY|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT) (\/\S*)$/.exec(key) ?? [];
  if (method === undefined || path === undefined) return undefined;
  return { key, method: method === "ANY" ? undefined : method, path };
}

const segments = (path: string): readonly string[] => path.split("/").slice(1);
const isGreedy = (segment: string): boolean => /^\{[^}]+\+\}$/.test(segment);
const isParameter = (segment: string): boolean => /^\{[^}]+\}$/.test(segment);

const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = segments(pattern);
  const given = segments(path);
  const parameters: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const rest = given.slice(index);
    if (isGreedy(segment)) {
      if (rest.length === 0 || rest[0] === "") return undefined;
      const value = decode(rest.join("/"));
      if (value === undefined) return undefined;
      parameters[segment.slice(1, -2)] = value;
      return parameters;
    }
    const raw = rest[0];
    const value = raw === undefined ? undefined : decode(raw);
    if (value === undefined) return undefined;
    if (isParameter(segment)) {
      if (value === "") return undefined;
      parameters[segment.slice(1, -1)] = value;
    } else if (segment !== value) return undefined;
  }
  return given.length === wanted.length ? parameters : undefined;
}

/** Smaller goes first: a literal segment before a parameter before a greedy one, then a method before any. */
function rank({ path, method }: RoutePattern): string {
  const kinds =
    path === undefined ? "3" : segments(path).map((one) => (isGreedy(one) ? 2 : isParameter(one) ? 1 : 0));
  return `${typeof kinds === "string" ? kinds : kinds.join("")} ${method === undefined ? 1 : 0}`;
}

/**
 * The most specific route for a request, as API Gateway chooses it.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
 */
export function matchRoute<Route extends RoutePattern>(
  routes: readonly Route[],
  method: string,
  path: string,
): RouteMatch<Route> | undefined {
  const matches = routes.flatMap((route) => {
    if (route.method !== undefined && route.method !== method) return [];
    const parameters = route.path === undefined ? {} : matchPath(route.path, path);
    return parameters === undefined ? [] : [{ route, parameters }];
  });
  return matches.sort((a, b) => (rank(a.route) < rank(b.route) ? -1 : 1))[0];
}
