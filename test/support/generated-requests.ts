/** Requests made from the OpenAPI document: as it describes them, or broken in one place. */
import fc from "fast-check";
import { generateSync, type JsonSchema } from "json-schema-faker";

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: JsonSchema;
}

/** What is read here of an operation of `docs/openapi.json`. */
export interface DescribedOperation {
  readonly operationId: string;
  readonly method: string;
  /** Below the server's address, with `{names}`. */
  readonly path: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly content: Readonly<
      Record<
        string,
        {
          readonly schema?: JsonSchema;
          readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
        }
      >
    >;
  };
}

/** Whose thing a request names. What it is called is only known when the things are there. */
type Whose = "own" | "foreign" | "unknown";
const WHOSE: readonly Whose[] = ["own", "foreign", "unknown"];

/** `⟨own:project⟩`: JSON has no word for it, and a failure shows it as it is. */
const named = (whose: Whose, thing: string): string => `⟨${whose}:${thing}⟩`;
const NAMED = /⟨(own|foreign|unknown):([^⟩]+)⟩/g;

/** A request whose ids are still names. The same seed gives the same ones. */
export interface GeneratedRequest {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, or what is nearly JSON. */
  readonly body?: string;
}

/** The same request with what the names stand for. @param nameOf - what `own`, `foreign` or `unknown` is called */
export function resolveNames<T>(request: T, nameOf: (whose: Whose, thing: string) => string): T {
  const resolve = (value: unknown): unknown => {
    if (typeof value === "string")
      return value.replace(NAMED, (_, whose: Whose, thing: string) => nameOf(whose, thing));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner)]));
  };
  return resolve(request) as T;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Place = readonly (string | number)[];

/** Fields that name something, with the thing: random text would name nothing but the unknown. */
const NAMING: Readonly<Record<string, string>> = {
  project: "project",
  projects: "project",
  account: "account",
  accounts: "account",
  defaultAccount: "account",
  contentId: "contentId",
  owner: "owner",
  email: "email",
};

/** Texts that a rule behind the schema takes. A schema says of most of them only how long they may be. */
const TAKEN: Readonly<Record<string, readonly (string | number)[]>> = {
  scheduledAt: ["2026-12-05 09:00"],
  publishAt: ["now", "2026-12-05 09:00", "2026-12-05T09:00:00+08:00"],
  dtStart: ["2026-12-05 09:00"],
  occurrence: ["2026-12-05 09:00", "2026-12-12 09:00"],
  rule: ["FREQ=WEEKLY", "FREQ=DAILY;COUNT=3"],
  timeZone: ["Asia/Shanghai", "Europe/Berlin"],
  language: ["en", "zh"],
  from: ["now", "2026-12-05 09:00"],
  sizeBytes: [1_000],
  // Whoever has somebody else's may act for them.
  password: [named("own", "password")],
  invitationCode: [named("own", "invitationCode")],
};

/** Of fields that exclude each other, the first stays. A schema does not say that they do. */
const EXCLUDES: readonly (readonly [stays: string, goes: readonly string[]])[] = [
  ["contentId", ["project", "text", "thread", "media", "language"]],
  ["text", ["thread"]],
  ["publishAt", ["scheduledAt"]],
  ["intervalSeconds", ["cron", "timeZone"]],
];

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
const isRecord = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Puts names and sensible texts in place of random ones. @param pick - one of so many */
function makeLikely(value: Json, pick: (count: number) => number, field = "", parent = ""): Json {
  if (isList(value)) {
    const likely = value.slice(0, 3).map((one) => JSON.stringify(makeLikely(one, pick, field, parent)));
    // Most lists take each entry once, and long ones have limits of their own.
    return [...new Set(likely)].map((one) => JSON.parse(one) as Json);
  }
  if (isRecord(value)) {
    const goes = EXCLUDES.flatMap(([stays, others]) => (stays in value ? others : []));
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => !goes.includes(key))
        .map(([key, inner]) => [key, makeLikely(inner, pick, key, field)]),
    );
  }
  if (typeof value !== "string" && typeof value !== "number") return value;
  const thing = field === "id" && parent === "media" ? "mediaId" : NAMING[field];
  // Mostly one's own: else nearly everything would end at a name.
  if (thing !== undefined) return named(WHOSE[Math.max(0, pick(8) - 5)] ?? "own", thing);
  const taken = TAKEN[field];
  return taken?.[pick(taken.length)] ?? value;
}

