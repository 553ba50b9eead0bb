import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import { ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { commandOf, launchDynamoDb } from "#infra/local/stores/dynamodb-java.ts";
import { StoreFault } from "#infra/local/stores/fault.ts";
import { startStores } from "#infra/local/stores/stores.ts";
import { load } from "#test/unit/local/template-fixtures.ts";
import { clientsOf, smallTemplate } from "./gateway-fixtures.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "punctual-stores-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const Bucket = "drops";
const Key = { pk: { S: "a" }, sk: { S: "b" } };
/** The store's own process names files by a digest: neither the path nor its length can break out or fail. */
const names = ["drop/a", "drop/a/b", "../../../escaped", `drop/${"长".repeat(300)}.md`];

function directClients(urls: { readonly dynamoDbUrl: string; readonly fauxqsUrl: string }) {
  const tables = clientsOf(urls.dynamoDbUrl, "OPERATOR");
  const others = clientsOf(urls.fauxqsUrl, "OPERATOR");
  return { dynamoDb: tables.dynamoDb, s3: others.s3, sqs: others.sqs };
}

describe("stores", () => {
  it("keep items, messages and objects over a restart, and take up what the template changed", async () => {
    const assembly = load({ Main: smallTemplate() });
    const QueueUrl = assembly.byLogicalId("Jobs")?.physicalId ?? "";
    const first = await startStores({ assembly, directory });
    const before = directClients(first);
    await before.dynamoDb.send(new PutItemCommand({ TableName: "tasks", Item: Key }));
    await before.sqs.send(
      new SendMessageCommand({ QueueUrl: local(QueueUrl, first.fauxqsUrl), MessageBody: "kept" }),
    );
    for (const name of names) {
      await before.s3.send(
        new PutObjectCommand({ Bucket, Key: name, Body: name, Metadata: { kept: "yes" } }),
      );
    }
    await first.close();

    const changed = smallTemplate();
    changed.Resources.Jobs.Properties.VisibilityTimeout = 90;
    changed.Resources.Tasks.Properties.GlobalSecondaryIndexes.push({
      IndexName: "byNewOwner",
      KeySchema: [{ AttributeName: "owner", KeyType: "HASH" }],
      Projection: { ProjectionType: "ALL" },
    });
    const second = await startStores({ assembly: load({ Main: changed }), directory });
    try {
      const after = directClients(second);
      expect((await after.dynamoDb.send(new GetItemCommand({ TableName: "tasks", Key }))).Item).toEqual(Key);
      const { Messages } = await after.sqs.send(
        new ReceiveMessageCommand({ QueueUrl: local(QueueUrl, second.fauxqsUrl) }),
      );
      expect(Messages?.map(({ Body }) => Body)).toEqual(["kept"]);
      for (const name of names) {
        const read = await after.s3.send(new GetObjectCommand({ Bucket, Key: name }));
        expect(await read.Body?.transformToString()).toBe(name);
        expect(read.Metadata).toEqual({ kept: "yes" });
      }
      const listed = await after.s3.send(new ListObjectsV2Command({ Bucket }));
      expect(listed.Contents?.map((object) => object.Key).sort()).toEqual(names.toSorted());
      expect(existsSync(join(directory, "..", "escaped"))).toBe(false);
    } finally {
      await second.close();
    }
  });

  it("refuse a kept table whose keys are no longer those of the template", async () => {
    const first = await startStores({ assembly: load({ Main: smallTemplate() }), directory });
    await first.close();
    const changed = smallTemplate();
    changed.Resources.Tasks.Properties.KeySchema.pop();
    const start = startStores({ assembly: load({ Main: changed }), directory });
    await expect(start).rejects.toMatchObject({
      name: "StoreFault",
      code: "table-changed",
      message: expect.stringMatching(/Main\/Tasks .*npm run reset/),
    });
  });

  it("say that Java is missing", async () => {
    const start = startStores({ assembly: load({ Main: smallTemplate() }), java: join(directory, "java") });
    await expect(start).rejects.toMatchObject({
      code: "java-missing",
      message: expect.stringMatching(/Java was not found.*17 or newer/),
    });
  });

  it("say that Java is too old", async () => {
    const java = join(directory, "java");
    writeFileSync(
      java,
      "#!/bin/sh\necho 'Exception: java.lang.UnsupportedClassVersionError: class file version 61.0' >&2\nexit 1\n",
    );
    chmodSync(java, 0o755);
    const start = startStores({ assembly: load({ Main: smallTemplate() }), java });
    await expect(start).rejects.toMatchObject({
      code: "java-too-old",
      message: expect.stringMatching(/older than 17/),
    });
    await expect(start).rejects.toBeInstanceOf(StoreFault);
  });

  it("end the database that a killed run left on the same folder", async () => {
    const first = await launchDynamoDb({ directory });
    const stale = Number(readFileSync(join(directory, "dynamodb.pid"), "utf8"));
    expect(commandOf(stale)).toContain("DynamoDBLocal.jar");
    const second = await launchDynamoDb({ directory });
    expect(commandOf(stale)).toBe("");
    await second.close();
    await first.close();
    expect(existsSync(join(directory, "dynamodb.pid"))).toBe(false);
  });

  it("leave alone a process that only has the number of a stale database", async () => {
    const bystander = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    writeFileSync(join(directory, "dynamodb.pid"), String(bystander.pid));
    const database = await launchDynamoDb({ directory });
    expect(bystander.exitCode).toBeNull();
    expect(bystander.signalCode).toBeNull();
    await database.close();
    await ended(bystander);
  });

  it("end with the process that started them, even when it is killed", async () => {
    const module = new URL("../../../infra/local/stores/dynamodb-process.ts", import.meta.url).href;
    const script = `const { startDynamoDb } = await import(${JSON.stringify(module)}); const { port } = await startDynamoDb(); console.log(port); setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const port = await new Promise<string>((resolve) =>
      parent.stdout.once("data", (data) => resolve(String(data).trim())),
    );
    const answers = () =>
      fetch(`http://127.0.0.1:${port}`).then(
        () => true,
        () => false,
      );
    expect(await answers()).toBe(true);
    await ended(parent);
    await vi.waitFor(async () => expect(await answers()).toBe(false), { timeout: 10_000 });
  });

  it("listen on this machine only", async () => {
    const stores = await startStores({ assembly: load({ Main: smallTemplate() }) });
    const { port } = new URL(stores.fauxqsUrl);
    // Linux answers on every address of the loopback network; elsewhere nobody does, and nobody is what is asked for.
    const elsewhere = fetch(`http://127.0.0.2:${port}/health`, { signal: AbortSignal.timeout(2_000) });
    await expect(elsewhere).rejects.toThrow();
    await stores.close();
  });
});

const local = (queueUrl: string, fauxqsUrl: string): string => queueUrl.replace(/^http:\/\/[^/]+/, fauxqsUrl);

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}
