import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamoWebhookStore } from "#shared/adapters/dynamodb/webhook-store.ts";
import {
  createDynamoSecretEraser,
  createDynamoWebhookVault,
} from "#shared/adapters/dynamodb/webhook-vault.ts";
import { createKmsEnvelope } from "#shared/adapters/kms/envelope.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { asWebhookId, emptyWebhookRegister, newSecrets, rotateSecret } from "#shared/domain/webhook.ts";
import { webhookStoreContract } from "#test/contracts/webhook-store.ts";
import { webhookVaultContract } from "#test/contracts/webhook-vault.ts";
import { manualClock } from "#test/support/clock.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";
import { type KeyService, startKeyService } from "#test/support/key-service.ts";

let table: TestTable;
let keyService: KeyService;
beforeAll(async () => {
  [table, keyService] = await Promise.all([startTestTable(), startKeyService()]);
});
afterAll(async () => {
  await keyService?.close();
  await table?.close();
});

const openVault = () =>
  createDynamoWebhookVault({ ...table, entropy, envelope: createKmsEnvelope(keyService) });

webhookStoreContract("DynamoDB", () => {
  const clock = manualClock();
  return { clock, webhooks: createDynamoWebhookStore({ ...table, clock, entropy }) };
});
webhookVaultContract("DynamoDB and KMS", () => ({
  vault: openVault(),
  eraser: createDynamoSecretEraser({ ...table, clock: manualClock() }),
}));

describe("sealed secrets", () => {
  const id = asWebhookId("01KWWWWWWWWWWWWWWWWWWWWWW1");
  const itemOf = async (webhookId: string) => {
    const Key = { pk: { S: `WEBHOOK#${webhookId}` }, sk: { S: "SECRET" } };
    return (await table.client.send(new GetItemCommand({ TableName: table.tableName, Key }))).Item;
  };

  it("are not readable in the table, and open for no other webhook", async () => {
    const vault = openVault();
    await vault.save(id, newSecrets("whsec_c2VjcmV0LXNlY3JldA=="));
    const item = await itemOf(id);
    const ciphertext = Buffer.from(item?.["sealed"]?.M?.["ciphertext"]?.B ?? []);
    expect(ciphertext.length).toBeGreaterThan(20);
    expect(ciphertext.toString()).not.toContain("c2Vj");
    const { documents, tableName } = table;
    const other = asWebhookId("01KWWWWWWWWWWWWWWWWWWWWWW2");
    const { Item } = await documents.send(
      new GetCommand({ TableName: tableName, Key: { pk: `WEBHOOK#${id}`, sk: "SECRET" } }),
    );
    await documents.send(new PutCommand({ TableName: tableName, Item: { ...Item, pk: `WEBHOOK#${other}` } }));
    await expect(vault.load(other)).rejects.toMatchObject({ code: "unreadable-envelope" });
  });

  it("are opened again when somebody else rotated them, and not otherwise", async () => {
    const webhookId = asWebhookId("01KWWWWWWWWWWWWWWWWWWWWWW3");
    const envelope = createKmsEnvelope(keyService);
    let opened = 0;
    const vault = createDynamoWebhookVault({
      ...table,
      entropy,
      envelope: {
        ...envelope,
        open: (...sealed) => {
          opened++;
          return envelope.open(...sealed);
        },
      },
    });
    const first = newSecrets("whsec_b25l");
    await openVault().save(webhookId, first);
    for (const _ of [1, 2, 3]) expect(await vault.load(webhookId)).toMatchObject({ current: "whsec_b25l" });
    expect(opened).toBe(1);
    await openVault().save(webhookId, rotateSecret(first, "whsec_dHdv", new Date(), 0));
    expect(await vault.load(webhookId)).toMatchObject({ current: "whsec_dHdv", version: 2 });
    expect(opened).toBe(2);
  });
});

describe("a write that won although its answer was lost", () => {
  it("is ours", async () => {
    const webhooks = createDynamoWebhookStore({ ...table, clock: manualClock(), entropy });
    let lost = 0;
    table.client.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args);
        if (lost++ % 2 === 1) return answer;
        throw Object.assign(new Error("socket hang up"), { name: "TimeoutError", code: "ECONNRESET" });
      },
      { step: "deserialize", priority: "low", name: "loseAnswer" },
    );
    try {
      const register = { ...emptyWebhookRegister(asOwnerId("lost-webhooks")), version: 1 };
      expect(await webhooks.saveRegister(register)).toMatchObject({ ok: true });
    } finally {
      table.client.middlewareStack.remove("loseAnswer");
    }
    expect(lost).toBe(2);
  });
});
