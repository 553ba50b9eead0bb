import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PunctualApp } from "#infra/app.ts";
import { isRecord } from "#infra/local/template/intrinsics.ts";
import { FUNCTION_NAMES } from "#test/infra/synthesis.ts";

type Json = Record<string, unknown>;
interface Template {
  Resources: Record<string, { Type: string; Properties: Json }>;
}

/**
 * Stands in for every bundle: reports each event, and makes the signed AWS call that the event asks for, with nothing
 * but what Lambda gives to a function.
 */
const probe = `
export const handler = async (event, context) => {
  console.log(JSON.stringify({ probe: event }));
  if (event.type === "REQUEST") return { isAuthorized: true };
  const asked = event.Records ? JSON.parse(event.Records[0].body ?? "{}") : event;
  const call = asked.call;
  const { AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, AWS_REGION } = process.env;
  if (call) {
    const scope = [AWS_ACCESS_KEY_ID, "20260101", AWS_REGION, call.service, "aws4_request"].join("/");
    const response = await fetch(AWS_ENDPOINT_URL + (call.path ?? "/"), {
      method: call.method ?? "POST",
      headers: {
        authorization: "AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host, Signature=0",
        "content-type": "application/x-amz-json-1.0",
        ...(call.target && { "x-amz-target": call.target }),
      },
      ...(call.body && { body: JSON.stringify(call.body) }),
    });
    const text = await response.text();
    console.log(JSON.stringify({ status: response.status, text }));
    if (!response.ok) throw new Error(text);
  }
  return event.Records ? { batchItemFailures: [] } : { ok: true };
};
`;

export interface SynthesizedApp extends Disposable {
  readonly directory: string;
  /** A copy of the assembly with a change in its templates; removed with the original. */
  altered(change: (resources: Template["Resources"]) => void): string;
  /** A copy whose every logical id is another one. */
  renamed(): string;
}

/** The very app that is deployed, with a probe for each function. */
export function synthesizeApp(): SynthesizedApp {
  const root = mkdtempSync(join(tmpdir(), "punctual-app-"));
  const directory = join(root, "cdk.out");
  for (const name of FUNCTION_NAMES) {
    mkdirSync(join(root, "bundles", name), { recursive: true });
    writeFileSync(join(root, "bundles", name, "index.mjs"), probe);
  }
  const app = new PunctualApp({ outdir: directory, bundleDirectory: join(root, "bundles") });
  app.synth();
  const files = [app.data.templateFile, app.service.templateFile];
  let copies = 0;
  const copy = (change: (template: Template) => unknown): string => {
    copies += 1;
    const target = join(root, `copy-${copies}`);
    cpSync(directory, target, { recursive: true });
    for (const file of files) {
      const template = JSON.parse(readFileSync(join(directory, file), "utf8")) as Template;
      const changed = change(template) ?? template;
      writeFileSync(join(target, file), JSON.stringify(changed));
    }
    return target;
  };
  return {
    directory,
    altered: (change) => copy(({ Resources }) => change(Resources)),
    renamed: () => copy(renameLogicalIds),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

function renameLogicalIds(template: Template): unknown {
  const names = new Map(Object.keys(template.Resources).map((id, index) => [id, `R${index}${id.length}X`]));
  const other = (id: unknown): unknown => (typeof id === "string" ? (names.get(id) ?? id) : id);
  const rename = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      return value.map(rename);
    }
    if (!isRecord(value)) {
      return value;
    }
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => {
        if (key === "Ref") {
          return [key, other(entry)];
        }
        if (key === "Fn::GetAtt" && Array.isArray(entry)) {
          return [key, [other(entry[0]), ...entry.slice(1)]];
        }
        if (key === "Fn::Sub" && typeof entry === "string") {
          return [key, entry.replaceAll(/\$\{(\w+)/g, (_match, id: string) => `\${${String(other(id))}`)];
        }
        if (key === "DependsOn") {
          return [key, [entry].flat().map(other)];
        }
        return [key, rename(entry)];
      }),
    );
  };
  const resources = Object.entries(template.Resources).map(([id, resource]) => [other(id), rename(resource)]);
  return { ...(rename(template) as Json), Resources: Object.fromEntries(resources) };
}
