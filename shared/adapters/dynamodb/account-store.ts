import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import {
  type DynamoDBDocumentClient,
  GetCommand,
  paginateQuery,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { Account, Project } from "#shared/domain/account.ts";
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
import { STRATEGIES } from "#shared/domain/planning/strategy.ts";
import type { Source, SourceDefaults } from "#shared/domain/source.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { err, ok } from "#shared/result.ts";
import { readItems } from "./batch-items.ts";
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
const ownerPartition = (ownerId: OwnerId): string => `OWNER#${ownerId}`;
const pointerKey = (ownerId: OwnerId, kind: "PROJECT" | "ACCOUNT" | "SOURCE", id: string) => ({
  pk: ownerPartition(ownerId),
  sk: `${kind}#${id}`,
});
/** Makes the name unique for the owner. Projects that were made before there was one have the folder of their name. */
const nameKey = (ownerId: OwnerId, name: string) => ({
  pk: ownerPartition(ownerId),
  sk: `PROJECTNAME#${name}`,
});

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

const latePolicyAttribute = z.object({
  postWithinMs: z.int().nonnegative().exactOptional(),
  then: z.enum(["missed", "hold"]),
});
const reconcileAttribute = z.enum(["repost", "hold"]);

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
  latePolicy: latePolicyAttribute.exactOptional(),
  reconcile: reconcileAttribute.exactOptional(),
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
  changes: z.int().nonnegative().exactOptional(),
});

const policyVersionItem = z.object({
  version: z.int().positive(),
  policy: policyAttribute,
  timeZone: z.string(),
  weight: weightAttribute.exactOptional(),
  savedAt: instant,
  savedBy: z.string(),
});

const defaultsAttribute = z.object({
  account: z.string().exactOptional(),
  priority: z.int().min(1).max(10).exactOptional(),
  language: z.string().exactOptional(),
  latePolicy: latePolicyAttribute.exactOptional(),
  reconcile: reconcileAttribute.exactOptional(),
  strategy: z.enum(STRATEGIES).exactOptional(),
  reuseMedia: z.boolean().exactOptional(),
}) satisfies z.ZodType<SourceDefaults>;

const folderItem = z.object({
  sk: z.string(),
  projectId: z.string().transform(asProjectId),
  lastScanAt: instant.exactOptional(),
  enabled: z.boolean().default(true),
  defaults: defaultsAttribute.default({}),
  version: z.int().positive().default(1),
});
const pointerItem = z.object({ projectId: z.string().transform(asProjectId) });
const accountPointer = z.object({ accountId: z.string().transform(asAccountId) });
const sourcePointer = z.object({ folder: z.string() });

/** What is deleted leaves its key behind, since its functions may not delete. */
const isGone = (item: Readonly<Record<string, unknown>>): boolean => item["deletedAt"] !== undefined;

function toSource(item: unknown): Source {
  const { sk, ...source } = folderItem.parse(item);
  return { folder: sk.slice("FOLDER#".length), ...source };
}

const toPolicyItem = (id: ProjectId, next: PolicyVersion, writeId: string) => ({
  ...policyKey(id, next.version),
  entity: "policy",
  schemaVersion: SCHEMA_VERSION,
  ...next,
  savedAt: next.savedAt.toISOString(),
  writeId,
});

/**
 * Accounts, projects and sources in the one table. Access patterns: by id; a source by its folder, which is a lock item
 * that makes the folder unique; all folders; all accounts, projects and sources of an owner, by pointers; the versions of a
 * project's policy, newest first.
 */
