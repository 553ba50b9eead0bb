import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, paginateQuery, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { Account } from "#shared/domain/account.ts";
import {
  type AccountId,
  asAccountId,
  asOwnerId,
  asProjectId,
  type OwnerId,
  type ProjectId,
} from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { err, ok } from "#shared/result.ts";
import { putIf, transactIf, versionedPut } from "./conditional-write.ts";
import { SCHEMA_VERSION, wakeKeys } from "./items.ts";

export interface DynamoAccountStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

const FOLDERS = "FOLDERS";

const accountKey = (id: AccountId) => ({ pk: `ACCOUNT#${id}`, sk: "ACCOUNT" });
const projectKey = (id: ProjectId) => ({ pk: `PROJECT#${id}`, sk: "PROJECT" });
const folderKey = (folder: string) => ({ pk: FOLDERS, sk: `FOLDER#${folder}` });
const pointerKey = (ownerId: OwnerId, id: string) => ({ pk: `OWNER#${ownerId}`, sk: `PROJECT#${id}` });

const instant = z.iso.datetime().transform((iso) => new Date(iso));

const accountItem = z.object({
  id: z.string().transform(asAccountId),
  ownerId: z.string().transform(asOwnerId),
  name: z.string(),
  userId: z.string().optional(),
  username: z.string().optional(),
  maxTextLength: z.int().positive(),
  status: z.enum(["active", "paused", "needs-reconnect"]),
  reason: z.object({ code: z.string(), message: z.string(), remedy: z.string() }).optional(),
  pausedUntil: instant.optional(),
  wakeAt: instant.optional(),
  version: z.int().positive(),
});

function toAccount(item: unknown): Account {
  const { userId, username, reason, pausedUntil, wakeAt, ...account } = accountItem.parse(item);
  return {
    ...account,
    ...(userId !== undefined && { userId }),
    ...(username !== undefined && { username }),
    ...(reason && { reason }),
    ...(pausedUntil && { pausedUntil }),
    ...(wakeAt && { wakeAt }),
  };
}

const hour = z.int().min(0).max(24);

const projectItem = z.object({
  id: z.string().transform(asProjectId),
  ownerId: z.string().transform(asOwnerId),
  name: z.string(),
  timeZone: z.string(),
  accountIds: z.array(z.string().transform(asAccountId)),
  defaultAccountId: z.string().transform(asAccountId),
  policy: z
    .object({
      minIntervalMs: z.int().nonnegative().exactOptional(),
      dailyMax: z.int().positive().exactOptional(),
      blackout: z.object({ fromHour: hour, toHour: hour }).exactOptional(),
      frozen: z.boolean().exactOptional(),
      monthlyBudgetMicros: z.int().nonnegative().exactOptional(),
    })
    .exactOptional(),
  weight: z.int().min(1).max(10).exactOptional(),
});

const folderItem = z.object({
  sk: z.string(),
  projectId: z.string().transform(asProjectId),
  lastScanAt: z.iso.datetime().optional(),
});
const pointerItem = z.object({ projectId: z.string().transform(asProjectId) });

/**
 * Accounts and projects in the one table. Access patterns: by id; a project by its folder, which is a lock item that
 * makes the name unique; all folders; all projects of an owner, by pointers.
 */
