import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  DecryptCommand,
  GenerateDataKeyCommand,
  InvalidCiphertextException,
  KMSClient,
} from "@aws-sdk/client-kms";
import { describe, expect, it } from "vitest";
import { createKms, keyIdOf } from "#infra/local/services/kms.ts";
import {
  ACCOUNT,
  aFunction,
  aRole,
  arnOf,
  assemblyOf,
  type PartialResource,
  startTestCloud,
  temporaryFolder,
} from "./services-fixtures.ts";

const KEY_ID = "1f0a8b6c-0000-4000-a000-000000000001";
const OTHER_ID = "1f0a8b6c-0000-4000-a000-000000000002";
const key = (logicalId: string, id: string): PartialResource => ({
  logicalId,
  type: "AWS::KMS::Key",
  physicalId: id,
  arn: arnOf("kms", `key/${id}`),
});
const assembly = assemblyOf([
  key("Credentials", KEY_ID),
  key("Other", OTHER_ID),
  {
    logicalId: "Alias",
    type: "AWS::KMS::Alias",
    physicalId: "alias/credentials",
    properties: { TargetKeyId: arnOf("kms", `key/${KEY_ID}`) },
  },
]);

type Kms = ReturnType<typeof createKms>;
async function call(kms: Kms, operation: string, input: object): Promise<Record<string, string>> {
  const answer = await kms({
    method: "POST",
    path: "/",
    query: new URLSearchParams(),
    headers: { "x-amz-target": `TrentService.${operation}` },
    body: Buffer.from(JSON.stringify(input)),
    caller: "OPERATOR",
  });
  return { status: String(answer.status), ...(JSON.parse(String(answer.body)) as Record<string, string>) };
}
const Plaintext = Buffer.from("a token").toString("base64");
const EncryptionContext = { accountId: "main", use: "credentials" };

describe("a key", () => {
  it("decrypts what it encrypted, whatever the order of the context", async () => {
    const kms = createKms({ assembly });
    const { CiphertextBlob = "", KeyId } = await call(kms, "Encrypt", {
      KeyId: KEY_ID,
      Plaintext,
      EncryptionContext,
    });
    expect(KeyId).toBe(arnOf("kms", `key/${KEY_ID}`));
    expect(Buffer.from(CiphertextBlob, "base64").toString("latin1")).not.toContain("a token");
    const reordered = { use: "credentials", accountId: "main" };
    expect(await call(kms, "Decrypt", { CiphertextBlob, EncryptionContext: reordered })).toMatchObject({
      status: "200",
      Plaintext,
    });
  });

  it("makes data keys of the size that was asked for, never the same twice", async () => {
    const kms = createKms({ assembly });
    const first = await call(kms, "GenerateDataKey", {
      KeyId: "alias/credentials",
      KeySpec: "AES_256",
      EncryptionContext,
    });
    const second = await call(kms, "GenerateDataKey", {
      KeyId: KEY_ID,
      NumberOfBytes: 16,
      EncryptionContext,
    });
    expect(Buffer.from(first["Plaintext"] ?? "", "base64")).toHaveLength(32);
    expect(Buffer.from(second["Plaintext"] ?? "", "base64")).toHaveLength(16);
    const { CiphertextBlob } = first;
    expect(await call(kms, "Decrypt", { CiphertextBlob, EncryptionContext })).toMatchObject({
      Plaintext: first["Plaintext"],
    });
    expect(keyIdOf(Buffer.from(CiphertextBlob ?? "", "base64"))).toBe(KEY_ID);
  });

  it.each([
    ["another context", { EncryptionContext: { accountId: "other" } }],
    ["no context", { EncryptionContext: undefined }],
  ])("refuses to decrypt with %s", async (_, over) => {
    const kms = createKms({ assembly });
    const { CiphertextBlob } = await call(kms, "Encrypt", { KeyId: KEY_ID, Plaintext, EncryptionContext });
    expect(await call(kms, "Decrypt", { CiphertextBlob, ...over })).toMatchObject({
      status: "400",
      __type: "InvalidCiphertextException",
    });
  });

  it("refuses bytes that were changed, and bytes that it never made", async () => {
    const kms = createKms({ assembly });
    const { CiphertextBlob = "" } = await call(kms, "Encrypt", {
      KeyId: KEY_ID,
      Plaintext,
      EncryptionContext,
    });
    const changed = Buffer.from(CiphertextBlob, "base64");
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    for (const bytes of [changed, Buffer.from("anything")]) {
      const answer = await call(kms, "Decrypt", {
        CiphertextBlob: bytes.toString("base64"),
        EncryptionContext,
      });
      expect(answer).toMatchObject({ status: "400", __type: "InvalidCiphertextException" });
    }
  });

  it.each([
    [
      "another key than the one it was encrypted with",
      "Decrypt",
      { KeyId: OTHER_ID },
      "IncorrectKeyException",
    ],
    ["a key that does not exist", "Encrypt", { KeyId: "nobody", Plaintext }, "NotFoundException"],
    ["an empty plaintext", "Encrypt", { KeyId: KEY_ID, Plaintext: "" }, "ValidationException"],
    [
      "a plaintext that is too long",
      "Encrypt",
      { KeyId: KEY_ID, Plaintext: Buffer.alloc(4_097).toString("base64") },
      "ValidationException",
    ],
    ["a data key of no size", "GenerateDataKey", { KeyId: KEY_ID }, "ValidationException"],
    [
      "an operation that is not run here",
      "ScheduleKeyDeletion",
      { KeyId: KEY_ID },
      "UnknownOperationException",
    ],
  ])("refuses %s", async (_, operation, input, type) => {
    const kms = createKms({ assembly });
    const { CiphertextBlob } = await call(kms, "Encrypt", { KeyId: KEY_ID, Plaintext, EncryptionContext });
    const full = operation === "Decrypt" ? { ...input, CiphertextBlob, EncryptionContext } : input;
    expect(await call(kms, operation, full)).toMatchObject({ status: "400", __type: type });
  });
});

