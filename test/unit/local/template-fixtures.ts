import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Assembly, type LoadOptions, loadAssembly } from "#infra/local/template/assembly.ts";

export type TemplateJson = Readonly<Record<string, unknown>>;

export interface WrittenAssembly extends Disposable {
  readonly directory: string;
}

/**
 * Writes hand-made templates as a cloud assembly.
 * @param stacks stack name → template, in deployment order
 * @param assets asset hash → files of the asset
 */
export function writeAssembly(
  stacks: Readonly<Record<string, TemplateJson>>,
  assets: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
): WrittenAssembly {
  const directory = mkdtempSync(join(tmpdir(), "punctual-assembly-"));
  const write = (name: string, content: unknown): void =>
    writeFileSync(join(directory, name), JSON.stringify(content));
  const artifacts: Record<string, unknown> = {};
  for (const [name, template] of Object.entries(stacks)) {
    write(`${name}.template.json`, template);
    artifacts[name] = {
      type: "aws:cloudformation:stack",
      properties: { templateFile: `${name}.template.json` },
    };
    artifacts[`${name}.assets`] = { type: "cdk:asset-manifest", properties: { file: `${name}.assets.json` } };
    const files = Object.keys(assets).map((hash) => [
      hash,
      { source: { path: `asset.${hash}`, packaging: "zip" }, destinations: {} },
    ]);
    write(`${name}.assets.json`, { version: "1", files: Object.fromEntries(files) });
  }
  write("manifest.json", { version: "1", artifacts });
  for (const [hash, files] of Object.entries(assets)) {
    mkdirSync(join(directory, `asset.${hash}`));
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(directory, `asset.${hash}`, name), content);
    }
  }
  return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Loads hand-made templates; nothing stays on disk. */
export function load(
  stacks: Readonly<Record<string, TemplateJson>>,
  options: Partial<Omit<LoadOptions, "directory">> = {},
): Assembly {
  using written = writeAssembly(stacks, { abc: {} });
  return loadAssembly({
    directory: written.directory,
    parameters: {},
    endpoint: "http://127.0.0.1:4552",
    apiEndpoint: "http://127.0.0.1:4550",
    ...options,
  });
}

/** One stack `Main` with these resources. */
export const loadResources = (Resources: TemplateJson, more: TemplateJson = {}): Assembly =>
  load({ Main: { Resources, ...more } });
