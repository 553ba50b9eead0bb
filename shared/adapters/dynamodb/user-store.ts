import { type DynamoDBDocumentClient, GetCommand, paginateQuery } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { asOwnerId, asUserId, type OwnerId, type UserId } from "#shared/domain/ids.ts";
import { ROLES } from "#shared/domain/role.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { emptyUserRegister, type User, type UserRegister } from "#shared/domain/user.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { OwnerStore } from "#shared/ports/owner-store.ts";
import type { UserStore } from "#shared/ports/user-store.ts";
import { err, ok } from "#shared/result.ts";
import { putIf, transactIf, versionedPut } from "./conditional-write.ts";
import { type Item, SCHEMA_VERSION } from "./items.ts";

export interface DynamoUserStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

const userKey = (ownerId: OwnerId, id: UserId) => ({ pk: `OWNER#${ownerId}`, sk: `USER#${id}` });
const registerKey = (ownerId: OwnerId) => ({ pk: `OWNER#${ownerId}`, sk: "USERS" });
const OWNERS = "OWNERS";
const ownerKey = (id: OwnerId) => ({ pk: OWNERS, sk: `OWNER#${id}` });

const instant = z.iso.datetime().transform((iso) => new Date(iso));
const positive = z.int().min(1);
const ownerId = z.string().transform(asOwnerId);
const userId = z.string().transform(asUserId);

const userItem = z.object({
  id: userId,
  ownerId,
  name: z.string(),
  email: z.string(),
  role: z.enum(ROLES),
  disabled: z.boolean(),
  invitation: z.object({ hash: z.string(), until: instant }).exactOptional(),
  password: z
    .object({
      algorithm: z.literal("scrypt"),
      cost: z.object({ n: positive, r: positive, p: positive }),
      salt: z.string(),
      hash: z.string(),
    })
    .exactOptional(),
  activeSince: instant,
  createdAt: instant,
  updatedAt: instant,
  deletedAt: instant.exactOptional(),
  version: positive,
});

const registerItem = z.object({
  ownerId,
  entries: z.array(z.object({ id: userId, name: z.string(), email: z.string(), isAdmin: z.boolean() })),
  version: positive,
});

const ownerItem = z.object({ id: ownerId, createdAt: instant });

/** DynamoDB's clock counts seconds. */
const fadesAfter = (at: Date): number => Math.floor((at.getTime() + TIMING.logRetentionMs) / 1_000);

const fromUser = (user: User): Item => {
  const { invitation, password, activeSince, createdAt, updatedAt, deletedAt, ...plain } = user;
  return {
    ...userKey(user.ownerId, user.id),
    entity: "user",
    schemaVersion: SCHEMA_VERSION,
    ...plain,
    ...(invitation && { invitation: { ...invitation, until: invitation.until.toISOString() } }),
    ...(password && { password: { ...password, cost: { ...password.cost } } }),
    activeSince: activeSince.toISOString(),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    ...(deletedAt && { deletedAt: deletedAt.toISOString(), expiresAt: fadesAfter(deletedAt) }),
  };
};

const fromRegister = ({ ownerId, entries, version }: UserRegister): Item => ({
  ...registerKey(ownerId),
  entity: "user-register",
  schemaVersion: SCHEMA_VERSION,
  ownerId,
  entries: entries.map((entry) => ({ ...entry })),
  version,
});

/** People and tenants in the one table: everybody beside their owner, so that no key leads out of a tenant. */
export function createDynamoUserStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoUserStoreOptions): UserStore & OwnerStore {
  const read = async (Key: { readonly pk: string; readonly sk: string }) =>
    (await documents.send(new GetCommand({ TableName: tableName, Key, ConsistentRead: true }))).Item;

  async function query(pk: string, prefix: string): Promise<readonly unknown[]> {
    const pages = paginateQuery(
      { client: documents },
      {
        TableName: tableName,
        ConsistentRead: true,
        KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
        ExpressionAttributeValues: { ":pk": pk, ":prefix": prefix },
      },
    );
    const found: unknown[] = [];
    for await (const { Items = [] } of pages) found.push(...Items);
    return found;
  }

  return {
    async get(owner, id) {
      const item = await read(userKey(owner, id));
      const user = item && userItem.parse(item);
      return user?.deletedAt ? undefined : user;
    },

    async list(owner) {
      const { pk, sk } = userKey(owner, asUserId(""));
      // ULIDs sort by creation.
      return (await query(pk, sk)).map((item) => userItem.parse(item)).filter(({ deletedAt }) => !deletedAt);
    },

    async getRegister(owner) {
      const item = await read(registerKey(owner));
      return item ? registerItem.parse(item) : emptyUserRegister(owner);
    },

    async save(next, register) {
      const writeId = entropy.newId();
      const written = await transactIf(
        documents,
        [
          {
            Put: {
              ...versionedPut(tableName, { ...fromUser(next), writeId }, next.version),
              ReturnValuesOnConditionCheckFailure: "ALL_OLD",
            },
          },
          { Put: versionedPut(tableName, fromRegister(register), register.version) },
        ],
        { entropy, writeId, pause: (ms) => clock.sleepUntil(new Date(clock.now().getTime() + ms)) },
      );
      return written.ok ? ok(undefined) : err({ reason: "stale" });
    },

    async addOwner({ id, createdAt }) {
      const writeId = entropy.newId();
      const item = {
        ...ownerKey(id),
        entity: "owner",
        schemaVersion: SCHEMA_VERSION,
        id,
        createdAt: createdAt.toISOString(),
        writeId,
      };
      const added = await putIf(documents, versionedPut(tableName, item, 1), writeId);
      return added.ok ? ok(undefined) : err({ reason: "name-taken" });
    },

    async listOwners() {
      return (await query(OWNERS, "OWNER#")).map((item) => ownerItem.parse(item));
    },
  };
}