const placesOf = (value: Json, place: Place = []): readonly Place[] => [
  place,
  ...(isList(value)
    ? value.flatMap((one, index) => placesOf(one, [...place, index]))
    : isRecord(value)
      ? Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...place, key]))
      : []),
];

function changeAt(value: Json, [key, ...rest]: Place, change: (value: Json) => Json | undefined): Json {
  if (key === undefined) return change(value) ?? null;
  if (isList(value))
    return value.flatMap((one, index) => {
      if (index !== key) return [one];
      const next = rest.length > 0 ? changeAt(one, rest, change) : change(one);
      return next === undefined ? [] : [next];
    });
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      if (name !== key) return [[name, inner]];
      const next = rest.length > 0 ? changeAt(inner, rest, change) : change(inner);
      return next === undefined ? [] : [[name, next]];
    }),
  );
}

/** In place of what JSON.stringify cannot write. */
const RAW = "⟨raw⟩";
const MAX_SEED = 2 ** 31 - 1;
const SURROGATE = "\ud800";

interface Break {
  readonly what: string;
  /** `undefined` takes the place away. */
  readonly change: (value: Json) => Json | undefined;
  /** Written in place of RAW, as it is. */
  readonly raw?: string;
}

const deep = (depth: number): string => `${'{"a":['.repeat(depth)}${"]}".repeat(depth)}`;
const extraIn = (value: Json, extra: { readonly [key: string]: Json }): Json =>
  isRecord(value) ? { ...value, ...extra } : isList(value) ? [...value, extra] : extra;

const BREAKS: readonly Break[] = [
  { what: "another type", change: (value) => (typeof value === "string" ? 7 : "7") },
  { what: "an object", change: () => ({}) },
  { what: "a list", change: (value) => [value] },
  { what: "missing", change: () => undefined },
  { what: "an extra field", change: (value) => extraIn(value, { extra: 1 }) },
  {
    what: "a field called constructor",
    change: (value) => extraIn(value, { constructor: { prototype: 1 } }),
  },
  { what: "null", change: () => null },
  { what: "empty", change: (value) => (isList(value) ? [] : isRecord(value) ? {} : "") },
  { what: "huge", change: () => Number.MAX_VALUE },
  { what: "negative", change: () => -1 },
  { what: "a fraction", change: () => 0.1 },
  { what: "beyond numbers", change: () => RAW, raw: "1e999" },
  { what: "NaN as text", change: () => "NaN" },
  { what: "NaN", change: () => RAW, raw: "NaN" },
  { what: "deep", change: () => RAW, raw: deep(3_000) },
  { what: "an own __proto__", change: () => RAW, raw: '{"__proto__":{"admin":true}}' },
  { what: "half a character", change: (value) => `${typeof value === "string" ? value : ""}${SURROGATE}` },
  { what: "a character of control", change: (value) => `${typeof value === "string" ? value : ""}\u0000` },
  { what: "long", change: () => "x".repeat(30_000) },
  { what: "many", change: (value) => Array.from({ length: 300 }, () => value) },
];

/** Whole bodies that no place is broken in: there is none. */
const BROKEN_BODIES = ["", "{", "null", "[]", '""', "\u0000", "{}{}", `"${SURROGATE}"`] as const;

const aPick = fc.array(fc.nat(), { minLength: 12, maxLength: 12 }).map((numbers) => {
  let at = 0;
  return (count: number) => (numbers[at++ % numbers.length] ?? 0) % count;
});

/** A part of a request as the document describes it, or not. Absent: there is no such part to break. */
interface Part<T> {
  readonly valid: fc.Arbitrary<T>;
  readonly broken?: fc.Arbitrary<T>;
}

function resolveRef(schema: JsonSchema, components: unknown): { readonly properties?: object } {
  const { $ref } = schema as { readonly $ref?: string };
  if ($ref === undefined) return schema as { readonly properties?: object };
  const [, , kind = "", name = ""] = $ref.split("/");
  return (components as Record<string, Record<string, object>>)[kind]?.[name] ?? {};
}

