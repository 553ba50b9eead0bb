/** Conditional writes whose answer may be lost: the one place that knows DynamoDB's exceptions. */
import { ConditionalCheckFailedException, TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import {
  type DynamoDBDocumentClient,
  PutCommand,
  type PutCommandInput,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from "@aws-sdk/lib-dynamodb";
import { DependencyFault } from "#shared/errors.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { err, ok, type Result } from "#shared/result.ts";

/** A conflict says nothing about our conditions, so it is repeated; more often than this means something is stuck. */
const MAX_CONFLICTS = 12;
const CONFLICT_BASE_MS = 20;
const CONFLICT_CAP_MS = 500;

export type TransactItem = NonNullable<TransactWriteCommandInput["TransactItems"]>[number];

/** The raw old item, as DynamoDB attaches it to a failed condition that asked for it. */
type RawItem = Record<string, { readonly S?: string | undefined }> | undefined;

const isOurs = (old: RawItem, writeId: string): boolean => old?.["writeId"]?.S === writeId;

/** Replaces the item whose version is one less; version 1 must not exist yet. */
export const versionedPut = (tableName: string, item: Record<string, unknown>, version: number) => ({
  TableName: tableName,
  Item: item,
  ...(version === 1
    ? { ConditionExpression: "attribute_not_exists(pk)" }
    : {
        ConditionExpression: "#version = :seen",
        ExpressionAttributeNames: { "#version": "version" },
        ExpressionAttributeValues: { ":seen": version - 1 },
      }),
});

/**
 * Puts an item on a condition.
 *
 * The SDK repeats a request whose answer was lost; the repeat then fails its own condition although the first one
 * won. The stored `writeId` tells.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate
 */
export async function putIf(
  documents: DynamoDBDocumentClient,
  input: PutCommandInput,
  writeId: string,
): Promise<Result<void, { readonly reason: "condition-failed" }>> {
  try {
    await documents.send(new PutCommand({ ...input, ReturnValuesOnConditionCheckFailure: "ALL_OLD" }));
    return ok(undefined);
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return isOurs(error.Item as RawItem, writeId) ? ok(undefined) : err({ reason: "condition-failed" });
  }
}

export interface TransactOptions {
  readonly entropy: Entropy;
  /** Waits between repeats after a conflict. */
  readonly pause: (ms: number) => Promise<void>;
  readonly writeId: string;
}

export interface FailedConditions {
  /** Places of the items, from 0. */
  readonly failed: readonly number[];
  /** A text attribute of the item that was in the way at a place, if its put asked for it. */
  readonly old: (place: number, attribute: string) => string | undefined;
}

/**
 * Writes all items or none.
 *
 * @returns which conditions failed
 * @throws DependencyFault when the transaction was cancelled for anything but a condition, repeats included
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
 */
export async function transactIf(
  documents: DynamoDBDocumentClient,
  items: readonly TransactItem[],
  { entropy, pause, writeId }: TransactOptions,
): Promise<Result<void, FailedConditions>> {
  for (let conflicts = 0; ; conflicts++) {
    try {
      await documents.send(new TransactWriteCommand({ TransactItems: [...items] }));
      return ok(undefined);
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const reasons = error.CancellationReasons ?? [];
      const failed = reasons.flatMap(({ Code }, place) => (Code === "ConditionalCheckFailed" ? [place] : []));
      const oldItem = (place: number) => reasons[place]?.Item as RawItem;
      if (failed.some((place) => isOurs(oldItem(place), writeId))) return ok(undefined);
      if (failed.length > 0)
        return err({ failed, old: (place, attribute) => oldItem(place)?.[attribute]?.S });
      const codes = [...new Set(reasons.map(({ Code }) => Code).filter((code) => code && code !== "None"))];
      const onlyConflicts = codes.length > 0 && codes.every((code) => code === "TransactionConflict");
      if (!onlyConflicts || conflicts >= MAX_CONFLICTS)
        throw new DependencyFault(`the table cancelled a transaction: ${codes.join(", ")}`, {
          cause: error,
          details: { codes, conflicts },
        });
      const limit = Math.min(CONFLICT_CAP_MS, CONFLICT_BASE_MS * 2 ** conflicts);
      await pause(Math.ceil(entropy.random() * limit));
    }
  }
}
