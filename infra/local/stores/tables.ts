import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  type KeySchemaElement,
  ResourceNotFoundException,
  type TableDescription,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import * as z from "zod";
import type { Assembly, Resource } from "../template/assembly.ts";
import { TemplateFault } from "../template/fault.ts";
import { direct } from "./clients.ts";
import { StoreFault } from "./fault.ts";

const keySchema = z.array(z.object({ AttributeName: z.string(), KeyType: z.enum(["HASH", "RANGE"]) }));
const indexSchema = z.object({
  IndexName: z.string(),
  KeySchema: keySchema,
  Projection: z.object({
    ProjectionType: z.enum(["ALL", "KEYS_ONLY", "INCLUDE"]),
    NonKeyAttributes: z.array(z.string()).optional(),
  }),
});

/** The properties that change how a table behaves here; throughput, backups and protection do not. */
const tableSchema = z.object({
  AttributeDefinitions: z.array(
    z.object({ AttributeName: z.string(), AttributeType: z.enum(["S", "N", "B"]) }),
  ),
  KeySchema: keySchema,
  GlobalSecondaryIndexes: z.array(indexSchema).default([]),
  LocalSecondaryIndexes: z.array(indexSchema).default([]),
  StreamSpecification: z
    .object({ StreamViewType: z.enum(["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]) })
    .optional(),
  TimeToLiveSpecification: z
    .object({ AttributeName: z.string().optional(), Enabled: z.union([z.boolean(), z.string()]) })
    .optional(),
});

type TableProperties = z.infer<typeof tableSchema>;

/**
 * Creates the template's tables; adds indexes that a kept table lacks.
 * @returns template's stream ARN → the stream's ARN in DynamoDB Local
 * @throws StoreFault when a kept table has other keys than the template
 */
export async function createTables(
  assembly: Assembly,
  endpoint: string,
): Promise<ReadonlyMap<string, string>> {
  const client = new DynamoDBClient(direct(assembly, endpoint));
  const streams = new Map<string, string>();
  try {
    for (const table of assembly.ofType("AWS::DynamoDB::Table")) {
      const parsed = tableSchema.safeParse(table.properties);
      if (!parsed.success) {
        throw new TemplateFault(table.stack, table.logicalId, z.prettifyError(parsed.error));
      }
      const description = await createTable(client, table, parsed.data);
      await enableTimeToLive(client, table, parsed.data);
      if (description.LatestStreamArn !== undefined) {
        streams.set(streamArnOf(table), description.LatestStreamArn);
      }
    }
    return streams;
  } finally {
    client.destroy();
  }
}

/** What `Fn::GetAtt <table>.StreamArn` answers. */
const streamArnOf = (table: Resource): string => `${table.arn}/stream/2026-01-01T00:00:00.000`;

async function createTable(
  client: DynamoDBClient,
  table: Resource,
  properties: TableProperties,
): Promise<TableDescription> {
  const { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, LocalSecondaryIndexes } = properties;
  const kept = await describe(client, table.physicalId);
  const stream = properties.StreamSpecification;
  if (kept === undefined) {
    const input: CreateTableCommandInput = {
      TableName: table.physicalId,
      AttributeDefinitions,
      KeySchema,
      BillingMode: "PAY_PER_REQUEST",
      ...(GlobalSecondaryIndexes.length > 0 && { GlobalSecondaryIndexes }),
      ...(LocalSecondaryIndexes.length > 0 && { LocalSecondaryIndexes }),
      ...(stream !== undefined && { StreamSpecification: { StreamEnabled: true, ...stream } }),
    };
    const created = await client.send(new CreateTableCommand(input));
    return created.TableDescription ?? {};
  }
  const keptIndexes = new Map(
    (kept.GlobalSecondaryIndexes ?? []).map((index) => [index.IndexName ?? "", index]),
  );
  const changed = GlobalSecondaryIndexes.filter(
    (index) =>
      keptIndexes.has(index.IndexName) &&
      !sameKeys(keptIndexes.get(index.IndexName)?.KeySchema, index.KeySchema),
  );
  const streamChanged = stream?.StreamViewType !== kept.StreamSpecification?.StreamViewType;
  if (!sameKeys(kept.KeySchema, KeySchema) || changed.length > 0 || streamChanged) {
    throw new StoreFault(
      "table-changed",
      `The kept table of ${table.stack}/${table.logicalId} no longer fits the template (keys, indexes or stream changed). Empty the local state with: npm run reset`,
    );
  }
  for (const index of GlobalSecondaryIndexes.filter(({ IndexName }) => !keptIndexes.has(IndexName))) {
    await client.send(
      new UpdateTableCommand({
        TableName: table.physicalId,
        AttributeDefinitions,
        GlobalSecondaryIndexUpdates: [{ Create: index }],
      }),
    );
  }
  return kept;
}

async function describe(client: DynamoDBClient, name: string): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName: name }))).Table;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) {
      return undefined;
    }
    throw error;
  }
}

function sameKeys(
  left: readonly KeySchemaElement[] | undefined,
  right: readonly KeySchemaElement[],
): boolean {
  const text = (keys: readonly KeySchemaElement[]): string =>
    keys.map(({ AttributeName, KeyType }) => `${KeyType} ${AttributeName}`).join();
  return left !== undefined && text(left) === text(right);
}

async function enableTimeToLive(
  client: DynamoDBClient,
  table: Resource,
  properties: TableProperties,
): Promise<void> {
  const wanted = properties.TimeToLiveSpecification;
  if (wanted?.AttributeName === undefined || String(wanted.Enabled) !== "true") {
    return;
  }
  const TableName = table.physicalId;
  const kept = await client.send(new DescribeTimeToLiveCommand({ TableName }));
  if (kept.TimeToLiveDescription?.TimeToLiveStatus !== "ENABLED") {
    await client.send(
      new UpdateTimeToLiveCommand({
        TableName,
        TimeToLiveSpecification: { AttributeName: wanted.AttributeName, Enabled: true },
      }),
    );
  }
}