export function createDynamoAccountStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoAccountStoreOptions): AccountStore {
  const read = async (key: { readonly pk: string; readonly sk: string }) =>
    (await documents.send(new GetCommand({ TableName: tableName, Key: key, ConsistentRead: true }))).Item;

  async function query(pk: string, prefix: string): Promise<Record<string, unknown>[]> {
    const items: Record<string, unknown>[] = [];
    const pages = paginateQuery(
      { client: documents },
      {
        TableName: tableName,
        ConsistentRead: true,
        KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
        ExpressionAttributeValues: { ":pk": pk, ":prefix": prefix },
      },
    );
    for await (const { Items = [] } of pages) items.push(...Items);
    return items;
  }

  const getProject: AccountStore["getProject"] = async (id) => {
    const item = await read(projectKey(id));
    return item && projectItem.parse(item);
  };

  return {
    getProject,

    async getAccount(id) {
      const item = await read(accountKey(id));
      return item && toAccount(item);
    },

    async saveAccount(next) {
      const writeId = entropy.newId();
      const saved = await putIf(
        documents,
        versionedPut(
          tableName,
          {
            ...accountKey(next.id),
            entity: "account",
            schemaVersion: SCHEMA_VERSION,
            ...next,
            ...(next.reason && { reason: { ...next.reason } }),
            ...(next.pausedUntil && { pausedUntil: next.pausedUntil.toISOString() }),
            ...(next.wakeAt && { wakeAt: next.wakeAt.toISOString() }),
            ...wakeKeys(next.wakeAt, "account", next.id),
            writeId,
          },
          next.version,
        ),
        writeId,
      );
      return saved.ok ? ok(undefined) : err({ reason: "stale" });
    },

    async deactivateAccount(id, { status, reason, until }) {
      const wake = wakeKeys(until, "account", id);
      try {
        await documents.send(
          new UpdateCommand({
            TableName: tableName,
            Key: accountKey(id),
            UpdateExpression: until
              ? "SET #status = :status, reason = :reason, pausedUntil = :until, wakeAt = :until, wakePk = :wakePk, wakeSk = :wakeSk ADD #version :one REMOVE writeId"
              : "SET #status = :status, reason = :reason ADD #version :one REMOVE writeId",
            ConditionExpression: "#status = :active",
            ExpressionAttributeNames: { "#status": "status", "#version": "version" },
            ExpressionAttributeValues: {
              ":status": status,
              ":reason": { ...reason },
              ":active": "active",
              ":one": 1,
              ...(until && {
                ":until": until.toISOString(),
                ":wakePk": wake["wakePk"],
                ":wakeSk": wake["wakeSk"],
              }),
            },
          }),
        );
      } catch (error) {
        // Not active, or gone: nothing to take away. Also our own write, repeated after a lost answer.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },

    async saveProject({ id, accountIds, defaultAccountId, timeZone, policy, weight }) {
      const values: Record<string, unknown> = {
        ":accounts": [...accountIds],
        ":default": defaultAccountId,
        ":zone": timeZone,
        ...(policy && { ":policy": policy }),
        ...(weight !== undefined && { ":weight": weight }),
      };
      const sets = ["accountIds = :accounts", "defaultAccountId = :default", "#zone = :zone"];
      if (policy) sets.push("policy = :policy");
      if (weight !== undefined) sets.push("weight = :weight");
      const gone = [...(policy ? [] : ["policy"]), ...(weight === undefined ? ["weight"] : [])];
      await documents.send(
        new UpdateCommand({
          TableName: tableName,
          Key: projectKey(id),
          UpdateExpression: `SET ${sets.join(", ")}${gone.length > 0 ? ` REMOVE ${gone.join(", ")}` : ""}`,
          ConditionExpression: "attribute_exists(pk)",
          // A reserved word of DynamoDB.
          ExpressionAttributeNames: { "#zone": "timeZone" },
          ExpressionAttributeValues: values,
        }),
      );
    },

    async getProjectByFolder(folder) {
      const item = await read(folderKey(folder));
      return item && getProject(folderItem.parse(item).projectId);
    },

    async listFolders() {
      const items = await query(FOLDERS, "FOLDER#");
      return items.map((item) => folderItem.parse(item).sk.slice("FOLDER#".length));
    },

    async listSources() {
      const items = await query(FOLDERS, "FOLDER#");
      return items.map((item) => {
        const { sk, lastScanAt } = folderItem.parse(item);
        const folder = sk.slice("FOLDER#".length);
        return { folder, ...(lastScanAt !== undefined && { lastScanAt: new Date(lastScanAt) }) };
      });
    },

    async claimScan({ folder, lastScanAt }, at) {
      try {
        await documents.send(
          new UpdateCommand({
            TableName: tableName,
            Key: folderKey(folder),
            UpdateExpression: "SET lastScanAt = :at",
            ConditionExpression: lastScanAt
              ? "lastScanAt = :seen"
              : "attribute_exists(pk) AND attribute_not_exists(lastScanAt)",
            ExpressionAttributeValues: {
              ":at": at.toISOString(),
              ...(lastScanAt && { ":seen": lastScanAt.toISOString() }),
            },
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    },

    async listProjects(ownerId) {
      const pointers = await query(pointerKey(ownerId, "").pk, "PROJECT#");
      const projects = await Promise.all(
        pointers.map((item) => getProject(pointerItem.parse(item).projectId)),
      );
      return projects.filter((project) => project !== undefined);
    },

    async addProject(project) {
      const writeId = entropy.newId();
      const common = { schemaVersion: SCHEMA_VERSION, projectId: project.id, writeId };
      const items = [
        { ...folderKey(project.name), entity: "folder", ...common },
        {
          ...projectKey(project.id),
          entity: "project",
          ...common,
          ...project,
          accountIds: [...project.accountIds],
        },
        { ...pointerKey(project.ownerId, project.id), entity: "project-pointer", ...common },
      ];
      const written = await transactIf(
        documents,
        items.map((Item) => ({
          Put: {
            TableName: tableName,
            Item,
            ConditionExpression: "attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          },
        })),
        {
          entropy,
          writeId,
          pause: (ms) => clock.sleepUntil(new Date(clock.now().getTime() + ms)),
        },
      );
      if (written.ok) return ok(undefined);
      if (!written.error.failed.includes(0)) throw new RangeError(`there is a project ${project.id} already`);
      return err({ reason: "name-taken" });
    },
  };
}
