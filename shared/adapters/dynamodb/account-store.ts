import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import {
  type DynamoDBDocumentClient,
  GetCommand,
  paginateQuery,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
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
import type { PolicyVersion } from "#shared/domain/planning/policy-version.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { err, ok } from "#shared/result.ts";
import { putIf, type TransactItem, transactIf, versionedPut } from "./conditional-write.ts";
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
/** Versions sort as numbers. */
const policyKey = (id: ProjectId, version: number) => ({
  pk: `PROJECT#${id}`,
  sk: `POLICY#${String(version).padStart(8, "0")}`,
});
const MAX_POLICY_VERSION = 99_999_999;
const pointerKey = (ownerId: OwnerId, id: string) => ({ pk: `OWNER#${ownerId}`, sk: `PROJECT#${id}` });

const instant = z.iso.datetime().transform((iso) => new Date(iso));

const accountItem = z.object({
  id: z.string().transform(asAccountId),
  ownerId: z.string().transform(asOwnerId),
  name: z.string(),
  userId: z.string().optional(),
  username: z.string().optional(),
  followers: z.int().nonnegative().optional(),
  maxTextLength: z.int().positive(),
  status: z.enum(["active", "paused", "needs-reconnect"]),
  reason: z.object({ code: z.string(), message: z.string(), remedy: z.string() }).optional(),
  pausedUntil: instant.optional(),
  wakeAt: instant.optional(),
  version: z.int().positive(),
});

function toAccount(item: unknown): Account {
  const { userId, username, followers, reason, pausedUntil, wakeAt, ...account } = accountItem.parse(item);
  return {
    ...account,
    ...(userId !== undefined && { userId }),
    ...(username !== undefined && { username }),
    ...(followers !== undefined && { followers }),
    ...(reason && { reason }),
    ...(pausedUntil && { pausedUntil }),
    ...(wakeAt && { wakeAt }),
  };
}

const hour = z.int().min(0).max(24);
const hours = z.array(z.int().min(0).max(23));
const dates = z.array(z.string());
const share = z.number().min(0).max(1);
const weightAttribute = z.int().min(1).max(10);

const policyAttribute = z.object({
  minIntervalMs: z.int().nonnegative().exactOptional(),
  dailyMin: z.int().nonnegative().exactOptional(),
  dailyMax: z.int().positive().exactOptional(),
  blackout: z.object({ fromHour: hour, toHour: hour }).exactOptional(),
  blackoutDates: dates.exactOptional(),
  holidays: z.array(z.object({ name: z.string(), dates })).exactOptional(),
  frozen: z.boolean().exactOptional(),
  monthlyBudgetMicros: z.int().nonnegative().exactOptional(),
  optimalHours: hours.exactOptional(),
  preferredHours: hours.exactOptional(),
  jitterMs: z.int().nonnegative().exactOptional(),
  leadMs: z.int().nonnegative().exactOptional(),
  quotaBuffer: share.exactOptional(),
  urgentShare: share.exactOptional(),
  duplicates: z
    .object({ windowMs: z.int().nonnegative(), threshold: share, near: z.enum(["warns", "blocks"]) })
    .exactOptional(),
  uniqueMedia: z.boolean().exactOptional(),
  latePolicy: z
    .object({ postWithinMs: z.int().nonnegative().exactOptional(), then: z.enum(["missed", "hold"]) })
    .exactOptional(),
  reconcile: z.enum(["repost", "hold"]).exactOptional(),
}) satisfies z.ZodType<Policy>;

const projectItem = z.object({
  id: z.string().transform(asProjectId),
  ownerId: z.string().transform(asOwnerId),
  name: z.string(),
  timeZone: z.string(),
  accountIds: z.array(z.string().transform(asAccountId)),
  defaultAccountId: z.string().transform(asAccountId),
  policy: policyAttribute.exactOptional(),
  policyVersion: z.int().positive().exactOptional(),
  weight: weightAttribute.exactOptional(),
});

const policyVersionItem = z.object({
  version: z.int().positive(),
  policy: policyAttribute,
  timeZone: z.string(),
  weight: weightAttribute.exactOptional(),
  savedAt: instant,
  savedBy: z.string(),
});

const folderItem = z.object({
  sk: z.string(),
  projectId: z.string().transform(asProjectId),
  lastScanAt: z.iso.datetime().optional(),
});
const pointerItem = z.object({ projectId: z.string().transform(asProjectId) });

const toPolicyItem = (id: ProjectId, next: PolicyVersion, writeId: string) => ({
  ...policyKey(id, next.version),
  entity: "policy",
  schemaVersion: SCHEMA_VERSION,
  ...next,
  savedAt: next.savedAt.toISOString(),
  writeId,
});

/**
 * Accounts and projects in the one table. Access patterns: by id; a project by its folder, which is a lock item that
 * makes the name unique; all folders; all projects of an owner, by pointers; the versions of a project's policy, newest first.
 */
export function createDynamoAccountStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoAccountStoreOptions): AccountStore {
  const read = async (key: { readonly pk: string; readonly sk: string }) =>
    (await documents.send(new GetCommand({ TableName: tableName, Key: key, ConsistentRead: true }))).Item;

  const pause = (ms: number) => clock.sleepUntil(new Date(clock.now().getTime() + ms));
  const putNew = (Item: Record<string, unknown>): TransactItem => ({
    Put: {
      TableName: tableName,
      Item,
      ConditionExpression: "attribute_not_exists(pk)",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    },
  });

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

    async saveProject({ id, accountIds, defaultAccountId }) {
      await documents.send(
        new UpdateCommand({
          TableName: tableName,
          Key: projectKey(id),
          UpdateExpression: "SET accountIds = :accounts, defaultAccountId = :default",
          ConditionExpression: "attribute_exists(pk)",
          ExpressionAttributeValues: { ":accounts": [...accountIds], ":default": defaultAccountId },
        }),
      );
    },

    async savePolicy(id, next) {
      const { version, policy, timeZone, weight } = next;
      const writeId = entropy.newId();
      const hasRules = Object.keys(policy).length > 0;
      const sets = ["policyVersion = :version", "#zone = :zone", "writeId = :writeId"];
      if (hasRules) sets.push("policy = :policy");
      if (weight !== undefined) sets.push("weight = :weight");
      const gone = [...(hasRules ? [] : ["policy"]), ...(weight === undefined ? ["weight"] : [])];
      const written = await transactIf(
        documents,
        [
          {
            Update: {
              TableName: tableName,
              Key: projectKey(id),
              UpdateExpression: `SET ${sets.join(", ")}${gone.length > 0 ? ` REMOVE ${gone.join(", ")}` : ""}`,
              ConditionExpression:
                version === 1
                  ? "attribute_exists(pk) AND attribute_not_exists(policyVersion)"
                  : "policyVersion = :seen",
              // A reserved word of DynamoDB.
              ExpressionAttributeNames: { "#zone": "timeZone" },
              ExpressionAttributeValues: {
                ":version": version,
                ":zone": timeZone,
                ":writeId": writeId,
                ...(hasRules && { ":policy": policy }),
                ...(weight !== undefined && { ":weight": weight }),
                ...(version > 1 && { ":seen": version - 1 }),
              },
              ReturnValuesOnConditionCheckFailure: "ALL_OLD",
            },
          },
          putNew(toPolicyItem(id, next, writeId)),
        ],
        { entropy, writeId, pause },
      );
      if (written.ok) return ok(undefined);
      if (!(await read(projectKey(id)))) throw new RangeError(`there is no project ${id}`);
      return err({ reason: "stale" });
    },

    async listPolicyVersions(id, limit, before = MAX_POLICY_VERSION + 1) {
      const { Items = [] } = await documents.send(
        new QueryCommand({
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
          ExpressionAttributeValues: {
            ":pk": projectKey(id).pk,
            ":first": policyKey(id, 0).sk,
            ":last": policyKey(id, Math.min(before - 1, MAX_POLICY_VERSION)).sk,
          },
          ScanIndexForward: false,
          Limit: limit,
        }),
      );
      return Items.map((item) => policyVersionItem.parse(item));
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

    async addProject(project, saved) {
      const { id, ownerId, name, timeZone, policy = {}, weight, ...accounts } = project;
      const writeId = entropy.newId();
      const common = { schemaVersion: SCHEMA_VERSION, projectId: id, writeId };
      const set = { timeZone, ...(weight !== undefined && { weight }) };
      const items = [
        { ...folderKey(name), entity: "folder", ...common },
        {
          ...projectKey(id),
          entity: "project",
          ...common,
          id,
          ownerId,
          name,
          ...set,
          ...(Object.keys(policy).length > 0 && { policy }),
          ...(saved && { policyVersion: 1 }),
          ...accounts,
          accountIds: [...accounts.accountIds],
        },
        { ...pointerKey(ownerId, id), entity: "project-pointer", ...common },
        ...(saved ? [toPolicyItem(id, { ...set, version: 1, policy, ...saved }, writeId)] : []),
      ];
      const written = await transactIf(documents, items.map(putNew), { entropy, writeId, pause });
      if (written.ok) return ok(undefined);
      if (!written.error.failed.includes(0)) throw new RangeError(`there is a project ${id} already`);
      return err({ reason: "name-taken" });
    },
  };
}
