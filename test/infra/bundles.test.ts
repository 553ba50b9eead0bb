import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bundle, bundleFunctions } from "#infra/bundling.ts";
import { FUNCTION_NAMES, functionNamed, type Synthesis, synthesize } from "./synthesis.ts";

/** What Lambda itself sets. Nothing of the machine that runs this test reaches the function. */
const LAMBDA_VARIABLES = {
  AWS_REGION: "eu-west-1",
  AWS_ACCESS_KEY_ID: "key",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_SESSION_TOKEN: "token",
  AWS_LAMBDA_FUNCTION_NAME: "function",
  LAMBDA_TASK_ROOT: "/var/task",
  TZ: ":UTC",
};

/** A cold start reads the whole file: about 1 ms for each 10 kB on the smallest functions. */
const LARGEST_BUNDLE_BYTES = 1_200_000;
/**
 * What takes posts in plans them and reads recurrences, with a library each. The intake looks into media besides, and the
 * API signs uploads and knows every route; no post waits for either: the queue does for one, a person for the other.
 */
const LARGEST_INTAKE_BYTES = 1_500_000;
const INTAKES = ["accept-drop", "serve-api"];
/** The API about itself, read when somebody asks. */
const BESIDE: Readonly<Record<string, readonly string[]>> = { "serve-api": ["docs.html", "openapi.json"] };

/** Loads a module as Lambda does, and says what it exports, or why not: a trace would quote the whole bundle. */
const LOADER = `
  const { handler } = await import(process.argv[1]).catch((error) => {
    console.error(String(error));
    process.exit(1);
  });
  console.log(JSON.stringify({ type: typeof handler, parameters: handler?.length, node: process.versions.node }));
`;

const run = promisify(execFile);
const load = (file: string, environment: Record<string, string>) =>
  run(process.execPath, ["--input-type=module", "--eval", LOADER, pathToFileURL(file).href], {
    env: environment,
  });

let directory: string;
let bundles: ReadonlyMap<string, Bundle>;
const synthesis = synthesize();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "punctual-bundles-"));
  bundles = new Map((await bundleFunctions(directory)).map((bundle) => [bundle.name, bundle]));
});

afterAll(() => rmSync(directory, { recursive: true }));

const bundleOf = (name: string): Bundle => {
  const bundle = bundles.get(name);
  if (bundle === undefined) throw new Error(`functions/${name}/index.ts does not exist`);
  return bundle;
};

describe.each(FUNCTION_NAMES)("bundle of %s", (name) => {
  it("loads in Node 24 with nothing but the template's environment, silently", async () => {
    const { stdout, stderr } = await load(bundleOf(name).file, environmentOf(synthesis, name));
    expect(JSON.parse(stdout)).toMatchObject({ type: "function", node: expect.stringMatching(/^24\./) });
    expect(stderr).toBe("");
  });

  it("has a handler without a callback, which Node 24 no longer calls", async () => {
    const { stdout } = await load(bundleOf(name).file, environmentOf(synthesis, name));
    expect(JSON.parse(stdout)).toMatchObject({ parameters: expect.toSatisfy((count: number) => count <= 2) });
  });

  it("does not load without a variable, and names it", async () => {
    const { TABLE_NAME: _, ...incomplete } = environmentOf(synthesis, name);
    await expect(load(bundleOf(name).file, incomplete)).rejects.toThrow(
      "wrong or missing environment variables: TABLE_NAME",
    );
  });

  it("stays under the size that a cold start can afford", () => {
    expect(statSync(bundleOf(name).file).size).toBeLessThan(
      INTAKES.includes(name) ? LARGEST_INTAKE_BYTES : LARGEST_BUNDLE_BYTES,
    );
  });

  it("holds the module, its source map, what it reads, and nothing else", () => {
    const files = ["index.mjs", "index.mjs.map", ...(BESIDE[name] ?? [])];
    expect(readdirSync(dirname(bundleOf(name).file)).toSorted()).toEqual(files.toSorted());
  });
});

describe("bundles", () => {
  it("are made of every function that is deployed, and of nothing else", () => {
    expect([...bundles.keys()].sort()).toEqual([...FUNCTION_NAMES]);
  });

  it("have the same bytes wherever they are made, so that an asset changes with its content only", async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "punctual-bundles-again-"));
    try {
      for (const { name, file } of await bundleFunctions(elsewhere)) {
        expect(digest(file)).toBe(digest(bundleOf(name).file));
        expect(digest(`${file}.map`)).toBe(digest(`${bundleOf(name).file}.map`));
      }
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it("are not written again when nothing changed", async () => {
    const before = [...bundles.values()].map(({ file }) => statSync(file).mtimeMs);
    await bundleFunctions(directory);
    expect([...bundles.values()].map(({ file }) => statSync(file).mtimeMs)).toEqual(before);
  });

  it("bring their own SDK", () => {
    for (const { inputs } of bundles.values()) {
      expect(Object.keys(inputs).some((source) => source.includes("@aws-sdk/"))).toBe(true);
    }
  });

  it("hold no infrastructure and no tests", () => {
    for (const { inputs } of bundles.values()) {
      const own = Object.keys(inputs).filter((source) => !source.includes("node_modules/"));
      expect(own.filter((source) => !/^(functions|shared)\//.test(source))).toEqual([]);
    }
  });

  it("keep the publisher free of all that only uploads need", () => {
    const sources = Object.keys(bundleOf("publish-post").inputs);
    expect(sources.filter((source) => /mediabunny|image-size|file-type|client-s3\//.test(source))).toEqual(
      [],
    );
  });
});

const digest = (file: string): string =>
  createHash("sha256").update(basename(file)).update(readFileSync(file)).digest("hex");

/** The variables of a function as AWS would resolve them. */
function environmentOf(template: Synthesis, name: (typeof FUNCTION_NAMES)[number]): Record<string, string> {
  const resolved = Object.entries(functionNamed(template, name).variables).map(([variable, value]) => [
    variable,
    resolve(template, value),
  ]);
  return { ...LAMBDA_VARIABLES, ...Object.fromEntries(resolved) };
}

function resolve({ service, resources }: Synthesis, value: unknown): string {
  if (typeof value === "string") return value;
  const {
    Ref,
    "Fn::GetAtt": getAtt,
    "Fn::ImportValue": imported,
  } = value as {
    Ref?: string;
    "Fn::GetAtt"?: readonly [string, string];
    "Fn::ImportValue"?: string;
  };
  if (imported !== undefined) return imported.replaceAll(":", "-");
  if (getAtt !== undefined) return `arn:aws:service:eu-west-1:123456789012:${getAtt[0]}`;
  if (Ref === undefined) throw new Error(`cannot resolve ${JSON.stringify(value)}`);
  const parameter = service.Parameters?.[Ref];
  if (parameter !== undefined) return String(parameter["Default"]);
  return resources[Ref]?.Type === "AWS::SQS::Queue"
    ? `https://sqs.eu-west-1.amazonaws.com/123456789012/${Ref}`
    : Ref;
}
