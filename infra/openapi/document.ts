import * as z from "zod";
import {
  createDocument,
  type ZodOpenApiObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponsesObject,
} from "zod-openapi";
import { EXAMPLES, type RouteExample } from "#shared/contract/examples.ts";
import { PROBLEMS, type ProblemCode, problemSchema } from "#shared/contract/problem.ts";
import { problemsOf, type RouteShape, takesVersion } from "#shared/contract/routes/route-shape.ts";
import { ROUTES } from "#shared/contract/routes.ts";
import { nameSchemas } from "./name-schemas.ts";

export type OpenApiDocument = ReturnType<typeof createDocument>;

const BASE = "/api/v1";
const JSON_TYPE = "application/json";
const PROBLEM_TYPE = "application/problem+json";

const SCOPES: Readonly<Record<Exclude<RouteShape["scope"], "public">, string>> = {
  read: "look at everything",
  write: "make, change and cancel posts",
  publish: "let posts go out now",
  manage: "projects, accounts, policies, jobs and webhooks",
  admin: "everything, keys and users included",
};

const DESCRIPTION = `Publishes posts on X: once, at the second they are due, inside every limit of the platform.

Create answers 202: nothing is ever published inside a request. Send an \`Idempotency-Key\` with what creates something, and a
repetition after a lost answer changes nothing more. What has a version is answered with an \`ETag\`; a change with
\`If-Match\` is refused (412) if somebody else was faster. A list is read page by page: \`next\` of one page is the \`cursor\` of
the next. Every error is a problem (RFC 9457) with a stable \`code\`, and says whether the same request may succeed later.

A request without a valid key is answered by API Gateway itself, with 401 and \`{"message":"Unauthorized"}\`, or with 403 and
\`{"message":"Forbidden"}\`.`;

const refusal = z
  .object({ message: z.string() })
  .meta({ id: "GatewayRefusal", description: "API Gateway's own answer, before any function runs." });

const header = (description: string, schema: z.ZodType = z.string()) =>
  schema.meta({ header: { description } });

const REQUEST_ID = { "x-request-id": header("Names the request, here and in the logs.") };
const LIMITS = {
  ratelimit: header(
    'What is left of the key\'s hour, as in `"hour";r=986;t=1512` (t in seconds).',
  ).optional(),
  "ratelimit-policy": header('What the key may, as in `"hour";q=1000;w=3600` (w in seconds).').optional(),
};

const PLANNING = new Set(["simulate", "suggestions"]);

/** The feature that a route belongs to. */
function tagOf(path: string): string {
  const [first = "", second = "", third = ""] = path.slice(BASE.length + 1).split("/");
  if (first === "scheduling") return PLANNING.has(second) ? "planning" : second;
  if (first === "projects" && (third === "policy" || third === "replan")) return "policies";
  return first.replace(/\.json$/, "");
}

const byStatus = (codes: readonly ProblemCode[]): ReadonlyMap<number, readonly ProblemCode[]> =>
  Map.groupBy([...new Set(codes)].toSorted(), (code) => PROBLEMS[code].status);

