import {
  BatchWriteCommand,
  DeleteCommand,
  GetCommand,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamoAuditStore } from "#shared/adapters/dynamodb/audit-store.ts";
import { createDynamoKeyStore } from "#shared/adapters/dynamodb/key-store.ts";
import { createDynamoSessionStore } from "#shared/adapters/dynamodb/session-store.ts";
import { createDynamoUserStore } from "#shared/adapters/dynamodb/user-store.ts";
import { systemClock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { type ApiKey, asKeyHash } from "#shared/domain/api-key.ts";
import { AUDIT_CHAINS, sealEntry } from "#shared/domain/audit.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { createListAudit } from "#shared/usecases/list-audit.ts";
import { createRecordAudit } from "#shared/usecases/record-audit.ts";
import { createVerifyAudit } from "#shared/usecases/verify-audit.ts";
import { anAuditEntry, auditStoreContract } from "#test/contracts/audit-store.ts";
import { sessionStoreContract } from "#test/contracts/session-store.ts";
import { userStoreContract } from "#test/contracts/user-store.ts";
import { manualClock } from "#test/support/clock.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";

let table: TestTable;
const clock = manualClock();

beforeAll(async () => {
  table = await startTestTable();
});
afterAll(() => table?.close());

userStoreContract("DynamoDB", () => createDynamoUserStore({ ...table, clock, entropy }));
auditStoreContract("DynamoDB", () => createDynamoAuditStore({ ...table, clock, entropy }));
sessionStoreContract("DynamoDB", () => {
  const own = manualClock();
  return { store: createDynamoSessionStore({ ...table, clock: own, entropy }), clock: own };
});

it("lists all entries that are wanted, though an answer of DynamoDB ends at 1 MB", async () => {
  const store = createDynamoAuditStore({ ...table, clock, entropy });
  const ownerId = asOwnerId("wordy");
  const wanted = Array.from({ length: 12 }, (_, index) => index + 1);
  for (const _ of wanted) {
    const entry = anAuditEntry(ownerId, { target: { name: "k".repeat(200_000) } });
    await store.append(ownerId, sealEntry(await store.getHead(ownerId, 3), entry));
  }
  const numbers = (entries: readonly { readonly number: number }[]) => entries.map(({ number }) => number);
  expect(numbers(await store.follow(ownerId, 3, 100, 0))).toEqual(wanted);
  expect(numbers(await store.listNewest(ownerId, 3, 10))).toEqual(wanted.toReversed().slice(0, 10));
});

it("lets the table forget a key 90 days after its end, and none before", async () => {
  const store = createDynamoKeyStore({ ...table, clock, entropy });
  const ownerId = asOwnerId("forgetful");
  const keyNamed = (letter: string, over: Partial<ApiKey> = {}): ApiKey => ({
    hash: asKeyHash(letter.repeat(64)),
    ownerId,
    name: letter,
    scopes: ["read"],
    createdAt: clock.now(),
    ...over,
  });
  const end = new Date(clock.now().getTime() + 86_400_000);
  const [lasting, rotated] = [keyNamed("b"), keyNamed("c")];
  for (const key of [lasting, rotated, keyNamed("d", { expiresAt: end })]) await store.add(key);
  await store.replace({ ...rotated, replacedBy: "e".repeat(16), expiresAt: end }, keyNamed("e"));
  const { Items = [] } = await table.documents.send(
    new QueryCommand({
      TableName: table.tableName,
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": `OWNER#${ownerId}` },
    }),
  );
  const forgotten = Math.ceil(end.getTime() / 1_000) + 90 * 86_400;
  for (const pointer of Items) {
    const hash = String(pointer["sk"]).slice("KEY#".length);
    const { Item } = await table.documents.send(
      new GetCommand({ TableName: table.tableName, Key: { pk: `KEY#${hash}`, sk: "KEY" } }),
    );
    const wanted = /^[cd]/.test(hash) ? forgotten : undefined;
    expect([hash[0], pointer["expiresAt"], Item?.["expiresAt"]]).toEqual([hash[0], wanted, wanted]);
  }
  expect(Items).toHaveLength(4);
});

it("leaves a key that it could not revoke in the list", async () => {
  const key: ApiKey = {
    hash: asKeyHash("a".repeat(64)),
    ownerId: asOwnerId("revoking"),
    name: "ci",
    scopes: ["read"],
    createdAt: clock.now(),
  };
  /** Deletes everything but keys. */
  const busy = Object.assign(Object.create(table.documents), {
    async send(command: object) {
      if (!(command instanceof BatchWriteCommand)) return table.documents.send(command as never);
      const all = command.input.RequestItems?.[table.tableName] ?? [];
      const isKey = ({ DeleteRequest }: (typeof all)[number]) => DeleteRequest?.Key?.["sk"] === "KEY";
      const done = all.filter((one) => !isKey(one));
      if (done.length > 0)
        await table.documents.send(new BatchWriteCommand({ RequestItems: { [table.tableName]: done } }));
      return { UnprocessedItems: { [table.tableName]: all.filter(isKey) } };
    },
  });
  const keys = createDynamoKeyStore({ ...table, clock, entropy });
  await keys.add(key);
  const refused = createDynamoKeyStore({ ...table, documents: busy, clock, entropy }).revoke(key);
  await expect(refused).rejects.toThrow("the table left parts of a batch undone");
  expect(await keys.list(key.ownerId)).toEqual([key]);
  await keys.revoke(key);
  expect([await keys.list(key.ownerId), await keys.get(key.hash)]).toEqual([[], undefined]);
});

describe("fifty changes at once", () => {
  const ownerId = asOwnerId("busy");
  const open = () => {
    const audit = createDynamoAuditStore({ ...table, clock: systemClock, entropy });
    return {
      record: createRecordAudit({ audit, clock: systemClock, entropy }),
      verify: () => createVerifyAudit({ audit })(ownerId, { limit: 5_000 }),
      list: (cursor?: string) => createListAudit({ audit })(ownerId, { limit: 20, cursor }),
    };
  };

  it("are all in the chains, once, and the chains hold", async () => {
    const { record, verify, list } = open();
    const wanted = Array.from({ length: 50 }, (_, index) => `busy-${index}`);
    await Promise.all(wanted.map((requestId) => record(anAuditEntry(ownerId, { requestId }))));
    expect(await verify()).toMatchObject({ ok: true, value: { checked: 50 } });
    const verified = await verify();
    expect(verified.ok && verified.value.bad).toBeUndefined();
    expect(verified.ok && verified.value.ends).toHaveLength(AUDIT_CHAINS);

    const seen: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await list(cursor);
      if (!page.ok) throw new Error("the cursor is its own");
      seen.push(...page.value.items.map(({ requestId }) => requestId));
      cursor = page.value.next;
      if (cursor === undefined) break;
    }
    expect(seen.toSorted()).toEqual(wanted.toSorted());
  });

  it("are missed when somebody with rights on the table takes one away", async () => {
    const { verify } = open();
    const verified = await verify();
    const end = verified.ok ? verified.value.ends.find(({ count }) => count >= 2) : undefined;
    if (!end) throw new Error("no chain has two entries");
    const pk = `AUDIT#${ownerId}#${end.chain}`;
    const sk = `ENTRY#${"1".padStart(12, "0")}`;
    await table.documents.send(
      new UpdateCommand({
        TableName: table.tableName,
        Key: { pk, sk },
        UpdateExpression: "SET #text = :text",
        ExpressionAttributeNames: { "#text": "text" },
        ExpressionAttributeValues: { ":text": "{}" },
      }),
    );
    expect(await verify()).toMatchObject({ value: { bad: { chain: end.chain, number: 1 } } });
    await table.documents.send(new DeleteCommand({ TableName: table.tableName, Key: { pk, sk } }));
    expect(await verify()).toMatchObject({
      value: { bad: { chain: end.chain, number: 1, fault: "removed" } },
    });
  });
});
