import { join } from "node:path";
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
  type Shard,
} from "@aws-sdk/client-dynamodb-streams";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { type Invocation, ThrottledFault } from "../lambda/runtime.ts";
import { gatewayClient, isAccessDenied, sqsClient } from "../services/clients.ts";
import { pause } from "../services/delay.ts";
import { WiringFault } from "../services/wiring-fault.ts";
import { failedRecords } from "./batch-answer.ts";
import { createCheckpoints } from "./checkpoints.ts";
import type { StreamMappingSettings } from "./mapping-settings.ts";
import type { MappingDeps, RunningMapping } from "./queue-mapping.ts";
import { type LambdaStreamRecord, toStreamRecord } from "./stream-records.ts";

export interface StreamMappingDeps extends MappingDeps {
  /**
   * Folder for the checkpoints.
   *
   * @default - none: every start reads from the template's starting position
   */
  readonly stateDir?: string;
  /**
   * Pause between two reads of a shard that had nothing new. AWS reads four times a second.
   *
   * @default 100
   */
  readonly pollMs?: number;
  /**
   * First pause before a batch is tried again; doubles up to a minute.
   *
   * @default 1_000
   */
  readonly retryMs?: number;
}

/** Rights on the stream itself; Lambda refuses to create a mapping whose role lacks one of them. */
const NEEDED = ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"] as const;
/** New shards appear when old ones close: about every four hours. */
const DISCOVER_MS = 5_000;
const FAULT_PAUSE_MS = 2_000;
const MAX_RETRY_PAUSE_MS = 60_000;

const errorName = (error: unknown): string => (error instanceof Error ? error.name : "");

/**
 * Reads a table's stream in the name of the function's role and hands batches to the function, shard by shard, in
 * order: a batch that fails holds its shard up until it succeeds, is split, or is given up to the failure destination.
 *
 * @throws WiringFault before anything is read, when the role lacks a right that the mapping needs.
 */
