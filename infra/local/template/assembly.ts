import { resolve as resolvePath } from "node:path";
import { readStacks, type StackArtifact } from "./artifacts.ts";
import { TemplateFault } from "./fault.ts";
import { isRecord } from "./intrinsics.ts";
import type { Resource } from "./resource.ts";
import { type Siblings, StackReader } from "./stack-reader.ts";

export type { Resource } from "./resource.ts";

/** Every stack of one `cdk.out`, with all references between them resolved. */
export interface Assembly {
  readonly resources: readonly Resource[];
  readonly region: string;
  readonly accountId: string;
  /** Output key → value, of all stacks. */
  readonly outputs: Readonly<Record<string, string>>;
  ofType(type: string): readonly Resource[];
  byArn(arn: string): Resource | undefined;
  /** The one resource with this logical id; functions have one id over all stacks. */
  byLogicalId(logicalId: string): Resource | undefined;
  /** Absolute folder that holds the code of an `AWS::Lambda::Function`. */
  assetPath(lambda: Resource): string;
}

export interface LoadOptions {
  /** The synthesized cloud assembly (`cdk.out`). */
  readonly directory: string;
  /** Values for template parameters, as `cdk deploy --parameters Name=value` would pass them. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Gateway address without a trailing slash; queue URLs begin with it. */
  readonly endpoint: string;
  /** Address of the HTTP API without a trailing slash. */
  readonly apiEndpoint: string;
  /** @default "eu-central-1" */
  readonly region?: string;
  /** @default "000000000000" */
  readonly accountId?: string;
}

/**
 * Reads every stack of a cloud assembly, in the order of its manifest, and resolves all intrinsics. Names and ARNs are
 * made from stack and logical id alone, so they are known before anything runs and are the same at every start.
 *
 * @throws TemplateFault on an unknown resource type, attribute or intrinsic, on a parameter value that its declaration
 * refuses, and on a parameter that no stack declares.
 */
export function loadAssembly(options: LoadOptions): Assembly {
  const region = options.region ?? "eu-central-1";
  const accountId = options.accountId ?? "000000000000";
  const artifacts = readStacks(resolvePath(options.directory));
  for (const name of Object.keys(options.parameters)) {
    if (!artifacts.some((artifact) => artifact.template.Parameters[name] !== undefined)) {
      throw new TemplateFault("parameters", name, "a value was given for a parameter that no stack declares");
    }
  }
  const stacks = new Map<string, StackReader>();
  const siblings: Siblings = {
    stack: (name) => stacks.get(name),
    exported: (name) => {
      for (const stack of stacks.values()) {
        const value = stack.exported(name);
        if (value !== undefined) {
          return value;
        }
      }
      return undefined;
    },
  };
  for (const artifact of artifacts) {
    const { endpoint, apiEndpoint, parameters } = options;
    stacks.set(
      artifact.stack,
      new StackReader({ artifact, parameters, region, accountId, endpoint, apiEndpoint, siblings }),
    );
  }
  const readers = [...stacks.values()];
  const resources = readers.flatMap((stack) => stack.resources());
  refuseTwins(resources);
  const outputs = Object.assign({}, ...readers.map((stack) => stack.outputs())) as Record<string, string>;
  return {
    resources,
    region,
    accountId,
    outputs,
    ofType: (type) => resources.filter((resource) => resource.type === type),
    byArn: (arn) => resources.find((resource) => resource.arn !== "" && resource.arn === arn),
    byLogicalId: (logicalId) => resources.find((resource) => resource.logicalId === logicalId),
    assetPath: (lambda) => assetPath(artifacts, lambda),
  };
}

/** A function is known to the gateway by its logical id alone, so two stacks must not share one. */
function refuseTwins(resources: readonly Resource[]): void {
  const seen = new Map<string, Resource>();
  for (const resource of resources.filter(({ type }) => type === "AWS::Lambda::Function")) {
    const twin = seen.get(resource.logicalId);
    if (twin !== undefined) {
      throw new TemplateFault(
        resource.stack,
        resource.logicalId,
        `${twin.stack} has a function of the same logical id`,
      );
    }
    seen.set(resource.logicalId, resource);
  }
}

function assetPath(artifacts: readonly StackArtifact[], lambda: Resource): string {
  const code = lambda.properties["Code"];
  const s3Key = isRecord(code) ? code["S3Key"] : undefined;
  if (typeof s3Key !== "string") {
    throw new TemplateFault(
      lambda.stack,
      lambda.logicalId,
      "only code from an asset of the assembly can be run",
    );
  }
  const hash = s3Key.slice(s3Key.lastIndexOf("/") + 1).replace(/\.zip$/, "");
  const path = artifacts.find((artifact) => artifact.stack === lambda.stack)?.assets.get(hash);
  if (path === undefined) {
    throw new TemplateFault(lambda.stack, lambda.logicalId, `its asset ${hash} is not in the asset manifest`);
  }
  return path;
}