function problemAnswer(codes: readonly ProblemCode[]) {
  // A key that is none is refused by API Gateway, which knows no problems.
  const isGateways = codes.includes("missing-scope");
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join("\n\n"),
    headers: isGateways ? z.object(REQUEST_ID).partial() : z.object(REQUEST_ID),
    content: {
      ...(isGateways && { [JSON_TYPE]: { schema: refusal } }),
      [PROBLEM_TYPE]: {
        schema: problemSchema,
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}

const exampleOf = (code: ProblemCode) => {
  const { status, title, retryable } = PROBLEMS[code];
  const type = `urn:punctual:problem:${code}`;
  return { type, title, status, code, detail: title, retryable, requestId: "JKJaXmPLvHcESHA=" };
};

function answersOf(name: string, route: RouteShape, example: RouteExample): ZodOpenApiResponsesObject {
  const [first] = Object.keys(route.answers);
  const answers: ZodOpenApiResponsesObject = {};
  for (const [status, schema] of Object.entries(route.answers)) {
    const value = status === first ? example.answer : undefined;
    answers[status as `${1 | 2 | 3 | 4 | 5}${string}`] = {
      description: route.summary,
      headers: z.object({
        ...REQUEST_ID,
        ...LIMITS,
        ...(route.versioned && { etag: header("The version, for `If-Match`.").optional() }),
        ...((status === "201" || status === "202") && {
          location: header("Where to read what was made.").optional(),
        }),
        ...(route.idempotent && {
          "idempotency-replayed": header(
            "`true`: the answer of an earlier request with this key.",
          ).optional(),
        }),
      }),
      content: {
        [route.contentType ?? JSON_TYPE]: {
          schema,
          ...(value !== undefined && { examples: { [name]: { value } } }),
        },
      },
    };
  }
  return answers;
}

const answersUnchanged = ({ method, versioned }: RouteShape): boolean =>
  versioned === true && method === "GET";

function operationOf(name: string, route: RouteShape, example: RouteExample): ZodOpenApiOperationObject {
  const isPublic = route.scope === "public";
  const headers = z.object({
    ...(route.idempotent && {
      "idempotency-key": z.string().min(1).max(255).optional().meta({
        description: "Any text of your own: a repetition with the same key and body gets the first answer.",
      }),
    }),
    ...(answersUnchanged(route) && {
      "if-none-match": z
        .string()
        .optional()
        .meta({ description: "`ETag` of what you have: 304 if it is still so." }),
    }),
    ...(takesVersion(route) && {
      "if-match": z.string().optional().meta({ description: "`ETag` of what you have read." }),
    }),
  });
  const isEmpty = (schema: z.ZodType) =>
    "shape" in schema && Object.keys(schema.shape as object).length === 0;
  const answers = answersOf(name, route, example);
  if (answersUnchanged(route))
    answers["304"] = { description: "What you have is still so.", headers: z.object(REQUEST_ID) };
  // The health of a service that is down is told with an error's status.
  for (const [status, codes] of byStatus(problemsOf(route)))
    answers[`${status}` as "400"] ??= problemAnswer(codes);
  return {
    operationId: name,
    tags: [tagOf(route.path)],
    summary: route.summary,
    description: isPublic
      ? "Needs no key."
      : `Needs the scope \`${route.scope}\`.${route.repeatable ? " May be repeated after a lost answer." : ""}`,
    security: isPublic ? [] : [{ key: [route.scope as string] }],
    requestParams: {
      ...(!isEmpty(route.params) && { path: route.params as z.ZodObject }),
      ...(!isEmpty(route.query) && { query: route.query as z.ZodObject }),
      ...(!isEmpty(headers) && { header: headers }),
    },
    ...(route.body && {
      requestBody: {
        required: !route.body.safeParse(undefined).success,
        content: {
          [JSON_TYPE]: {
            schema: route.body,
            ...(example.body !== undefined && { examples: { [name]: { value: example.body } } }),
          },
        },
      },
    }),
    responses: {
      ...answers,
      ...(!isPublic && {
        401: {
          description: "No key, or one that is no key.",
          content: { [JSON_TYPE]: { schema: refusal } },
        },
      }),
    },
  };
}

interface Operation {
  readonly operationId: keyof typeof EXAMPLES;
  readonly parameters?: { readonly name: string; readonly in: string; example?: string }[];
}

/** What a path or a query may say, beside its schema. */
function addExamples({ operationId, parameters = [] }: Operation): void {
  const { params, query }: RouteExample = EXAMPLES[operationId];
  for (const parameter of parameters) {
    const example = { path: params, query }[parameter.in]?.[parameter.name];
    if (example !== undefined) parameter.example = example;
  }
}

/**
 * The API as an OpenAPI 3.1 document, from the table of routes and nothing else.
 *
 * @see https://spec.openapis.org/oas/v3.1.1.html
 */
export async function createOpenApiDocument(version: string): Promise<OpenApiDocument> {
  await nameSchemas();
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const [name, route] of Object.entries(ROUTES) as [keyof typeof ROUTES, RouteShape][]) {
    const path = route.path.slice(BASE.length);
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operationOf(name, route, EXAMPLES[name]);
  }
  const tags = [...new Set(Object.values(ROUTES).map(({ path }) => tagOf(path)))].toSorted();
  const options: ZodOpenApiObject = {
    openapi: "3.1.1",
    info: {
      title: "Punctual",
      version,
      description: DESCRIPTION,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: BASE, description: "The deployment that this document is read from." }],
    tags: tags.map((name) => ({ name })),
    security: [{ key: [] }],
    paths: paths as ZodOpenApiPathsObject,
    components: {
      examples: Object.fromEntries(
        (Object.keys(PROBLEMS) as ProblemCode[]).map((code) => [code, { value: exampleOf(code) }]),
      ),
      securitySchemes: {
        key: {
          type: "http",
          scheme: "bearer",
          description: `An API key, \`pnc_…\`. Its scopes: ${Object.entries(SCOPES)
            .map(([scope, what]) => `\`${scope}\`, ${what}`)
            .join("; ")}.`,
        },
      },
    },
  };
  const document = createDocument(options);
  for (const item of Object.values(document.paths ?? {}))
    for (const operation of Object.values(item as Record<string, Operation>)) addExamples(operation);
  return document;
}
