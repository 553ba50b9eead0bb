import { createHash, randomBytes } from "node:crypto";
import {
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import {
  DescribeStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from "@aws-sdk/client-dynamodb-streams";
import { DecryptCommand, GenerateDataKeyCommand } from "@aws-sdk/client-kms";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { CreateScheduleCommand } from "@aws-sdk/client-scheduler";
import { ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Gateway, type GatewayRefusal, openGateway } from "#infra/local/gateway/gateway.ts";
import type { ObjectChange } from "#infra/local/gateway/service.ts";
import { createUnkindness } from "#infra/local/gateway/unkindness.ts";
import { createAccess } from "#infra/local/iam/access.ts";
import { createKms, keyIdOf } from "#infra/local/services/kms.ts";
import { type Stores, startStores } from "#infra/local/stores/stores.ts";
import { type Assembly, loadAssembly } from "#infra/local/template/assembly.ts";
import { writeAssembly } from "#test/unit/local/template-fixtures.ts";
import { clientsOf, smallTemplate } from "./gateway-fixtures.ts";

const mebibyte = 1024 * 1024;
const Bucket = "drops";

let gateway: Gateway;
let stores: Stores;
let assembly: Assembly;
let operator: ReturnType<typeof clientsOf>;
let worker: ReturnType<typeof clientsOf>;
let refusals: GatewayRefusal[] = [];
let changes: ObjectChange[] = [];
let schedulerCalls: string[] = [];
let crashed: string[] = [];
let now = Date.now();
const unkindness = createUnkindness(() => 0);

beforeAll(async () => {
  gateway = await openGateway(0);
  using written = writeAssembly({ Main: smallTemplate() }, { abc: {} });
  assembly = loadAssembly({
    directory: written.directory,
    parameters: {},
    endpoint: gateway.url,
    apiEndpoint: "http://127.0.0.1:1",
  });
  stores = await startStores({ assembly });
  const keyArn = (id: string) =>
    assembly.ofType("AWS::KMS::Key").find(({ arn, physicalId }) => id === arn || id === physicalId)?.arn;
  gateway.serve({
    assembly,
    access: createAccess(assembly),
    stores,
    scheduler: async ({ method, path, caller }) => {
      schedulerCalls.push(`${caller} ${method} ${path}`);
      return {
        status: 200,
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ScheduleArn: "arn" }),
      };
    },
    kms: createKms({ assembly }),
    keyNames: { resolve: keyArn, ofCiphertext: (bytes) => keyArn(keyIdOf(bytes) ?? "") },
    unkindness,
    crash: (functionId) => crashed.push(functionId),
    onRefusal: (refusal) => refusals.push(refusal),
    onObjectChange: (change) => changes.push(change),
    now: () => now,
  });
  operator = clientsOf(gateway.url, "OPERATOR");
  worker = clientsOf(gateway.url, "Worker");
});

afterAll(async () => {
  operator?.[Symbol.dispose]();
  worker?.[Symbol.dispose]();
  await gateway?.close(0);
  await stores?.close();
});

beforeEach(() => {
  refusals = [];
  changes = [];
  schedulerCalls = [];
  crashed = [];
  now = Date.now();
});

afterEach(() => unkindness.clear());

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const denied = (name: string, action: string) => ({
  name,
  message: expect.stringMatching(new RegExp(`not authorized to perform: ${action}.*Function Worker: add`)),
});

