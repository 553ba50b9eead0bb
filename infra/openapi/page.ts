/** The OpenAPI document as one page for people: no script, no style sheet from elsewhere, readable without either. */
import type { OpenApiDocument } from "./document.ts";

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly description?: string;
  readonly default?: unknown;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
}

interface Content {
  readonly schema?: Schema;
  readonly examples?: Readonly<Record<string, { readonly value?: unknown; readonly $ref?: string }>>;
}

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, Content>> }>
  >;
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #2f6fdd }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 6rem }
h1 { margin: 0 } h2 { margin: 3rem 0 .5rem; border-bottom: 1px solid var(--line); text-transform: capitalize }
code, pre { font: 14px/1.45 ui-monospace, monospace } pre { background: var(--soft); padding: .75rem; overflow: auto; border-radius: 6px }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 1rem 0 } a { color: var(--accent) }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .4rem .75rem }
details[open] { padding-bottom: 1rem } summary { cursor: pointer } summary b { display: inline-block; min-width: 4.5rem }
summary span { opacity: .75; margin-left: .5rem } h3 { margin: 1.25rem 0 .25rem; font-size: 1rem }
.table { overflow-x: auto } table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line) }
`;

const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Paragraphs, and what is between backticks as code. */
const prose = (text: string): string =>
  text
    .split(/\n\n+/)
    .map((paragraph) => `<p>${escapeHtml(paragraph).replaceAll(/`([^`]+)`/g, "<code>$1</code>")}</p>`)
    .join("");

const inline = (text: string): string =>
  prose(text)
    .replaceAll(/<\/?p>/g, " ")
    .trim();

const json = (value: unknown): string => `<pre>${escapeHtml(JSON.stringify(value, undefined, 2))}</pre>`;

/** A schema in a few words: `text ≤ 280`, `list of object`, `"a" or "b"`. */
function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.split("/").at(-1) ?? "";
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" or ");
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return [...new Set(either.map(typeOf))].join(" or ");
  const type = [schema.type ?? "any"].flat().join(" or ");
  if (schema.items)
    return `list of ${typeOf(schema.items)}${schema.maxItems === undefined ? "" : `, at most ${schema.maxItems}`}`;
  const isRange =
    schema.minimum !== undefined && schema.maximum !== undefined && schema.maximum < Number.MAX_SAFE_INTEGER;
  return [
    schema.format ?? type,
    isRange ? `${schema.minimum} to ${schema.maximum}` : "",
    schema.maxLength === undefined ? "" : `at most ${schema.maxLength} characters`,
  ]
    .filter(Boolean)
    .join(", ");
}

type Row = readonly [name: string, type: string, note: string];

const table = (rows: readonly Row[]): string =>
  rows.length === 0
    ? ""
    : `<div class="table"><table>${rows
        .map(
          ([name, type, note]) =>
            `<tr><td><code>${escapeHtml(name)}</code></td><td>${escapeHtml(type)}</td><td>${inline(note)}</td></tr>`,
        )
        .join("")}</table></div>`;

/** Fields of an object, those of its objects and lists below it. */
function fieldsOf(schema: Schema, resolve: (schema: Schema) => Schema, prefix = ""): readonly Row[] {
  const { properties = {}, required = [] } = resolve(schema);
  return Object.entries(properties).flatMap(([name, field]): readonly Row[] => {
    const needed = required.includes(name) ? "required" : "";
    const usual = field.default === undefined ? "" : `default \`${JSON.stringify(field.default)}\``;
    const note = [needed, usual, field.description ?? ""].filter(Boolean).join(". ");
    const inner = field.items ? resolve(field.items) : resolve(field);
    const below = inner.properties && prefix.split(".").length < 3 ? inner : {};
    const path = `${prefix}${name}`;
    return [[path, typeOf(field), note], ...fieldsOf(below, resolve, `${path}${field.items ? "[]" : ""}.`)];
  });
}

function sectionOf(method: string, path: string, operation: Operation, resolve: (schema: Schema) => Schema) {
  const { operationId, summary, description, parameters = [], requestBody, responses } = operation;
  const parts = [prose(description)];
  if (parameters.length > 0)
    parts.push(
      "<h3>Parameters</h3>",
      table(
        parameters.map(({ name, in: place, required, description: note = "", schema }) => [
          name,
          `${place}, ${typeOf(schema)}`,
          [required ? "required" : "", note || (schema.description ?? "")].filter(Boolean).join(". "),
        ]),
      ),
    );
  const body = Object.values(requestBody?.content ?? {})[0];
  if (body) {
    parts.push("<h3>Body</h3>", table(fieldsOf(body.schema ?? {}, resolve)));
    for (const { value } of Object.values(body.examples ?? {})) parts.push(json(value));
  }
  for (const [status, { content = {} }] of Object.entries(responses).filter(([code]) => code < "300")) {
    const answer = Object.values(content)[0];
    parts.push(`<h3>Answer ${status}</h3>`, table(fieldsOf(answer?.schema ?? {}, resolve)));
    for (const { value } of Object.values(answer?.examples ?? {})) parts.push(json(value));
  }
  const problems = Object.entries(responses).filter(([code]) => code >= "400");
  parts.push(
    "<h3>Errors</h3>",
    table(problems.map(([status, { description: note }]) => [status, "", note.replaceAll("\n\n", " ")])),
  );
  return `<details id="${escapeHtml(operationId)}"><summary><b><code>${method.toUpperCase()}</code></b> <code>/api/v1${escapeHtml(path)}</code><span>${inline(summary)}</span></summary>${parts.join("")}</details>`;
}

/** @param document - as it is served, with references into its own components only */
export function createApiPage(document: OpenApiDocument): string {
  const { info, tags = [], paths = {}, components } = document;
  const schemas = (components?.schemas ?? {}) as Readonly<Record<string, Schema>>;
  const resolve = (schema: Schema): Schema =>
    schema.$ref === undefined ? schema : (schemas[schema.$ref.split("/").at(-1) ?? ""] ?? {});
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item as Readonly<Record<string, Operation>>).map(([method, operation]) => ({
      path,
      method,
      operation,
    })),
  );
  const sections = tags.map(({ name }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    return `<section><h2 id="${escapeHtml(name)}">${escapeHtml(name)}</h2>${own
      .map(({ method, path, operation }) => sectionOf(method, path, operation, resolve))
      .join("\n")}</section>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(info.title)} API</title><style>${STYLE}</style></head>
<body><header><h1>${escapeHtml(info.title)} API <small>${escapeHtml(info.version)}</small></h1>
${prose(info.description ?? "")}<p>For programs: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
<nav>${tags.map(({ name }) => `<a href="#${escapeHtml(name)}">${escapeHtml(name)}</a>`).join("")}</nav></header>
<main>${sections.join("\n")}</main></body></html>
`;
}
