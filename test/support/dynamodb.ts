import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { App, Stack } from "aws-cdk-lib";
import { TaskTable } from "#infra/constructs/task-table.ts";
import { startDynamoDb } from "#infra/local/stores/dynamodb-process.ts";
import { createTables } from "#infra/local/stores/tables.ts";
import { loadAssembly } from "#infra/local/template/assembly.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";

export interface TestTable {
  readonly client: DynamoDBClient;
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  close(): Promise<void>;
}

/** DynamoDB Local in memory, with the very table that a deployment gets. */
export async function startTestTable(): Promise<TestTable> {
  const directory = await mkdtemp(join(tmpdir(), "punctual-table-"));
  try {
    const app = new App({ outdir: directory, analyticsReporting: false });
    new TaskTable(new Stack(app, "Test"), "Tasks");
    app.synth();
    const dynamoDb = await startDynamoDb();
    try {
      const endpoint = `http://127.0.0.1:${dynamoDb.port}`;
      const assembly = loadAssembly({ directory, parameters: {}, endpoint, apiEndpoint: endpoint });
      await createTables(assembly, endpoint);
      const client = new DynamoDBClient({
        ...AWS_CLIENT,
        endpoint,
        region: assembly.region,
        credentials: { accessKeyId: "test", secretAccessKey: "test" },
      });
      const [table] = assembly.ofType("AWS::DynamoDB::Table");
      if (!table) throw new RangeError("the stack has no table");
      return {
        client,
        documents: DynamoDBDocumentClient.from(client),
        tableName: table.physicalId,
        async close() {
          client.destroy();
          await dynamoDb.close();
        },
      };
    } catch (error) {
      await dynamoDb.close();
      throw error;
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