describe("what a role does not allow", () => {
  it("is answered in each service's own words, and reported", async () => {
    await expect(worker.dynamoDb.send(new ScanCommand({ TableName: "tasks" }))).rejects.toMatchObject(
      denied("AccessDeniedException", "dynamodb:Scan"),
    );
    await expect(
      worker.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl("Dead"), MessageBody: "x" })),
    ).rejects.toMatchObject(denied("AccessDeniedException", "sqs:SendMessage"));
    await expect(
      worker.s3.send(new PutObjectCommand({ Bucket, Key: "outcome/a", Body: "x" })),
    ).rejects.toMatchObject(denied("AccessDenied", "s3:PutObject"));
    await expect(
      worker.kms.send(
        new GenerateDataKeyCommand({
          KeyId: keyId(),
          KeySpec: "AES_256",
          EncryptionContext: { accountId: "other" },
        }),
      ),
    ).rejects.toMatchObject(denied("AccessDeniedException", "kms:GenerateDataKey"));
    expect(refusals.map(({ caller, action }) => `${caller} ${action}`)).toEqual([
      "Worker dynamodb:Scan",
      "Worker sqs:SendMessage",
      "Worker s3:PutObject",
      "Worker kms:GenerateDataKey",
    ]);
    expect(changes).toEqual([]);
  });

  it("counts for every item of a transaction", async () => {
    const item = { Put: { TableName: "tasks", Item: { pk: { S: "t" }, sk: { S: "s" } } } };
    const check = { Delete: { TableName: "tasks", Key: { pk: { S: "u" }, sk: { S: "s" } } } };
    await expect(
      worker.dynamoDb.send(new TransactWriteItemsCommand({ TransactItems: [item, check] })),
    ).rejects.toMatchObject(denied("AccessDeniedException", "dynamodb:DeleteItem"));
    const { Item } = await operator.dynamoDb.send(
      new GetItemCommand({ TableName: "tasks", Key: { pk: { S: "t" }, sk: { S: "s" } } }),
    );
    expect(Item).toBeUndefined();
    await worker.dynamoDb.send(new TransactWriteItemsCommand({ TransactItems: [item] }));
  });

  it("includes handing a role to a schedule", async () => {
    const role = assembly.byLogicalId("SchedulerRole")?.arn ?? "";
    const create = new CreateScheduleCommand({
      Name: "t-1",
      ScheduleExpression: "at(2030-01-01T00:00:00)",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: { Arn: "arn:aws:lambda:eu-central-1:000000000000:function:x", RoleArn: role },
    });
    await expect(worker.scheduler.send(create)).rejects.toMatchObject(
      denied("AccessDeniedException", "iam:PassRole"),
    );
    expect(schedulerCalls).toEqual([]);
    await operator.scheduler.send(create);
    expect(schedulerCalls).toEqual(["OPERATOR POST /schedules/t-1"]);
  });

  it("hides whether an object exists, as S3 does without the right to list", async () => {
    await expect(worker.s3.send(new GetObjectCommand({ Bucket, Key: "drop/none" }))).rejects.toMatchObject({
      name: "AccessDenied",
    });
    await expect(worker.s3.send(new HeadObjectCommand({ Bucket, Key: "drop/none" }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
    await expect(operator.s3.send(new GetObjectCommand({ Bucket, Key: "drop/none" }))).rejects.toMatchObject({
      name: "NoSuchKey",
    });
  });

  it("includes being nobody, and calls that nothing here knows", async () => {
    const unsigned = await fetch(`${gateway.url}/drops/drop/a`);
    expect(unsigned.status).toBe(403);
    const authorization = "AWS4-HMAC-SHA256 Credential=Worker/20260101/eu-central-1/s3/aws4_request";
    const acl = await fetch(`${gateway.url}/drops/drop/a?acl`, { headers: { authorization } });
    expect(acl.status).toBe(501);
    const other = await fetch(gateway.url, {
      method: "POST",
      headers: { authorization: authorization.replace("/s3/", "/sns/") },
    });
    expect(other.status).toBe(404);
    expect(refusals.map(({ message }) => message)).toEqual([
      "Worker asked for s3 GET ?acl, which the local cloud does not know.",
      "Worker asked for sns, which the local cloud does not know.",
    ]);
  });
});

describe("objects", () => {
  const read = async (Key: string, Range?: string): Promise<Uint8Array> => {
    const { Body } = await operator.s3.send(new GetObjectCommand({ Bucket, Key, Range }));
    return (await Body?.transformToByteArray()) ?? new Uint8Array();
  };

  it.each([
    ["empty", 0],
    ["small", 10],
    ["larger than what the store takes at once", 20 * mebibyte + 1],
  ])("that are %s are written, reported and read back", async (_name, sizeBytes) => {
    const Body = randomBytes(sizeBytes);
    const Key = `drop/default/${sizeBytes} 你好 🎉 ../x.bin`;
    await worker.s3.send(
      new PutObjectCommand({ Bucket, Key, Body, ContentType: "video/mp4", Metadata: { a: "b" } }),
    );
    const head = await operator.s3.send(new HeadObjectCommand({ Bucket, Key }));
    expect(head).toMatchObject({ ContentLength: sizeBytes, ContentType: "video/mp4", Metadata: { a: "b" } });
    const etag = head.ETag?.replaceAll('"', "") ?? "";
    expect(changes).toEqual([
      { kind: "created", bucket: Bucket, key: Key, reason: "PutObject", sizeBytes, etag },
    ]);
    expect(sha256(await read(Key))).toBe(sha256(Body));
  });

  it("lets one of many conditional writes of an object win, as S3 does", async () => {
    const Key = "outcome/default/conditional.json";
    const put = (Body: string, condition: { IfMatch?: string; IfNoneMatch?: string }) =>
      operator.s3.send(new PutObjectCommand({ Bucket, Key, Body, ...condition })).then(
        ({ ETag }) => ETag,
        (error: Error) => error.name,
      );
    const firsts = await Promise.all(["a", "b", "c"].map((body) => put(body, { IfNoneMatch: "*" })));
    expect(firsts.filter((answer) => answer === "PreconditionFailed")).toHaveLength(2);
    const etag = firsts.find((answer) => answer !== "PreconditionFailed") ?? "";
    const seconds = await Promise.all(["d", "e"].map((body) => put(body, { IfMatch: etag })));
    expect(seconds.filter((answer) => answer === "PreconditionFailed")).toHaveLength(1);
    expect(await put("f", { IfMatch: etag })).toBe("PreconditionFailed");
  });

  it("are read by ranges of one version", async () => {
    const Body = randomBytes(mebibyte);
    const Key = "drop/ranges";
    const { ETag } = await worker.s3.send(new PutObjectCommand({ Bucket, Key, Body }));
    const range = new GetObjectCommand({ Bucket, Key, Range: "bytes=1000-1999", IfMatch: ETag });
    const part = await worker.s3.send(range);
    expect(sha256((await part.Body?.transformToByteArray()) ?? new Uint8Array())).toBe(
      sha256(Body.subarray(1000, 2000)),
    );
    await worker.s3.send(new PutObjectCommand({ Bucket, Key, Body: "other" }));
    await expect(worker.s3.send(range)).rejects.toMatchObject({ name: "PreconditionFailed" });
  });

  it("written in parts are reported once, when they are whole", async () => {
    const Key = "drop/parts";
    const parts = [randomBytes(5 * mebibyte), randomBytes(100)];
    const { UploadId } = await worker.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const Parts = [];
    for (const [index, Body] of parts.entries()) {
      const PartNumber = index + 1;
      const { ETag } = await worker.s3.send(
        new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }),
      );
      Parts.push({ ETag, PartNumber });
    }
    expect(changes).toEqual([]);
    await worker.s3.send(
      new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
    );
    expect(changes).toMatchObject([
      { reason: "CompleteMultipartUpload", key: Key, sizeBytes: 5 * mebibyte + 100 },
    ]);
    expect(sha256(await read(Key))).toBe(sha256(Buffer.concat(parts)));
  });

  it("are reported when they are copied and deleted", async () => {
    await operator.s3.send(new PutObjectCommand({ Bucket, Key: "drop/from", Body: "abc" }));
    await operator.s3.send(
      new CopyObjectCommand({ Bucket, Key: "drop/to", CopySource: `${Bucket}/drop/from` }),
    );
    await operator.s3.send(new DeleteObjectCommand({ Bucket, Key: "drop/from" }));
    await operator.s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "drop/to" }, { Key: "drop/<&>" }] } }),
    );
    expect(changes.map(({ kind, key, reason, sizeBytes }) => [kind, key, reason, sizeBytes])).toEqual([
      ["created", "drop/from", "PutObject", 3],
      ["created", "drop/to", "CopyObject", 3],
      ["deleted", "drop/from", "DeleteObject", 0],
      ["deleted", "drop/to", "DeleteObject", 0],
      ["deleted", "drop/<&>", "DeleteObject", 0],
    ]);
    await expect(
      worker.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "drop/to" }] } })),
    ).rejects.toMatchObject(denied("AccessDenied", "s3:DeleteObject"));
  });

  it("are listed in the order of their bytes, over pages, none lost", async () => {
    const names = ["B", "a", "b-1", "b.1", "B!", "é", "z", "你", "🎉", "￿"].map((name) => `list/${name}`);
    await Promise.all(names.map((Key) => operator.s3.send(new PutObjectCommand({ Bucket, Key, Body: "x" }))));
    const found: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await operator.s3.send(
        new ListObjectsV2Command({ Bucket, Prefix: "list/", MaxKeys: 3, ContinuationToken }),
      );
      found.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ""));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(found).toEqual(
      names.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right))),
    );
  });

  it("can be put by a presigned address until it expires", async () => {
    const query = new URLSearchParams({
      "X-Amz-Credential": "Worker/20261201/eu-central-1/s3/aws4_request",
      "X-Amz-Date": "20261201T090000Z",
      "X-Amz-Expires": "60",
      "X-Amz-Signature": "0",
    });
    const put = (key: string) =>
      fetch(`${gateway.url}/drops/${key}?${query}`, { method: "PUT", body: "presigned" });
    now = Date.parse("2026-12-01T09:00:59Z");
    expect((await put("drop/presigned")).status).toBe(200);
    expect((await put("outcome/presigned")).status).toBe(403);
    now = Date.parse("2026-12-01T09:01:01Z");
    expect((await put("drop/late")).status).toBe(403);
    expect(changes.map(({ key }) => key)).toEqual(["drop/presigned"]);
  });

  it("can be posted by a browser within the policy, however large", async () => {
    const conditions = [
      { bucket: Bucket },
      ["starts-with", "$key", "drop/"],
      ["content-length-range", 1, 13 * mebibyte],
      ["starts-with", "$x-amz-credential", ""],
    ];
    const expiration = new Date(now + 60_000).toISOString();
    const post = (key: string, file: Uint8Array<ArrayBuffer>, caller = "Worker") => {
      const form = new FormData();
      form.set("key", key);
      form.set("x-amz-credential", `${caller}/20261201/eu-central-1/s3/aws4_request`);
      form.set("policy", Buffer.from(JSON.stringify({ expiration, conditions })).toString("base64"));
      form.set("x-amz-signature", "0");
      form.set("file", new Blob([file]), "clip.mp4");
      return fetch(`${gateway.url}/${Bucket}`, { method: "POST", body: form });
    };
    const file = new Uint8Array(randomBytes(12 * mebibyte));
    expect((await post("drop/form-$" + "{filename}", file)).status).toBe(204);
    expect(changes).toMatchObject([
      { key: "drop/form-clip.mp4", reason: "POST Object", sizeBytes: file.length },
    ]);
    expect(sha256(await read("drop/form-clip.mp4"))).toBe(sha256(file));

    const tooLarge = await post("drop/large", new Uint8Array(14 * mebibyte));
    expect(await tooLarge.text()).toMatch(/EntityTooLarge/);
    const elsewhere = await post("outcome/a", file.subarray(0, 10));
    expect(await elsewhere.text()).toMatch(/AccessDenied.*Invalid according to Policy/);
    expect((await post("drop/ghost", file.subarray(0, 10), "Ghost")).status).toBe(403);
    expect(changes.length).toBe(1);
  });
});

