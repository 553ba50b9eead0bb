import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createDynamoCredentialsVault } from "#shared/adapters/dynamodb/credentials-vault.ts";
import { createDynamoWriterKeyVault } from "#shared/adapters/dynamodb/writer-key-vault.ts";
import { createKmsEnvelope } from "#shared/adapters/kms/envelope.ts";
import { accountIdFor } from "#shared/domain/account.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
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

const openVault = () => createDynamoWriterKeyVault({ ...table, envelope: createKmsEnvelope(keyService) });
const itemOf = async () => {
  const Key = { pk: { S: "SETTING#GEMINI" }, sk: { S: "KEY" } };
  return (await table.client.send(new GetItemCommand({ TableName: table.tableName, Key }))).Item;
};

it("keeps the key of Gemini, sealed, and only the newest", async () => {
  const vault = openVault();
  expect(await vault.load()).toBeUndefined();
  await vault.store("AIza-first");
  await vault.store("AIza-second");
  expect(await vault.load()).toBe("AIza-second");
  expect(await openVault().load()).toBe("AIza-second");
  const ciphertext = Buffer.from((await itemOf())?.["sealed"]?.M?.["ciphertext"]?.B ?? []);
  expect(ciphertext).toHaveLength("AIza-second".length);
  expect(ciphertext.toString()).not.toContain("AIza");
});

it("cannot be opened as somebody's credentials, nor they as the key", async () => {
  const envelope = createKmsEnvelope(keyService);
  await openVault().store("AIza");
  const sealed = (await itemOf())?.["sealed"]?.M ?? {};
  const bytes = (name: string) => sealed[name]?.B ?? new Uint8Array();
  const stolen = {
    wrappedKey: bytes("wrappedKey"),
    iv: bytes("iv"),
    ciphertext: bytes("ciphertext"),
    tag: bytes("tag"),
  };
  const context = { accountId: accountIdFor(asOwnerId("owner"), "main") };
  await expect(envelope.open(stolen, context)).rejects.toMatchObject({ code: "unreadable-envelope" });
  expect(Buffer.from(await envelope.open(stolen, { accountId: "google:gemini" })).toString()).toBe("AIza");
  expect(await createDynamoCredentialsVault({ ...table, envelope }).load(context.accountId)).toBeUndefined();
});