export function createDynamoAccountStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoAccountStoreOptions): AccountStore {
  const read = async (key: { readonly pk: string; readonly sk: string }) =>
    (await documents.send(new GetCommand({ TableName: tableName, Key: key, ConsistentRead: true }))).Item;

  /** `undefined`: it never was, or is deleted. */
  const readLive = async (key: { readonly pk: string; readonly sk: string }) => {
    const item = await read(key);
    return item && !isGone(item) ? item : undefined;
  };

  const pause = (ms: number) => clock.sleepUntil(new Date(clock.now().getTime() + ms));
  const transact = (items: readonly TransactItem[], writeId: string) =>
    transactIf(documents, items, { entropy, writeId, pause });

  /** @param orIf - what may be there instead of nothing */
  const putNew = (Item: Record<string, unknown>, orIf?: Condition): TransactItem => ({
    Put: {
      TableName: tableName,
      Item,
      ConditionExpression: `attribute_not_exists(pk)${orIf ? ` OR (${orIf.expression})` : ""}`,
      ...(orIf?.values && { ExpressionAttributeValues: orIf.values }),
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    },
  });
  const put = (Item: Record<string, unknown>): TransactItem => ({ Put: { TableName: tableName, Item } });

  /** Nothing but its key, for as long as it takes to delete it. */
  const fade = (key: { readonly pk: string; readonly sk: string }, entity: string): TransactItem => {
    const now = clock.now();
    return put({
      ...key,
      entity,
      schemaVersion: SCHEMA_VERSION,
      deletedAt: now.toISOString(),
      expiresAt: Math.floor(now.getTime() / 1_000),
    });
  };

  /** @param seen - as it was read; absent: whatever it is now */
  const changeProject = (
    id: ProjectId,
    change: { readonly set: string; readonly values: Record<string, unknown> },
    writeId: string,
    seen?: Pick<Project, "policyVersion" | "changes">,
  ): TransactItem => {
    const unchanged = (attribute: "policyVersion" | "changes") =>
      seen?.[attribute] === undefined ? `attribute_not_exists(${attribute})` : `${attribute} = :${attribute}`;
    return {
      Update: {
        TableName: tableName,
        Key: projectKey(id),
        UpdateExpression: `SET ${[change.set, "writeId = :writeId"].filter(Boolean).join(", ")} ADD changes :one`,
        ConditionExpression: [
          "attribute_exists(pk) AND attribute_not_exists(deletedAt)",
          ...(seen ? [unchanged("policyVersion"), unchanged("changes")] : []),
        ].join(" AND "),
        ExpressionAttributeValues: {
          ...change.values,
          ":writeId": writeId,
          ":one": 1,
          ...(seen?.policyVersion !== undefined && { ":policyVersion": seen.policyVersion }),
          ...(seen?.changes !== undefined && { ":changes": seen.changes }),
        },
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      },
    };
  };

  /** A folder that was let go of stays its owner's: files, outcomes and records of drops lie under its name. */
  const putFolder = (Item: Record<string, unknown>, ownerId: OwnerId): TransactItem =>
    putNew(
      { ...Item, ownerId },
      {
        expression: "attribute_exists(deletedAt) AND ownerId = :owner",
        values: { ":owner": ownerId },
      },
    );

  const versionIs = (seen: number): string =>
    `attribute_exists(pk) AND attribute_not_exists(deletedAt) AND ${
      seen === 1 ? "(attribute_not_exists(#version) OR #version = :seen)" : "#version = :seen"
    }`;

  const releaseFolder = (
    { folder, version }: Source,
    { ownerId }: Pick<Project, "ownerId">,
    writeId: string,
  ): TransactItem => ({
    Put: {
      TableName: tableName,
      Item: {
        ...folderKey(folder),
        entity: "folder",
        schemaVersion: SCHEMA_VERSION,
        ownerId,
        deletedAt: clock.now().toISOString(),
        writeId,
      },
      ConditionExpression: versionIs(version),
      ExpressionAttributeNames: { "#version": "version" },
      ExpressionAttributeValues: { ":seen": version },
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
    for await (const { Items = [] } of pages) items.push(...Items.filter((item) => !isGone(item)));
    return items;
  }

  const getProject: AccountStore["getProject"] = async (id) => {
    const item = await readLive(projectKey(id));
    return item && projectItem.parse(item);
  };

  const getAccount: AccountStore["getAccount"] = async (id) => {
    const item = await read(accountKey(id));
    return item && toAccount(item);
  };

  const getSource: AccountStore["getSource"] = async (folder) => {
    const item = await readLive(folderKey(folder));
    return item && toSource(item);
  };

  const listProjects: AccountStore["listProjects"] = async (ownerId) => {
    const pointers = await query(ownerPartition(ownerId), "PROJECT#");
    const projects = await Promise.all(pointers.map((item) => getProject(pointerItem.parse(item).projectId)));
    return projects.filter((project) => project !== undefined);
  };

  /** Projects that were made before there were pointers have the folder of their name. */
  const listOwnSources: AccountStore["listOwnSources"] = async (ownerId) => {
    const [projects, pointers] = await Promise.all([
      listProjects(ownerId),
      query(ownerPartition(ownerId), "SOURCE#"),
    ]);
    const folders = new Set([
      ...projects.map(({ name }) => name),
      ...pointers.map((item) => sourcePointer.parse(item).folder),
    ]);
    const own = new Set(projects.map(({ id }) => id));
    const found = await Promise.all([...folders].toSorted().map(getSource));
    return found.filter((source) => source !== undefined && own.has(source.projectId)) as readonly Source[];
  };

  return {
    getProject,
    getAccount,
    getSource,
    listProjects,

    async getAccounts(ids) {
      return (await readItems({ documents, tableName, clock, entropy }, ids.map(accountKey))).map(toAccount);
    },

    listOwnSources,

    async saveAccount(next) {
      const writeId = entropy.newId();
      const item = {
        ...accountKey(next.id),
        entity: "account",
        schemaVersion: SCHEMA_VERSION,
        ...next,
        ...(next.reason && { reason: { ...next.reason } }),
        ...(next.pausedUntil && { pausedUntil: next.pausedUntil.toISOString() }),
        ...(next.wakeAt && { wakeAt: next.wakeAt.toISOString() }),
        ...wakeKeys(next.wakeAt, "account", next.id),
        writeId,
      };
      const pointer = {
        ...pointerKey(next.ownerId, "ACCOUNT", next.id),
        entity: "account-pointer",
        schemaVersion: SCHEMA_VERSION,
        accountId: next.id,
      };
      const saved =
        next.version === 1
          ? await transact([putNew(item), put(pointer)], writeId)
          : await putIf(documents, versionedPut(tableName, item, next.version), writeId);
      return saved.ok ? ok(undefined) : err({ reason: "stale" });
    },

    async listAccounts(ownerId) {
      const [projects, pointers] = await Promise.all([
        listProjects(ownerId),
        query(ownerPartition(ownerId), "ACCOUNT#"),
      ]);
      const ids = new Set([
        ...pointers.map((item) => accountPointer.parse(item).accountId),
        // Accounts that were made before there were pointers.
        ...projects.flatMap(({ accountIds }) => accountIds),
      ]);
      const found = await Promise.all([...ids].map(getAccount));
      const own = found.filter((account) => account !== undefined && account.ownerId === ownerId);
      return (own as Account[]).toSorted((a, b) => (a.name < b.name ? -1 : 1));
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

    async saveProject({ id, accountIds, defaultAccountId }, seen) {
      const writeId = entropy.newId();
      const change = {
        set: "accountIds = :accounts, defaultAccountId = :default",
        values: { ":accounts": [...accountIds], ":default": defaultAccountId },
      };
      const written = await transact([changeProject(id, change, writeId, seen)], writeId);
      if (written.ok) return ok(undefined);
      if (!seen) throw new RangeError(`there is no project ${id}`);
      return err({ reason: "stale" });
    },

    async savePolicy(id, next) {
      const { version, policy, timeZone, weight } = next;
      const writeId = entropy.newId();
      const hasRules = Object.keys(policy).length > 0;
      const sets = ["policyVersion = :version", "#zone = :zone", "writeId = :writeId"];
      if (hasRules) sets.push("policy = :policy");
      if (weight !== undefined) sets.push("weight = :weight");
      const gone = [...(hasRules ? [] : ["policy"]), ...(weight === undefined ? ["weight"] : [])];
      const written = await transact(
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
        writeId,
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
      const source = await getSource(folder);
      return source && getProject(source.projectId);
    },

    async listFolders() {
      const items = await query(FOLDERS, "FOLDER#");
      return items.map((item) => toSource(item).folder);
    },

    async listSources() {
      const items = await query(FOLDERS, "FOLDER#");
      return items.map(toSource);
    },

    async addSource({ folder, projectId, enabled, defaults, version }, { ownerId }) {
      const writeId = entropy.newId();
      const common = { schemaVersion: SCHEMA_VERSION, projectId, writeId };
      const item = { ...folderKey(folder), entity: "folder", ...common, enabled, defaults, version };
      const pointer = {
        ...pointerKey(ownerId, "SOURCE", folder),
        entity: "source-pointer",
        ...common,
        folder,
      };
      const written = await transact(
        [putFolder(item, ownerId), put(pointer), changeProject(projectId, { set: "", values: {} }, writeId)],
        writeId,
      );
      if (written.ok) return ok(undefined);
      if (!written.error.failed.includes(0)) throw new RangeError(`there is no project ${projectId}`);
      return err({ reason: "source-taken" });
    },

    async saveSource({ folder, enabled, defaults, version }) {
      const writeId = entropy.newId();
      const written = await transact(
        [
          {
            Update: {
              TableName: tableName,
              Key: folderKey(folder),
              UpdateExpression:
                "SET enabled = :enabled, defaults = :defaults, #version = :version, writeId = :writeId",
              ConditionExpression: versionIs(version - 1),
              ExpressionAttributeNames: { "#version": "version" },
              ExpressionAttributeValues: {
                ":enabled": enabled,
                ":defaults": defaults,
                ":version": version,
                ":seen": version - 1,
                ":writeId": writeId,
              },
              ReturnValuesOnConditionCheckFailure: "ALL_OLD",
            },
          },
        ],
        writeId,
      );
      return written.ok ? ok(undefined) : err({ reason: "stale" });
    },

    async removeSource(source, project) {
      const writeId = entropy.newId();
      const written = await transact(
        [
          releaseFolder(source, project, writeId),
          fade(pointerKey(project.ownerId, "SOURCE", source.folder), "source-pointer"),
          changeProject(source.projectId, { set: "", values: {} }, writeId),
        ],
        writeId,
      );
      return written.ok ? ok(undefined) : err({ reason: "stale" });
    },

    async claimScan({ folder, lastScanAt }, at) {
      try {
        await documents.send(
          new UpdateCommand({
            TableName: tableName,
            Key: folderKey(folder),
            UpdateExpression: "SET lastScanAt = :at, #version = if_not_exists(#version, :one) + :one",
            ExpressionAttributeNames: { "#version": "version" },
            ConditionExpression: lastScanAt
              ? "lastScanAt = :seen"
              : "attribute_exists(pk) AND attribute_not_exists(lastScanAt) AND attribute_not_exists(deletedAt)",
            ExpressionAttributeValues: {
              ":at": at.toISOString(),
              ":one": 1,
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

    async addProject(project, { saved, withSource = true } = {}) {
      const { id, ownerId, name, timeZone, policy = {}, weight, ...accounts } = project;
      const writeId = entropy.newId();
      const common = { schemaVersion: SCHEMA_VERSION, projectId: id, writeId };
      const set = { timeZone, ...(weight !== undefined && { weight }) };
      const items = [
        putNew(
          { ...nameKey(ownerId, name), entity: "project-name", ...common },
          { expression: "attribute_exists(deletedAt)" },
        ),
        putNew({
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
        }),
        put({ ...pointerKey(ownerId, "PROJECT", id), entity: "project-pointer", ...common }),
        ...(saved ? [putNew(toPolicyItem(id, { ...set, version: 1, policy, ...saved }, writeId))] : []),
      ];
      const folder = [
        putFolder({ ...folderKey(name), entity: "folder", ...common }, ownerId),
        put({ ...pointerKey(ownerId, "SOURCE", name), entity: "source-pointer", ...common, folder: name }),
      ];
      const written = await transact(withSource ? [...items, ...folder] : items, writeId);
      if (written.ok) return ok(undefined);
      const { failed } = written.error;
      if (failed.includes(0)) return err({ reason: "name-taken" });
      if (failed.includes(items.length)) return err({ reason: "source-taken" });
      throw new RangeError(`there is a project ${id} already`);
    },

    async removeProject({ id, ownerId, name, policyVersion, changes }) {
      const writeId = entropy.newId();
      const project = { ownerId };
      const seen = {
        ...(policyVersion !== undefined && { policyVersion }),
        ...(changes !== undefined && { changes }),
      };
      const sources = (await listOwnSources(ownerId)).filter(({ projectId }) => projectId === id);
      const deleted = { set: "deletedAt = :deletedAt", values: { ":deletedAt": clock.now().toISOString() } };
      const written = await transact(
        [
          changeProject(id, deleted, writeId, seen),
          fade(nameKey(ownerId, name), "project-name"),
          fade(pointerKey(ownerId, "PROJECT", id), "project-pointer"),
          ...sources.flatMap((source) => [
            releaseFolder(source, project, writeId),
            fade(pointerKey(ownerId, "SOURCE", source.folder), "source-pointer"),
          ]),
        ],
        writeId,
      );
      return written.ok ? ok(undefined) : err({ reason: "stale" });
    },
  };
}

/** Part of a condition, with the values that it names. */
interface Condition {
  readonly expression: string;
  readonly values?: Record<string, unknown>;
}