describe("queues and tables", () => {
  it("carry messages with characters of every plane, and have the template's attributes", async () => {
    const QueueUrl = queueUrl("Jobs");
    expect(QueueUrl).toBe(`${gateway.url}/000000000000/jobs`);
    await worker.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "你好 🎉" }));
    const { Messages } = await worker.sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1 }));
    expect(Messages?.map(({ Body }) => Body)).toEqual(["你好 🎉"]);
  });

  it("give a message back when its poller has gone away during the long poll", async () => {
    const QueueUrl = queueUrl("Dead");
    const gone = new AbortController();
    const polling = operator.sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 2 }), {
      abortSignal: gone.signal,
    });
    gone.abort();
    await expect(polling).rejects.toThrow();
    await operator.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "not lost" }));
    const received = await vi.waitFor(
      async () => {
        const { Messages } = await operator.sqs.send(
          new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1 }),
        );
        expect(Messages).toHaveLength(1);
        return Messages?.[0]?.Body;
      },
      { timeout: 10_000 },
    );
    expect(received).toBe("not lost");
  });

  it("have streams under the template's names", async () => {
    const [StreamArn] = stores.streams.keys();
    expect(StreamArn).toMatch(/^arn:aws:dynamodb:eu-central-1:000000000000:table\/tasks\/stream\//);
    await worker.dynamoDb.send(
      new PutItemCommand({ TableName: "tasks", Item: { pk: { S: "stream" }, sk: { S: "s" } } }),
    );
    const { StreamDescription } = await worker.streams.send(new DescribeStreamCommand({ StreamArn }));
    expect(StreamDescription?.StreamArn).toBe(StreamArn);
    const found: (string | undefined)[] = [];
    for (const { ShardId } of StreamDescription?.Shards ?? []) {
      const { ShardIterator } = await worker.streams.send(
        new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" }),
      );
      const { Records } = await worker.streams.send(new GetRecordsCommand({ ShardIterator }));
      found.push(...(Records ?? []).map(({ dynamodb }) => dynamodb?.Keys?.["pk"]?.S));
    }
    expect(found).toContain("stream");
  });

  it("keep secrets bound to their encryption context", async () => {
    const EncryptionContext = { accountId: "main" };
    const { CiphertextBlob, Plaintext } = await worker.kms.send(
      new GenerateDataKeyCommand({ KeyId: keyId(), KeySpec: "AES_256", EncryptionContext }),
    );
    const opened = await worker.kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }));
    expect(opened.Plaintext).toEqual(Plaintext);
    await expect(
      operator.kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: { accountId: "other" } })),
    ).rejects.toMatchObject({ name: "InvalidCiphertextException" });
  });
});

