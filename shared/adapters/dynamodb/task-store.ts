import { type DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { newGate } from "#shared/domain/gate.ts";
import { asAccountId, asJobId, asTaskId, type TaskId } from "#shared/domain/ids.ts";
import { newBoard } from "#shared/domain/planning/board.ts";
import type { Content, Task } from "#shared/domain/task.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { DueRef, Page, TaskQuery, TaskStore, Together, WriteRefusal } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { readItems } from "./batch-items.ts";
import { putIf, type TransactItem, transactIf, versionedPut } from "./conditional-write.ts";
import {
  availablePartition,
  fromBoard,
  fromClaim,
  fromContent,
  fromDrop,
  fromFeatures,
  fromGate,
  fromLogEntry,
  fromTask,
  type Item,
  keys,
  SCHEMA_VERSION,
  statusPartitions,
  toBoard,
  toContent,
  toFeatures,
  toGate,
  toHolder,
  toLogEntry,
  toTask,
  wakePartition,
} from "./items.ts";

export interface DynamoTaskStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/** Tasks in the one table. Access patterns: by id; lists by owner, project, account and status; what is due by `wake`. */
export function createDynamoTaskStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoTaskStoreOptions): TaskStore {
  const table = { documents, tableName, clock, entropy };
  const read = async (key: { readonly pk: string; readonly sk: string }): Promise<Item | undefined> =>
    (await documents.send(new GetCommand({ TableName: tableName, Key: key, ConsistentRead: true }))).Item;

  const getGate: TaskStore["getGate"] = async (accountId) => {
    const item = await read(keys.gate(accountId));
    return item ? toGate(item) : newGate(accountId);
  };

  async function write(task: Task, together: Together): Promise<Result<void, WriteRefusal>> {
    const { content, log, features, gate, adopt, drop, board, claims = [] } = together;
    const writeId = entropy.newId();
    const taskPut = versionedPut(tableName, fromTask(task, writeId), task.version);
    const others: {
      readonly what: "drop" | "gate" | "adopt" | "board" | "claim" | "plain";
      readonly item: TransactItem;
    }[] = [];
    if (drop)
      others.push({
        what: "drop",
        item: { Put: versionedPut(tableName, fromDrop(drop, writeId), drop.version) },
      });
    if (gate)
      others.push({
        what: "gate",
        item: { Put: versionedPut(tableName, fromGate(gate, writeId), gate.version) },
      });
    if (board)
      others.push({
        what: "board",
        item: { Put: versionedPut(tableName, fromBoard(board, writeId), board.version) },
      });
    for (const claim of claims)
      others.push({
        what: "claim",
        item: {
          Put: {
            TableName: tableName,
            Item: fromClaim(claim, task.id),
            ConditionExpression: "attribute_not_exists(pk) OR taskId IN (:mine, :replaced) OR #until < :now",
            ExpressionAttributeNames: { "#until": "until" },
            ExpressionAttributeValues: {
              ":mine": task.id,
              ":replaced": claim.replaces ?? task.id,
              ":now": clock.now().toISOString(),
            },
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          },
        },
      });
    if (adopt)
      others.push({
        what: "adopt",
        item: {
          Put: {
            TableName: tableName,
            Item: {
              ...keys.adopted(adopt.accountId, adopt.postId),
              entity: "posted-id",
              schemaVersion: SCHEMA_VERSION,
              taskId: task.id,
            },
            ConditionExpression: "attribute_not_exists(pk)",
          },
        },
      });
    for (const item of [
      content && fromContent(content),
      log && fromLogEntry(task.id, log),
      features && fromFeatures(task.id, features),
    ])
      if (item) others.push({ what: "plain", item: { Put: { TableName: tableName, Item: item } } });

    if (others.length === 0) {
      const put = await putIf(documents, taskPut, writeId);
      return put.ok ? ok(undefined) : err({ reason: "stale" });
    }
    const written = await transactIf(
      documents,
      [
        { Put: { ...taskPut, ReturnValuesOnConditionCheckFailure: "ALL_OLD" } },
        ...others.map(({ item }) => item),
      ],
      {
        entropy,
        writeId,
        pause: (ms) => clock.sleepUntil(new Date(clock.now().getTime() + ms)),
      },
    );
    if (written.ok) return ok(undefined);
    const { failed, old } = written.error;
    const refused = new Map(failed.map((place) => [place === 0 ? "task" : others[place - 1]?.what, place]));
    if (refused.has("task") || refused.has("drop")) return err({ reason: "stale" });
    if (refused.has("adopt")) return err({ reason: "post-taken" });
    if (refused.has("gate")) return err({ reason: "gate-stale" });
    const claimPlace = refused.get("claim");
    if (claimPlace === undefined) return err({ reason: "board-stale" });
    const [key, by] = [old(claimPlace, "key"), old(claimPlace, "taskId")];
    if (key === undefined || by === undefined) throw new RangeError("a claim of an unknown shape");
    return err({ reason: "claimed", key, by: asTaskId(by) });
  }

  async function listPartition(
    index: string,
    [pkName, pk]: readonly [name: string, value: string],
    skName: string,
    { limit, after }: TaskQuery,
    range: SlotRange = {},
  ): Promise<Page<Task>> {
    const { Items = [], LastEvaluatedKey } = await documents.send(
      new QueryCommand({
        TableName: tableName,
        IndexName: index,
        ...inPartition([pkName, pk], skName, range),
        Limit: limit,
        // A sort key `<slot>#<id>` names its item, so it is all that a cursor needs.
        ...(after !== undefined && {
          ExclusiveStartKey: { ...keys.task(idOfSlotKey(after)), [pkName]: pk, [skName]: after },
        }),
      }),
    );
    const next = LastEvaluatedKey?.[skName];
    return { items: Items.map(toTask), ...(typeof next === "string" && { next }) };
  }

  return {
    getGate,

    async getGates(accountIds) {
      const items = await readItems(table, accountIds.map(keys.gate));
      const gates = new Map(items.map(toGate).map((gate) => [gate.accountId, gate]));
      return accountIds.map((id) => gates.get(id) ?? newGate(id));
    },

    async get(id) {
      const item = await read(keys.task(id));
      return item && toTask(item);
    },

    async getBoard(accountId) {
      const item = await read(keys.board(accountId));
      return item ? toBoard(item) : newBoard(accountId);
    },

    async getClaim(key) {
      const item = await read(keys.claim(key));
      return item && toHolder(item, clock.now());
    },

    async getContent(ref): Promise<Content | undefined> {
      const item = await read(keys.content(ref));
      return item && toContent(item);
    },

    async getContents(refs) {
      const items = await readItems(table, refs.map(keys.content));
      return new Map(items.map(toContent).map((content) => [content.taskId, content]));
    },

    async getFeatures(id) {
      const item = await read(keys.features(id));
      return item && toFeatures(item);
    },

    async getLog(id) {
      const { Items = [] } = await documents.send(
        new QueryCommand({
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: "pk = :pk AND begins_with(sk, :log)",
          // DynamoDB deletes expired items within days, not at once.
          FilterExpression: "expiresAt > :now",
          ExpressionAttributeValues: {
            ":pk": keys.task(id).pk,
            ":log": "LOG#",
            ":now": Math.floor(clock.now().getTime() / 1_000),
          },
        }),
      );
      return Items.map(toLogEntry);
    },

    create: (task, content, together = {}) => write(task, { ...together, content }),

    save: (next, together = {}) => write(next, together),

    async listAvailable(ownerId, now, limit) {
      const { Items = [] } = await documents.send(
        new QueryCommand({
          TableName: tableName,
          IndexName: "byOwner",
          KeyConditionExpression: "ownerPk = :pk AND ownerSk <= :now",
          ExpressionAttributeValues: { ":pk": availablePartition(ownerId), ":now": `${now.toISOString()}~` },
          Limit: limit,
        }),
      );
      return Items.map((item) => toGate(item).accountId);
    },

    async addLog(id, entry) {
      await documents.send(new PutCommand({ TableName: tableName, Item: fromLogEntry(id, entry) }));
    },

    async list(query) {
      switch (query.by) {
        case "owner":
          return listPartition("byOwner", ["ownerPk", `OWNER#${query.ownerId}`], "ownerSk", query);
        case "project": {
          const pk = `PROJECT#${query.projectId}#${query.status}`;
          return listPartition("byProject", ["projectPk", pk], "projectSk", query);
        }
        case "account":
          return listPartition(
            "byAccount",
            ["accountPk", `ACCOUNT#${query.accountId}`],
            "accountSk",
            query,
            query,
          );
        case "status": {
          const pages = await Promise.all(
            statusPartitions(query.status).map((pk) =>
              listPartition("byStatus", ["statusPk", pk], "statusSk", query),
            ),
          );
          const keyed = pages
            .flatMap(({ items }) => items)
            .map((task) => ({ task, order: `${task.slotAt.toISOString()}#${task.id}` }))
            .toSorted((a, b) => (a.order < b.order ? -1 : 1));
          const items = keyed.slice(0, query.limit);
          const more = keyed.length > query.limit || pages.some(({ next }) => next !== undefined);
          const last = items.at(-1);
          return { items: items.map(({ task }) => task), ...(more && last && { next: last.order }) };
        }
      }
    },

    async listDue(shard, now, limit) {
      const { Items = [] } = await documents.send(
        new QueryCommand({
          TableName: tableName,
          IndexName: "wake",
          KeyConditionExpression: "wakePk = :pk AND wakeSk <= :now",
          // `~` sorts after every kind, so that the very instant is included.
          ExpressionAttributeValues: { ":pk": wakePartition(shard), ":now": `${now.toISOString()}~` },
          Limit: limit,
        }),
      );
      return Items.map((item) => toDueRef(String(item["wakeSk"])));
    },
  };
}