describe("the SDK", () => {
  it("speaks with it, and a function needs the right for the very key", async () => {
    const role = aRole("WorkerRole", "lambda.amazonaws.com", [
      { Action: "kms:GenerateDataKey", Resource: arnOf("kms", `key/${KEY_ID}`) },
    ]);
    const account: PartialResource = {
      ...key("Credentials", KEY_ID),
      properties: {
        KeyPolicy: {
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
              Action: "kms:*",
              Resource: "*",
            },
          ],
        },
      },
    };
    const cloud = await startTestCloud({
      resources: () => [account, role, aFunction("Worker", { Role: role.arn })],
    });
    cloud.useKms(createKms(cloud));
    const operator = new KMSClient(cloud.as("OPERATOR"));
    const worker = new KMSClient(cloud.as("Worker"));
    const made = await worker.send(
      new GenerateDataKeyCommand({ KeyId: KEY_ID, KeySpec: "AES_256", EncryptionContext }),
    );
    const { CiphertextBlob } = made;
    const opened = await operator.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }));
    expect(opened.Plaintext).toEqual(made.Plaintext);
    await expect(
      operator.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: { accountId: "other" } })),
    ).rejects.toBeInstanceOf(InvalidCiphertextException);
    await expect(worker.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }))).rejects.toThrow(
      /kms:Decrypt/,
    );
    operator.destroy();
    worker.destroy();
    await cloud.close();
  });
});

describe("key material", () => {
  it("survives a restart", async () => {
    await using state = await temporaryFolder();
    const stateDir = state.path;
    const { CiphertextBlob } = await call(createKms({ assembly, stateDir }), "Encrypt", {
      KeyId: KEY_ID,
      Plaintext,
    });
    expect(await call(createKms({ assembly, stateDir }), "Decrypt", { CiphertextBlob })).toMatchObject({
      Plaintext,
    });
    await rm(join(stateDir, "kms.json"));
    expect(await call(createKms({ assembly, stateDir }), "Decrypt", { CiphertextBlob })).toMatchObject({
      __type: "InvalidCiphertextException",
    });
  });

  it("is never replaced when its file cannot be read", async () => {
    await using state = await temporaryFolder();
    await writeFile(join(state.path, "kms.json"), "{");
    expect(() => createKms({ assembly, stateDir: state.path })).toThrow(/kms\.json cannot be read/);
  });
});