describe("unkindness", () => {
  const put = (pk: string, client = worker) =>
    client.dynamoDb.send(
      new PutItemCommand({ TableName: "tasks", Item: { pk: { S: pk }, sk: { S: "s" }, owner: { S: "o" } } }),
    );
  const get = async (pk: string) =>
    (
      await operator.dynamoDb.send(
        new GetItemCommand({ TableName: "tasks", Key: { pk: { S: pk }, sk: { S: "s" } } }),
      )
    ).Item;

  it("throttles in the words of each service", async () => {
    unkindness.add({ kind: "throttle" });
    await expect(put("throttled")).rejects.toMatchObject({
      name: "ThrottlingException",
    });
    await expect(
      worker.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl("Jobs"), MessageBody: "x" })),
    ).rejects.toMatchObject({ name: "RequestThrottled" });
    await expect(worker.s3.send(new GetObjectCommand({ Bucket, Key: "drop/a" }))).rejects.toMatchObject({
      name: "SlowDown",
    });
    expect(await get("throttled")).toBeUndefined();
    await put("operator", operator);
  });

  it("loses an answer after the write", async () => {
    unkindness.add({ kind: "lost-answer", operation: "PutItem", times: 1 });
    await expect(put("lost")).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect(await get("lost")).toBeDefined();
    unkindness.add({ kind: "lost-answer", operation: "PutObject", times: 1 });
    await expect(
      worker.s3.send(new PutObjectCommand({ Bucket, Key: "drop/lost", Body: "x" })),
    ).rejects.toThrow();
    expect(changes).toMatchObject([{ key: "drop/lost" }]);
  });

  it.each([
    ["before", false],
    ["after", true],
  ] as const)("lets the caller die %s its request was carried out", async (when, isDone) => {
    unkindness.add({ kind: "crash", when, operation: "PutItem" });
    unkindness.add({ kind: "crash", when, operation: "PutObject" });
    await expect(put(`died ${when}`)).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect(crashed).toEqual(["Worker"]);
    expect((await get(`died ${when}`)) !== undefined).toBe(isDone);
    await expect(
      worker.s3.send(new PutObjectCommand({ Bucket, Key: `drop/died-${when}`, Body: "x" })),
    ).rejects.toThrow();
    expect(crashed.length).toBeGreaterThan(1);
    expect(changes.some(({ key }) => key === `drop/died-${when}`)).toBe(isDone);
    await put("operator lives", operator);
  });

  it("sends a message twice", async () => {
    const send = (text: string, client = worker) =>
      client.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl("Jobs"), MessageBody: text }));
    unkindness.add({ kind: "twice", times: 1 });
    await send("the operator is never met", operator);
    await send("doubled");
    await send("single");
    const bodies: (string | undefined)[] = [];
    for (;;) {
      const { Messages = [] } = await operator.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl("Jobs"),
          MaxNumberOfMessages: 10,
          WaitTimeSeconds: 1,
        }),
      );
      if (Messages.length === 0) break;
      bodies.push(...Messages.map(({ Body }) => Body));
    }
    expect(bodies.filter((body) => body === "doubled")).toHaveLength(2);
    expect(bodies.filter((body) => body === "single")).toHaveLength(1);
    expect(bodies.filter((body) => body?.includes("operator"))).toHaveLength(1);
  });

  it("cancels transactions for a conflict", async () => {
    unkindness.add({ kind: "conflict", times: 1 });
    const items = [{ Put: { TableName: "tasks", Item: { pk: { S: "conflict" }, sk: { S: "s" } } } }];
    const send = () => worker.dynamoDb.send(new TransactWriteItemsCommand({ TransactItems: items }));
    await expect(send()).rejects.toMatchObject({
      name: "TransactionCanceledException",
      CancellationReasons: [{ Code: "TransactionConflict" }],
    });
    await send();
  });

  it("answers index queries as if the newest items had not arrived", async () => {
    const query = async () => {
      const { Items, Count } = await worker.dynamoDb.send(
        new QueryCommand({
          TableName: "tasks",
          IndexName: "byOwner",
          KeyConditionExpression: "#o = :o",
          ExpressionAttributeNames: { "#o": "owner" },
          ExpressionAttributeValues: { ":o": { S: "o" } },
        }),
      );
      expect(Count).toBe(Items?.length);
      return (Items ?? []).map(({ pk }) => pk?.S);
    };
    await put("old");
    unkindness.add({ kind: "stale-index", staleForMs: 1_000 });
    await put("new");
    const stale = await query();
    expect(stale).toContain("old");
    expect(stale).not.toContain("new");
    now += 1_001;
    expect(await query()).toContain("new");
  });
});

const queueUrl = (logicalId: string): string => assembly.byLogicalId(logicalId)?.physicalId ?? "";
const keyId = (): string => assembly.byLogicalId("Key")?.physicalId ?? "";