/** @param components - what `$ref`s of the schema point at */
function bodyOf(operation: DescribedOperation, components: unknown): Part<string | undefined> {
  const content = operation.requestBody?.content["application/json"];
  // Ignored, where the document has none.
  if (!content?.schema) return { valid: fc.constant(undefined), broken: fc.constantFrom(...BROKEN_BODIES) };
  const schema = { ...(content.schema as object), components } as JsonSchema;
  const generated = fc
    .integer({ min: 1, max: MAX_SEED })
    .map((seed) => generateSync(schema, { seed, optionalsProbability: 0.4, maxDefaultItems: 3 }) as Json);
  const examples = Object.values(content.examples ?? {}).map(({ value }) => value as Json);
  const base = examples.length > 0 ? fc.oneof(generated, fc.constantFrom(...examples)) : generated;
  const fields = resolveRef(schema, components).properties ?? {};
  const likely = fc.tuple(base, aPick).map(([value, pick]) =>
    // The project that is meant when none is named is not everybody's.
    makeLikely("project" in fields && isRecord(value) ? { project: "", ...value } : value, pick),
  );
  const valid = fc.oneof({ weight: 1, arbitrary: generated }, { weight: 3, arbitrary: likely });
  const broken = fc.tuple(valid, fc.nat(), fc.constantFrom(...BREAKS)).map(([value, at, { change, raw }]) => {
    const places = placesOf(value);
    const text = JSON.stringify(changeAt(value, places[at % places.length] ?? [], change));
    return raw === undefined ? text : text.replace(`"${RAW}"`, () => raw);
  });
  return {
    valid: valid.map((value) => JSON.stringify(value)),
    broken: fc.oneof(
      { weight: 9, arbitrary: broken },
      { weight: 1, arbitrary: fc.constantFrom(...BROKEN_BODIES) },
    ),
  };
}

const BROKEN_TEXTS = [
  "",
  "NaN",
  "-1",
  "1e999",
  "0",
  "99999999999999999999",
  "null",
  "[]",
  "x".repeat(3_000),
  SURROGATE,
  "\u0000",
  "%00",
  "%",
  "' OR 1=1",
  "#",
];
const brokenText = fc.oneof(fc.constantFrom(...BROKEN_TEXTS), fc.string({ unit: "binary", maxLength: 20 }));

function queryOf(operation: DescribedOperation): Part<Readonly<Record<string, string>>> {
  const parameters = (operation.parameters ?? []).filter((one) => one.in === "query");
  const values = Object.fromEntries(
    parameters.map(({ name, schema }) => {
      const thing = NAMING[name];
      const cursor = `cursor of ${operation.operationId}`;
      const valid =
        thing !== undefined
          ? fc.constantFrom("own", "own", ...WHOSE).map((whose) => named(whose, thing))
          : name === "cursor"
            ? fc.constantFrom(
                named("own", cursor),
                named("foreign", cursor),
                `${named("own", cursor)}x`,
                named("own", `cut ${cursor}`),
                named("foreign", `cut ${cursor}`),
              )
            : TAKEN[name]
              ? fc.constantFrom(...TAKEN[name]).map(String)
              : fc
                  .integer({ min: 1, max: MAX_SEED })
                  .map((seed) => String(generateSync(schema ?? true, { seed })));
      return [name, valid] as const;
    }),
  );
  const required = parameters.flatMap((one) => (one.required ? [one.name] : []));
  const { cursor, ...filters } = values;
  const filtered = fc.record(filters, { requiredKeys: required }) as fc.Arbitrary<Record<string, string>>;
  // With no filters: a cursor is of the same list.
  const valid = cursor
    ? fc.oneof({ weight: 2, arbitrary: filtered }, { weight: 1, arbitrary: fc.record({ cursor }) })
    : filtered;
  const names = [...parameters.map(({ name }) => name), "extra", "__proto__", ""];
  const broken = fc
    .tuple(valid, fc.constantFrom(...names), brokenText)
    .map(([query, name, text]) => Object.fromEntries([...Object.entries(query), [name, text]]));
  return { valid, broken };
}

/** @param thing - what the parameter names */
const brokenSegments = (thing: string): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constantFrom(
      "%",
      "%00",
      "%2e%2e",
      "..",
      "%2F",
      "%ff",
      "%F0%9F%92%A9",
      "__proto__",
      "constructor",
      "x".repeat(2_000),
      `${named("own", thing)}%20`,
      `${named("foreign", thing)}%2F`,
      `..%2F${named("foreign", thing)}`,
      SURROGATE,
    ),
    fc.webSegment({ size: "small" }),
  );