interface SlotRange {
  readonly from?: Date;
  readonly until?: Date;
}

/** All of a partition, or the slots of a range: sort keys begin with the slot, and `until` is not included. */
function inPartition(
  [pkName, pk]: readonly [name: string, value: string],
  skName: string,
  { from, until }: SlotRange,
) {
  if (!from && !until)
    return {
      KeyConditionExpression: "#pk = :pk",
      ExpressionAttributeNames: { "#pk": pkName },
      ExpressionAttributeValues: { ":pk": pk },
    };
  return {
    KeyConditionExpression: "#pk = :pk AND #sk BETWEEN :from AND :until",
    ExpressionAttributeNames: { "#pk": pkName, "#sk": skName },
    ExpressionAttributeValues: {
      ":pk": pk,
      ":from": from?.toISOString() ?? "0",
      ":until": until?.toISOString() ?? "~",
    },
  };
}

const idOfSlotKey = (key: string): TaskId => asTaskId(key.slice(key.indexOf("#") + 1));

function toDueRef(wakeSk: string): DueRef {
  const [, at, kind, id] = /^([^#]+)#(task|drop|account|run|job)#(.+)$/s.exec(wakeSk) ?? [];
  if (!at || !id) throw new RangeError("the wake index holds a key of an unknown shape");
  const wakeAt = new Date(at);
  switch (kind) {
    case "task":
      return { kind, id: asTaskId(id), wakeAt };
    case "account":
      return { kind, id: asAccountId(id), wakeAt };
    case "run":
      return { kind, id, wakeAt };
    case "job":
      return { kind, id: asJobId(id), wakeAt };
    default: {
      const slash = id.indexOf("/");
      return { kind: "drop", project: id.slice(0, slash), base: id.slice(slash + 1), wakeAt };
    }
  }
}
