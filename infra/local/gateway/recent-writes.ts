import type { Assembly } from "../template/assembly.ts";
import { isObject, records, text } from "./rights.ts";

type Body = Readonly<Record<string, unknown>>;

/** Remembers which items were just written, so that an index query can be answered as if they had not arrived yet. */
export interface RecentWrites {
  note(operation: string, body: Body, now: number): void;
  /** The answer of an index query without the items written after `since`. */
  hide(body: Body, answer: Body, since: number): Body;
}

export function createRecentWrites(assembly: Assembly): RecentWrites {
  const keyNames = new Map(
    assembly
      .ofType("AWS::DynamoDB::Table")
      .map((table) => [
        table.physicalId,
        records(table.properties["KeySchema"]).map((part) => text(part["AttributeName"])),
      ]),
  );
  const writtenAt = new Map<string, number>();
  const identify = (table: unknown, item: unknown): string =>
    JSON.stringify([
      table,
      (keyNames.get(text(table)) ?? []).map((name) => (isObject(item) ? item[name] : undefined)),
    ]);

  const note = (operation: string, body: Body, now: number): void => {
    if (operation === "TransactWriteItems") {
      for (const [kind, request] of records(body["TransactItems"]).flatMap(Object.entries)) {
        if (isObject(request) && kind !== "ConditionCheck") {
          note("UpdateItem", request, now);
        }
      }
    } else if (operation === "PutItem" || operation === "UpdateItem" || operation === "DeleteItem") {
      writtenAt.set(identify(body["TableName"], body["Item"] ?? body["Key"]), now);
    }
  };

  return {
    note,
    hide: (body, answer, since) => {
      const items = records(answer["Items"]);
      const kept = items.filter((item) => (writtenAt.get(identify(body["TableName"], item)) ?? 0) <= since);
      const count = typeof answer["Count"] === "number" ? answer["Count"] : items.length;
      return { ...answer, Items: kept, Count: count - (items.length - kept.length) };
    },
  };
}
