/** The OpenAPI document as a judge of answers. */
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

interface Answer {
  readonly headers?: Readonly<Record<string, { readonly required?: boolean }>>;
  readonly content?: Readonly<Record<string, unknown>>;
}

export interface Operation {
  readonly operationId: string;
  readonly method: string;
  /** Below the server's address, with `{names}`. */
  readonly path: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly example?: string;
  }[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: Readonly<
      Record<string, { readonly examples?: Readonly<Record<string, { readonly value: unknown }>> }>
    >;
  };
  readonly responses: Readonly<Record<string, Answer>>;
}

interface Document {
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const JSON_TYPES = new Set(["application/json", "application/problem+json"]);
const FILE = new URL("../../docs/openapi.json", import.meta.url);
const pointer = (...keys: readonly string[]): string =>
  keys.map((key) => `/${encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("");

export function readOpenApi() {
  const document = JSON.parse(readFileSync(FILE, "utf8")) as Document;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addFormat("ulid", /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  ajv.addSchema(document, "openapi.json");
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]): Operation => ({ ...operation, path, method: method.toUpperCase() }),
    ),
  );

  /** What of an answer is not as the document says. */
  function faults(
    { path, method, responses }: Operation,
    answer: { readonly status: number; readonly headers: Headers; readonly text: string },
  ): readonly string[] {
    const status = String(answer.status);
    const known = responses[status];
    if (!known) return [`the status ${status} is not documented: ${answer.text}`];
    const missing = Object.entries(known.headers ?? {}).flatMap(([name, { required }]) =>
      required && !answer.headers.has(name) ? [`the header ${name} is missing`] : [],
    );
    if (!known.content) return answer.text === "" ? missing : [...missing, "it has a body"];
    const [type = ""] = (answer.headers.get("content-type") ?? "").split(";");
    if (!(type in known.content)) return [...missing, `the type ${type} is not documented`];
    if (!JSON_TYPES.has(type)) return missing;
    const place = pointer(
      "paths",
      path,
      method.toLowerCase(),
      "responses",
      status,
      "content",
      type,
      "schema",
    );
    const check = ajv.getSchema(`openapi.json#${place}`);
    if (!check) return [`there is no schema at ${place}`];
    const isValid = check(JSON.parse(answer.text));
    const wrong = (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
    return isValid ? missing : [...missing, ...wrong, answer.text];
  }

  return { base: document.servers[0]?.url ?? "", operations, faults };
}
