import * as z from "zod";
import type { LambdaRuntime } from "../lambda/runtime.ts";
import type { FunctionSettings } from "../lambda/settings.ts";
import { cfnBoolean, cfnNumber, notRun, readProperties } from "../services/properties.ts";
import type { Assembly, Resource } from "../template/assembly.ts";
import { TemplateFault } from "../template/fault.ts";
import { compilePattern, type Matcher } from "./pattern.ts";

/** What both kinds of `AWS::Lambda::EventSourceMapping` have in common. */
interface MappingSettings {
  readonly logicalId: string;
  readonly lambda: FunctionSettings;
  readonly enabled: boolean;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly partialFailures: boolean;
}

export interface QueueMappingSettings extends MappingSettings {
  readonly kind: "queue";
  readonly queue: Resource;
  readonly maxConcurrency: number | undefined;
}

export interface StreamMappingSettings extends MappingSettings {
  readonly kind: "stream";
  readonly table: Resource;
  /** As the template knows it; the local database labels its stream differently. */
  readonly streamArn: string;
  readonly startingPosition: "TRIM_HORIZON" | "LATEST";
  /** A record passes when any of these matches; none: every record passes. */
  readonly filters: readonly Matcher[];
  readonly bisect: boolean;
  /** Undefined: until the record is gone. */
  readonly maxRetries: number | undefined;
  readonly maxRecordAgeMs: number | undefined;
  /** The queue for batches that keep failing. */
  readonly onFailure: Resource | undefined;
}

const common = {
  EventSourceArn: z.string().startsWith("arn:"),
  FunctionName: z.string(),
  Enabled: cfnBoolean.default(true),
  BatchSize: cfnNumber.optional(),
  MaximumBatchingWindowInSeconds: cfnNumber.default(0),
  FunctionResponseTypes: z.array(z.literal("ReportBatchItemFailures")).default([]),
  ...notRun("Tags", "MetricsConfig"),
};

const queueProperties = z.strictObject({
  ...common,
  ScalingConfig: z.strictObject({ MaximumConcurrency: cfnNumber.optional() }).optional(),
});

const streamProperties = z.strictObject({
  ...common,
  StartingPosition: z.enum(["TRIM_HORIZON", "LATEST"]),
  FilterCriteria: z.strictObject({ Filters: z.array(z.strictObject({ Pattern: z.string() })) }).optional(),
  BisectBatchOnFunctionError: cfnBoolean.default(false),
  MaximumRetryAttempts: cfnNumber.default(-1),
  MaximumRecordAgeInSeconds: cfnNumber.default(-1),
  ParallelizationFactor: cfnNumber.pipe(z.literal(1)).optional(),
  DestinationConfig: z
    .strictObject({
      OnFailure: z.strictObject({ Destination: z.string().startsWith("arn:aws:sqs:") }).optional(),
    })
    .optional(),
});

/** @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html */
const DEFAULT_BATCH = { queue: 10, stream: 100 } as const;

/**
 * Reads every event-source mapping of the template.
 *
 * @throws TemplateFault for a source, a function or a setting that cannot be run here.
 */
export function readMappings(
  assembly: Assembly,
  runtime: Pick<LambdaRuntime, "find">,
): readonly (QueueMappingSettings | StreamMappingSettings)[] {
  return assembly
    .ofType("AWS::Lambda::EventSourceMapping")
    .map((resource) => readMapping(assembly, runtime, resource));
}

function readMapping(
  assembly: Assembly,
  runtime: Pick<LambdaRuntime, "find">,
  resource: Resource,
): QueueMappingSettings | StreamMappingSettings {
  const fault = (problem: string) => new TemplateFault(resource.stack, resource.logicalId, problem);
  const existing = (arn: string): Resource => {
    const found = assembly.byArn(arn);
    if (!found) throw fault(`${arn} is not in the template`);
    return found;
  };
  const settle = ({ FunctionName, ...rest }: z.output<z.ZodObject<typeof common>>, defaultBatch: number) => {
    const lambda = runtime.find(FunctionName);
    if (!lambda) throw fault(`its function ${FunctionName} is not in the template`);
    return {
      logicalId: resource.logicalId,
      lambda,
      enabled: rest.Enabled,
      batchSize: rest.BatchSize ?? defaultBatch,
      windowMs: rest.MaximumBatchingWindowInSeconds * 1_000,
      partialFailures: rest.FunctionResponseTypes.length > 0,
    };
  };

  const source = String(resource.properties["EventSourceArn"]);
  if (source.startsWith("arn:aws:sqs:")) {
    const properties = readProperties(resource, queueProperties);
    return {
      kind: "queue",
      ...settle(properties, DEFAULT_BATCH.queue),
      queue: existing(source),
      maxConcurrency: properties.ScalingConfig?.MaximumConcurrency,
    };
  }
  const stream = /^(arn:aws:dynamodb:[^/]+:table\/[^/]+)\/stream\/.+$/.exec(source);
  if (!stream?.[1])
    throw fault(`cannot read events from ${source}: only SQS queues and DynamoDB streams run here`);

  const properties = readProperties(resource, streamProperties);
  const onFailure = properties.DestinationConfig?.OnFailure?.Destination;
  return {
    kind: "stream",
    ...settle(properties, DEFAULT_BATCH.stream),
    table: existing(stream[1]),
    streamArn: source,
    startingPosition: properties.StartingPosition,
    filters: (properties.FilterCriteria?.Filters ?? []).map(({ Pattern }) => {
      try {
        return compilePattern(JSON.parse(Pattern));
      } catch (error) {
        throw fault(`its filter cannot be run here: ${error instanceof Error ? error.message : error}`);
      }
    }),
    bisect: properties.BisectBatchOnFunctionError,
    maxRetries: properties.MaximumRetryAttempts < 0 ? undefined : properties.MaximumRetryAttempts,
    maxRecordAgeMs:
      properties.MaximumRecordAgeInSeconds < 0 ? undefined : properties.MaximumRecordAgeInSeconds * 1_000,
    onFailure: onFailure === undefined ? undefined : existing(onFailure),
  };
}
