import { DeleteCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamoAuditStore } from "#shared/adapters/dynamodb/audit-store.ts";
import { createDynamoSessionStore } from "#shared/adapters/dynamodb/session-store.ts";
import { createDynamoUserStore } from "#shared/adapters/dynamodb/user-store.ts";
import { systemClock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { AUDIT_CHAINS } from "#shared/domain/audit.ts";
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