export async function startStreamMapping(
  settings: StreamMappingSettings,
  deps: StreamMappingDeps,
): Promise<RunningMapping> {
  const { assembly, access, runtime, gatewayUrl, onFault, pollMs = 100, retryMs = 1_000 } = deps;
  const { logicalId, lambda, table, streamArn, batchSize, windowMs, filters, partialFailures } = settings;
  const refused = (action: string, problem: string, cause?: unknown) =>
    new WiringFault(
      logicalId,
      action,
      `the role of ${lambda.logicalId} may not use it for ${table.logicalId}: ${problem}`,
      cause === undefined ? {} : { cause },
    );

  const needed: { action: string; resource: string }[] = NEEDED.map((action) => ({
    action,
    resource: streamArn,
  }));
  if (settings.onFailure) needed.push({ action: "sqs:SendMessage", resource: settings.onFailure.arn });
  for (const { action, resource } of needed) {
    const decision = await access.check({ principal: { function: lambda.logicalId }, action, resource });
    if (!decision.allowed) throw refused(action, decision.message);
  }

  const identity = { gatewayUrl, region: assembly.region, caller: lambda.logicalId };
  const streams = new DynamoDBStreamsClient(gatewayClient(identity));
  const queues = sqsClient(identity);
  const closing = new AbortController();
  const { signal } = closing;
  const file = deps.stateDir === undefined ? undefined : join(deps.stateDir, "streams", `${logicalId}.json`);
  const checkpoints = createCheckpoints(file);
  const reading = new Map<string, Promise<void>>();

  async function describe(): Promise<readonly Shard[]> {
    const shards: Shard[] = [];
    let ExclusiveStartShardId: string | undefined;
    do {
      const command = new DescribeStreamCommand({ StreamArn: streamArn, ExclusiveStartShardId });
      const { StreamDescription } = await streams.send(command, { abortSignal: signal });
      shards.push(...(StreamDescription?.Shards ?? []));
      ExclusiveStartShardId = StreamDescription?.LastEvaluatedShardId;
    } while (ExclusiveStartShardId !== undefined);
    return shards;
  }

  async function iteratorOf(ShardId: string): Promise<string | undefined> {
    const after = checkpoints.get(ShardId)?.sequenceNumber;
    const ask = async (from: {
      ShardIteratorType: "TRIM_HORIZON" | "LATEST" | "AFTER_SEQUENCE_NUMBER";
      SequenceNumber?: string;
    }) =>
      (
        await streams.send(new GetShardIteratorCommand({ StreamArn: streamArn, ShardId, ...from }), {
          abortSignal: signal,
        })
      ).ShardIterator;
    if (after === undefined) return ask({ ShardIteratorType: settings.startingPosition });
    try {
      return await ask({ ShardIteratorType: "AFTER_SEQUENCE_NUMBER", SequenceNumber: after });
    } catch (error) {
      if (errorName(error) !== "TrimmedDataAccessException") throw error;
      return ask({ ShardIteratorType: "TRIM_HORIZON" });
    }
  }

  /** @see https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html */
  async function giveUp(
    shardId: string,
    records: readonly LambdaStreamRecord[],
    condition: "RetryAttemptsExhausted" | "RecordAgeExceeded",
    outcome: Invocation | undefined,
    tries: number,
  ): Promise<void> {
    if (!settings.onFailure) return;
    const arrivals = records.map(({ dynamodb }) => dynamodb.ApproximateCreationDateTime * 1_000);
    const MessageBody = JSON.stringify({
      requestContext: {
        requestId: outcome?.requestId,
        functionArn: lambda.arn,
        condition,
        approximateInvokeCount: tries,
      },
      responseContext: {
        statusCode: 200,
        executedVersion: "$LATEST",
        ...(outcome?.ok === false && { functionError: "Unhandled" }),
      },
      version: "1.0",
      timestamp: new Date().toISOString(),
      DDBStreamBatchInfo: {
        shardId,
        startSequenceNumber: records[0]?.dynamodb.SequenceNumber,
        endSequenceNumber: records.at(-1)?.dynamodb.SequenceNumber,
        approximateArrivalOfFirstRecord: new Date(Math.min(...arrivals)).toISOString(),
        approximateArrivalOfLastRecord: new Date(Math.max(...arrivals)).toISOString(),
        batchSize: records.length,
        streamArn,
      },
    });
    try {
      await queues.send(new SendMessageCommand({ QueueUrl: settings.onFailure.physicalId, MessageBody }));
    } catch (error) {
      onFault(
        isAccessDenied(error)
          ? refused("sqs:SendMessage", error.message, error)
          : new Error(`${logicalId}: a failed batch could not be sent to ${settings.onFailure.logicalId}`, {
              cause: error,
            }),
      );
    }
  }

  const tooOld = (records: readonly LambdaStreamRecord[]): boolean =>
    settings.maxRecordAgeMs !== undefined &&
    records.some(
      ({ dynamodb }) =>
        Date.now() - dynamodb.ApproximateCreationDateTime * 1_000 > (settings.maxRecordAgeMs ?? 0),
    );

  /** Resolves true when every record is done with or given up; false when the mapping closes before. */
  async function deliver(shardId: string, all: readonly LambdaStreamRecord[]): Promise<boolean> {
    let records = all;
    let tries = 0;
    for (;;) {
      if (signal.aborted) return false;
      let outcome: Invocation;
      try {
        outcome = await runtime.invoke(lambda.logicalId, { Records: records });
      } catch (error) {
        if (signal.aborted) return false;
        if (!(error instanceof ThrottledFault)) throw error;
        await pause(retryMs, signal);
        continue;
      }
      tries += 1;
      const ids = records.map(({ dynamodb }) => dynamodb.SequenceNumber);
      const failed = failedRecords(outcome, ids, partialFailures);
      if (failed.size === 0) return true;
      // A thread killed by the stop of the cloud is no failure of the batch: the next start delivers it again.
      if (signal.aborted) return false;

      // Everything before the first failure is done with: streams keep their order.
      const firstFailed = ids.findIndex((id) => failed.has(id));
      if (firstFailed > 0) {
        const last = ids[firstFailed - 1];
        checkpoints.set(shardId, { sequenceNumber: last, finished: false });
        records = records.slice(firstFailed);
        tries = 0;
      } else if (settings.bisect && records.length > 1) {
        const middle = Math.ceil(records.length / 2);
        const halves = [records.slice(0, middle), records.slice(middle)];
        for (const half of halves) if (!(await deliver(shardId, half))) return false;
        return true;
      }
      const exhausted = settings.maxRetries !== undefined && tries > settings.maxRetries;
      if (exhausted || tooOld(records)) {
        await giveUp(
          shardId,
          records,
          exhausted ? "RetryAttemptsExhausted" : "RecordAgeExceeded",
          outcome,
          tries,
        );
        checkpoints.set(shardId, {
          sequenceNumber: records.at(-1)?.dynamodb.SequenceNumber,
          finished: false,
        });
        return true;
      }
      if (tries > 0) await pause(Math.min(retryMs * 2 ** (tries - 1), MAX_RETRY_PAUSE_MS), signal);
    }
  }

  async function readShard(shardId: string): Promise<void> {
    let iterator = await iteratorOf(shardId);
    while (!signal.aborted) {
      if (iterator === undefined) {
        checkpoints.set(shardId, {
          sequenceNumber: checkpoints.get(shardId)?.sequenceNumber,
          finished: true,
        });
        return;
      }
      const batch: LambdaStreamRecord[] = [];
      let lastRead: string | undefined;
      const closesAt = Date.now() + windowMs;
      do {
        const command = new GetRecordsCommand({ ShardIterator: iterator, Limit: batchSize - batch.length });
        const answer: GetRecordsCommandOutput = await streams.send(command, { abortSignal: signal });
        const records = (answer.Records ?? []).map((record) =>
          toStreamRecord(record, streamArn, assembly.region),
        );
        lastRead = records.at(-1)?.dynamodb.SequenceNumber ?? lastRead;
        batch.push(
          ...records.filter((record) => filters.length === 0 || filters.some((matches) => matches(record))),
        );
        iterator = answer.NextShardIterator;
        if (records.length === 0 && iterator !== undefined) await pause(pollMs, signal);
      } while (
        iterator !== undefined &&
        batch.length < batchSize &&
        Date.now() < closesAt &&
        !signal.aborted
      );

      if (batch.length > 0 && !(await deliver(shardId, batch))) return;
      if (lastRead !== undefined) checkpoints.set(shardId, { sequenceNumber: lastRead, finished: false });
    }
  }

  /** Reads a shard until it ends, whatever happens on the way; an iterator that expired is asked for again. */
  async function keepReading(shardId: string): Promise<void> {
    let told = "";
    while (!signal.aborted && !checkpoints.get(shardId)?.finished) {
      try {
        await readShard(shardId);
      } catch (error) {
        if (signal.aborted) return;
        if (errorName(error) === "ExpiredIteratorException") continue;
        if (errorName(error) !== told) onFault(faultOf(error));
        told = errorName(error);
        await pause(FAULT_PAUSE_MS, signal);
      }
    }
  }

  function faultOf(error: unknown): Error {
    if (!isAccessDenied(error)) return new Error(`${logicalId}: its stream cannot be read`, { cause: error });
    const action = /dynamodb:\w+/.exec(error.message)?.[0] ?? "dynamodb:GetRecords";
    return refused(action, error.message, error);
  }

  /** A shard is read after its parent, so that the changes of one item keep their order. */
  function startShards(shards: readonly Shard[]): void {
    const ids = shards.map(({ ShardId = "" }) => ShardId);
    checkpoints.keep(ids);
    for (const { ShardId = "", ParentShardId } of shards) {
      const parentOpen =
        ParentShardId !== undefined &&
        ids.includes(ParentShardId) &&
        !checkpoints.get(ParentShardId)?.finished;
      if (parentOpen || reading.has(ShardId) || checkpoints.get(ShardId)?.finished) continue;
      reading.set(
        ShardId,
        keepReading(ShardId).finally(() => reading.delete(ShardId)),
      );
    }
  }

  async function discover(): Promise<void> {
    while (!signal.aborted) {
      await pause(DISCOVER_MS, signal);
      if (signal.aborted) return;
      try {
        startShards(await describe());
      } catch (error) {
        if (!signal.aborted) onFault(faultOf(error));
      }
    }
  }

  let discovering = Promise.resolve();
  if (settings.enabled) {
    startShards(await describe());
    discovering = discover();
  }

  return {
    logicalId,
    async close() {
      closing.abort();
      await discovering;
      await Promise.all(reading.values());
      streams.destroy();
      queues.destroy();
    },
  };
}
