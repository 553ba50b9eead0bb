import { type DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { CircuitStore, StoredCircuit } from "#shared/ports/circuit-store.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { err, ok } from "#shared/result.ts";
import { putIf, versionedPut } from "./conditional-write.ts";
import { SCHEMA_VERSION } from "./items.ts";

export interface DynamoCircuitStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly entropy: Pick<Entropy, "newId">;
}

const KEY = { pk: "CIRCUIT#x", sk: "CIRCUIT" };
const instant = z.iso.datetime().transform((iso) => new Date(iso));
const circuitItem = z.object({
  failures: z.int().nonnegative(),
  openUntil: instant.exactOptional(),
  probeUntil: instant.exactOptional(),
  version: z.int().positive(),
});

/** The circuit of X as a whole, one item. It is written when X fails or recovers, and read before every post. */
export function createDynamoCircuitStore({
  documents,
  tableName,
  entropy,
}: DynamoCircuitStoreOptions): CircuitStore {
  return {
    async get(): Promise<StoredCircuit> {
      const { Item } = await documents.send(
        new GetCommand({ TableName: tableName, Key: KEY, ConsistentRead: true }),
      );
      return Item ? circuitItem.parse(Item) : { failures: 0, version: 0 };
    },

    async save({ failures, openUntil, probeUntil, version }) {
      const writeId = entropy.newId();
      const item = {
        ...KEY,
        entity: "circuit",
        schemaVersion: SCHEMA_VERSION,
        failures,
        ...(openUntil && { openUntil: openUntil.toISOString() }),
        ...(probeUntil && { probeUntil: probeUntil.toISOString() }),
        version,
        writeId,
      };
      const saved = await putIf(documents, versionedPut(tableName, item, version), writeId);
      return saved.ok ? ok(undefined) : err({ reason: "stale" });
    },
  };
}
