import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import type { Access, AccessRequest } from "#infra/local/iam/access.ts";
import type { Assembly, Resource } from "#infra/local/template/assembly.ts";

export const REGION = "eu-central-1";
export const ACCOUNT = "000000000000";

/** A temporary folder that is gone after `await using`. */
export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), "punctual-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Waits for a condition, never for a time. */
export async function until<Value>(
  what: string,
  probe: () => Value | undefined | false | Promise<Value | undefined | false>,
  withinMs = 15_000,
): Promise<Value> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export type PartialResource = Pick<Resource, "logicalId" | "type"> & Partial<Resource>;

export const arnOf = (service: string, resource: string): string =>
  `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;

/** An assembly without a template: what a test is about, and nothing else. */
export function assemblyOf(parts: readonly PartialResource[], assets: Record<string, string> = {}): Assembly {
  const resources = parts.map((part) => ({
    stack: "TestStack",
    properties: {},
    physicalId: part.logicalId,
    arn: "",
    ...part,
  }));
  return {
    resources,
    region: REGION,
    accountId: ACCOUNT,
    outputs: {},
    ofType: (type) => resources.filter((resource) => resource.type === type),
    byArn: (arn) => resources.find((resource) => resource.arn !== "" && resource.arn === arn),
    byLogicalId: (id) => resources.find(({ logicalId }) => logicalId === id),
    assetPath: ({ logicalId }) => {
      const path = assets[logicalId];
      if (path === undefined) throw new Error(`no asset for ${logicalId}`);
      return path;
    },
  };
}

export const aFunction = (logicalId: string, properties: Record<string, unknown> = {}): PartialResource => ({
  logicalId,
  type: "AWS::Lambda::Function",
  physicalId: `${logicalId}-name`,
  arn: arnOf("lambda", `function:${logicalId}-name`),
  properties: { Handler: "index.handler", Runtime: "nodejs24.x", Timeout: 10, ...properties },
});

export const aQueue = (
  logicalId: string,
  endpoint: string,
  name = `${logicalId}-queue`,
): PartialResource => ({
  logicalId,
  type: "AWS::SQS::Queue",
  physicalId: `${endpoint}/${ACCOUNT}/${name}`,
  arn: arnOf("sqs", name),
});

/** Bundles handlers as they are bundled for a deploy, one folder each; answers logical id → folder. */
export async function bundleHandlers(
  folder: string,
  sources: Record<string, string>,
): Promise<Record<string, string>> {
  const assets: Record<string, string> = {};
  for (const [logicalId, source] of Object.entries(sources)) {
    const target = join(folder, logicalId);
    await mkdir(target, { recursive: true });
    await writeFile(join(target, "source.ts"), source);
    await build({
      // The SDK of this repository, although the handler lies in a temporary folder.
      nodePaths: [join(process.cwd(), "node_modules")],
      entryPoints: [join(target, "source.ts")],
      outfile: join(target, "index.mjs"),
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node24",
      mainFields: ["module", "main"],
      sourcemap: true,
    });
    assets[logicalId] = target;
  }
  return assets;
}

/** Allows everything except what the test refuses; remembers what was asked. */
export function fakeAccess(refuse: (request: AccessRequest) => boolean = () => false) {
  const asked: AccessRequest[] = [];
  const access: Access = {
    async check(request) {
      asked.push(request);
      return refuse(request)
        ? { allowed: false, message: `no statement allows ${request.action}` }
        : { allowed: true };
    },
    used: () => [],
  };
  return { access, asked };
}
