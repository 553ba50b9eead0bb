import { existsSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { cfnNumber, notRun, readProperties } from "../services/properties.ts";
import type { Assembly, Resource } from "../template/assembly.ts";
import { TemplateFault } from "../template/fault.ts";

/** Everything that the runtime needs to know about one `AWS::Lambda::Function`. */
export interface FunctionSettings {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  /** Absolute path of the bundled file. */
  readonly entry: string;
  readonly exportName: string;
  readonly timeoutMs: number;
  /** Told to the function, but not enforced: threads share one process. */
  readonly memoryMb: number;
  readonly variables: Readonly<Record<string, string>>;
  readonly logGroup: string;
  /** Node options that a thread can have. */
  readonly execArgv: readonly string[];
  readonly heap: { readonly maxOldGenerationSizeMb?: number; readonly maxYoungGenerationSizeMb?: number };
  /** Undefined: takes part in what is left of the account's concurrency. */
  readonly reservedConcurrency: number | undefined;
  readonly asynchronous: AsynchronousSettings;
}

/** `AWS::Lambda::EventInvokeConfig`, or Lambda's defaults. */
export interface AsynchronousSettings {
  /** Tries after the first one. */
  readonly maxRetries: number;
  readonly maxAgeMs: number;
  /** ARN of a queue. */
  readonly onFailure: string | undefined;
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
const ASYNCHRONOUS_DEFAULTS: AsynchronousSettings = {
  maxRetries: 2,
  maxAgeMs: 6 * 60 * 60 * 1_000,
  onFailure: undefined,
};

/** Lambda refuses to create a function that sets one of these. `AWS_ENDPOINT_URL` is ours to set here. */
const RESERVED_VARIABLES =
  /^(_HANDLER|_X_AMZN_TRACE_ID|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR|AWS_LAMBDA_(?!EXEC_WRAPPER|LOG_).*|AWS_REGION|AWS_DEFAULT_REGION|AWS_EXECUTION_ENV|AWS_ACCESS_KEY.*|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|AWS_ENDPOINT_URL.*)$/;

const functionProperties = z.strictObject({
  Handler: z.string().regex(/^[^.]+(\.[^.]+)+$/, "expected file.export"),
  Runtime: z.string().regex(/^nodejs2[4-9]\.x$/, "only Node.js 24 and later run here"),
  PackageType: z.literal("Zip").optional(),
  Timeout: cfnNumber.default(3),
  MemorySize: cfnNumber.default(128),
  Environment: z.strictObject({ Variables: z.record(z.string(), z.string()).default({}) }).optional(),
  ReservedConcurrentExecutions: cfnNumber.optional(),
  LoggingConfig: z.looseObject({ LogGroup: z.string().optional() }).optional(),
  ...notRun(
    "Code",
    "Role",
    "Architectures",
    "Description",
    "FunctionName",
    "TracingConfig",
    "Tags",
    "RecursiveLoop",
    "RuntimeManagementConfig",
    "EphemeralStorage",
    "KmsKeyArn",
  ),
});

const eventInvokeProperties = z.strictObject({
  FunctionName: z.string(),
  Qualifier: z.literal("$LATEST"),
  MaximumRetryAttempts: cfnNumber.optional(),
  MaximumEventAgeInSeconds: cfnNumber.optional(),
  DestinationConfig: z
    .strictObject({
      OnFailure: z.strictObject({ Destination: z.string().startsWith("arn:aws:sqs:") }).optional(),
    })
    .optional(),
});

/** Old generation and semi-space are per thread in V8, so the template's heap bounds can be honoured. */
function readNodeOptions(resource: Resource, text: string) {
  const execArgv: string[] = [];
  const heap: { maxOldGenerationSizeMb?: number; maxYoungGenerationSizeMb?: number } = {};
  for (const option of text.split(/\s+/).filter(Boolean)) {
    const [name, value] = option.split("=", 2);
    if (name === "--enable-source-maps") execArgv.push(option);
    else if (name === "--max-old-space-size") heap.maxOldGenerationSizeMb = Number(value);
    // The young generation is three semi-spaces.
    else if (name === "--max-semi-space-size") heap.maxYoungGenerationSizeMb = 3 * Number(value);
    else
      throw new TemplateFault(resource.stack, resource.logicalId, `NODE_OPTIONS ${name} is not known here`);
  }
  return { execArgv, heap };
}

function readAsynchronous(assembly: Assembly, resource: Resource): AsynchronousSettings {
  for (const config of assembly.ofType("AWS::Lambda::EventInvokeConfig")) {
    const properties = readProperties(config, eventInvokeProperties);
    if (properties.FunctionName !== resource.physicalId && properties.FunctionName !== resource.arn) continue;
    const { MaximumRetryAttempts, MaximumEventAgeInSeconds, DestinationConfig } = properties;
    const onFailure = DestinationConfig?.OnFailure?.Destination;
    if (onFailure !== undefined && !assembly.byArn(onFailure)) {
      throw new TemplateFault(
        config.stack,
        config.logicalId,
        `its destination ${onFailure} is not in the template`,
      );
    }
    return {
      maxRetries: MaximumRetryAttempts ?? ASYNCHRONOUS_DEFAULTS.maxRetries,
      maxAgeMs:
        MaximumEventAgeInSeconds === undefined
          ? ASYNCHRONOUS_DEFAULTS.maxAgeMs
          : MaximumEventAgeInSeconds * 1_000,
      onFailure,
    };
  }
  return ASYNCHRONOUS_DEFAULTS;
}

/** @throws TemplateFault for anything that Lambda would refuse or that cannot be run here. */
export function readFunction(assembly: Assembly, resource: Resource): FunctionSettings {
  const properties = readProperties(resource, functionProperties);
  const fault = (problem: string) => new TemplateFault(resource.stack, resource.logicalId, problem);

  const variables = properties.Environment?.Variables ?? {};
  const reserved = Object.keys(variables).filter((name) => RESERVED_VARIABLES.test(name));
  if (reserved.length > 0) throw fault(`Lambda reserves the variables ${reserved.join(", ")}`);

  const folder = assembly.assetPath(resource);
  const dot = properties.Handler.indexOf(".");
  const file = properties.Handler.slice(0, dot);
  const entry = ["mjs", "js", "cjs"]
    .map((ending) => join(folder, `${file}.${ending}`))
    .find((path) => existsSync(path));
  if (!entry) throw fault(`its asset has no ${file}.mjs, ${file}.js or ${file}.cjs`);

  return {
    logicalId: resource.logicalId,
    name: resource.physicalId,
    arn: resource.arn,
    entry,
    exportName: properties.Handler.slice(dot + 1),
    timeoutMs: properties.Timeout * 1_000,
    memoryMb: properties.MemorySize,
    variables,
    logGroup: properties.LoggingConfig?.LogGroup ?? `/aws/lambda/${resource.physicalId}`,
    ...readNodeOptions(resource, variables["NODE_OPTIONS"] ?? ""),
    reservedConcurrency: properties.ReservedConcurrentExecutions,
    asynchronous: readAsynchronous(assembly, resource),
  };
}

/** Exactly what the function sees: the template's variables, what Lambda adds, and the gateway's address. */
export function environmentOf(
  settings: FunctionSettings,
  { region, gatewayUrl, logStream }: { region: string; gatewayUrl: string; logStream: string },
): Record<string, string> {
  return {
    ...settings.variables,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${process.versions.node.split(".")[0]}.x`,
    AWS_LAMBDA_FUNCTION_NAME: settings.name,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(settings.memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: settings.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: logStream,
    AWS_ACCESS_KEY_ID: settings.logicalId,
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_ENDPOINT_URL: gatewayUrl,
    LAMBDA_TASK_ROOT: join(settings.entry, ".."),
    _HANDLER: `index.${settings.exportName}`,
    TZ: ":UTC",
    LANG: "en_US.UTF-8",
    PATH: "/usr/local/bin:/usr/bin:/bin",
  };
}
