import { isObject, type Place, type Right, records, text, UnknownCall } from "./rights.ts";

type Body = Readonly<Record<string, unknown>>;

const onOneTable = new Set([
  "DeleteItem",
  "DescribeTable",
  "DescribeTimeToLive",
  "GetItem",
  "PutItem",
  "UpdateItem",
]);

/** Transaction entry → IAM action; there is no action `TransactWriteItems`. */
const transactionActions: ReadonlyMap<string, string> = new Map([
  ["ConditionCheck", "ConditionCheckItem"],
  ["Delete", "DeleteItem"],
  ["Get", "GetItem"],
  ["Put", "PutItem"],
  ["Update", "UpdateItem"],
]);

const onStreams = new Set(["DescribeStream", "GetShardIterator"]);

/**
 * The rights that a DynamoDB or DynamoDB Streams call needs.
 * @throws UnknownCall
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
 */
export function dynamoDbRights(
  place: Place,
  operation: string,
  body: Body,
  streamOf: (localArn: string) => string,
): readonly Right[] {
  const tableArn = (name: unknown): string =>
    text(name).startsWith("arn:")
      ? text(name)
      : `arn:aws:dynamodb:${place.region}:${place.accountId}:table/${text(name)}`;
  const right = (action: string, resource: string): Right => ({ action: `dynamodb:${action}`, resource });

  if (onOneTable.has(operation)) {
    return [right(operation, tableArn(body["TableName"]))];
  }
  if (onStreams.has(operation)) {
    return [right(operation, text(body["StreamArn"]))];
  }
  switch (operation) {
    case "Query":
    case "Scan": {
      const table = tableArn(body["TableName"]);
      return [
        right(
          operation,
          body["IndexName"] === undefined ? table : `${table}/index/${text(body["IndexName"])}`,
        ),
      ];
    }
    case "BatchGetItem":
    case "BatchWriteItem":
      return Object.keys(isObject(body["RequestItems"]) ? body["RequestItems"] : {}).map((name) =>
        right(operation, tableArn(name)),
      );
    case "TransactGetItems":
    case "TransactWriteItems":
      return records(body["TransactItems"]).flatMap((item) =>
        Object.entries(item).map(([kind, request]) => {
          const action = transactionActions.get(kind);
          if (action === undefined) {
            throw new UnknownCall(`dynamodb:${operation} with ${kind}`);
          }
          return right(action, tableArn(isObject(request) ? request["TableName"] : ""));
        }),
      );
    case "ListStreams":
      return [right(operation, "*")];
    case "GetRecords":
      // The iterator is made of the shard's position, the stream and a cursor.
      return [
        right(operation, streamOf(/arn:aws:dynamodb:[^|]+/.exec(text(body["ShardIterator"]))?.[0] ?? "")),
      ];
    default:
      throw new UnknownCall(`dynamodb:${operation}`);
  }
}
