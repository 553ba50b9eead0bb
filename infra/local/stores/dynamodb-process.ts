import { startSupervised } from "./supervised.ts";

/** DynamoDB Local alone, in memory, for what needs tables and no cloud around them. */
export interface DynamoDbProcess {
  readonly port: number;
  /** Resolves once the database is gone. It also ends when this process does. */
  close(): Promise<void>;
}

/** @throws StoreFault when Java is missing or older than 17, or the database does not come up within 30 s. */
export async function startDynamoDb(options: { readonly java?: string } = {}): Promise<DynamoDbProcess> {
  const { ports, close } = await startSupervised({ region: "eu-central-1", fauxqs: false, ...options });
  return { port: ports.dynamoDb, close };
}