/** @param notFound - which kind of thing the parameters of the path are, e.g. `task-not-found` */
function pathOf({ path }: DescribedOperation, notFound: string): Part<string> {
  const parts = path.split("/").map((segment): Part<string> => {
    const parameter = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (parameter === undefined) return { valid: fc.constant(segment) };
    const thing = `${notFound}:${parameter}`;
    return {
      valid: fc.oneof(
        { weight: 5, arbitrary: fc.constant(named("own", thing)) },
        { weight: 3, arbitrary: fc.constant(named("foreign", thing)) },
        { weight: 1, arbitrary: fc.constant(named("unknown", thing)) },
      ),
      broken: brokenSegments(thing),
    };
  });
  const join = (segments: readonly fc.Arbitrary<string>[]) =>
    fc.tuple(...segments).map((written) => written.join("/"));
  return {
    valid: join(parts.map(({ valid }) => valid)),
    ...(parts.some(({ broken }) => broken) && {
      broken: join(parts.map(({ valid, broken }) => broken ?? valid)),
    }),
  };
}

type Headers = Readonly<Record<string, string>>;

// Few keys, so that some come again: with the same body, or with another.
const HEADERS: Part<Headers> = {
  valid: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    {
      weight: 1,
      arbitrary: fc.record({
        "idempotency-key": fc.constantFrom("one", "two", "01KAQ5Y8W6S4Q2P0N8M6K4H2F0"),
      }),
    },
    { weight: 1, arbitrary: fc.record({ "if-match": fc.constantFrom('"1"', '"2"', '"999"') }) },
  ),
  broken: fc
    .tuple(
      fc.constantFrom("idempotency-key", "if-match", "content-type", "accept-encoding", "if-none-match"),
      fc.oneof(
        fc.constantFrom(
          "*",
          '"',
          "W/",
          '""',
          'W/"1"',
          '"1", "2"',
          "1",
          '"1e9"',
          "text/plain",
          "x".repeat(9_000),
        ),
        brokenText,
      ),
    )
    .map(([name, value]) => ({ [name]: value })),
};

/**
 * Requests for an operation: half of them fit the document, the others are broken in one place.
 *
 * @param components - of the document
 * @param notFound - which kind of thing the parameters of the path are, e.g. `task-not-found`
 */
export function requestsFor(
  operation: DescribedOperation,
  components: unknown,
  notFound: string,
): fc.Arbitrary<GeneratedRequest> {
  const parts = {
    path: pathOf(operation, notFound),
    query: queryOf(operation),
    headers: HEADERS,
    body: bodyOf(operation, components),
  };
  /** @param part - what is broken of them */
  const request = (part?: keyof typeof parts): fc.Arbitrary<GeneratedRequest> => {
    const choose = <T>(name: keyof typeof parts, { valid, broken = valid }: Part<T>) =>
      name === part ? broken : valid;
    return fc
      .record({
        path: choose("path", parts.path),
        query: choose("query", parts.query),
        headers: choose("headers", parts.headers),
        body: choose("body", parts.body),
      })
      .map(({ body, ...rest }) => ({
        operationId: operation.operationId,
        method: operation.method,
        ...rest,
        ...(body !== undefined && { body }),
      }));
  };
  const weights = {
    path: parts.path.broken ? 1 : 0,
    query: operation.parameters?.some((one) => one.in === "query") ? 2 : 1,
    headers: 1,
    body: operation.requestBody ? 3 : 1,
  };
  const broken = (Object.keys(parts) as (keyof typeof parts)[]).map((part) => ({
    weight: weights[part],
    arbitrary: request(part),
  }));
  return fc.oneof(request(), fc.oneof(...broken));
}

/** What somebody has, by what it is: `project`, `task-not-found:id`. */
export type Things = Readonly<Record<string, string>>;

/** What a name stands for: one's own, the other's, or what would be the same if anybody had it. */
export const namesOf =
  (own: Things, foreign: Things) =>
  (whose: Whose, thing: string): string => {
    const found = (whose === "own" ? own : foreign)[thing];
    if (found === undefined) throw new Error(`Say in the test what ${whose} ${thing} is.`);
    return whose === "unknown" ? `${found.slice(0, -1)}${found.endsWith("0") ? "1" : "0"}` : found;
  };
