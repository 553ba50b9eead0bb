import { describe, expect, it } from "vitest";
import { decodeAwsChunked } from "#infra/local/gateway/aws-chunked.ts";
import { readCaller } from "#infra/local/gateway/caller.ts";
import { dynamoDbRights } from "#infra/local/gateway/dynamodb-rights.ts";
import { keyRights } from "#infra/local/gateway/key-rights.ts";
import { readObjectRequest } from "#infra/local/gateway/object-rights.ts";
import { checkPolicy, limitSize, readPostForm } from "#infra/local/gateway/post-form.ts";
import { queueRights } from "#infra/local/gateway/queue-rights.ts";
import { type Right, UnknownCall } from "#infra/local/gateway/rights.ts";
import { scheduleRights } from "#infra/local/gateway/schedule-rights.ts";
import { createUnkindness } from "#infra/local/gateway/unkindness.ts";

const place = { region: "eu-central-1", accountId: "000000000000" };
const table = "arn:aws:dynamodb:eu-central-1:000000000000:table/tasks";

/** Yields text in pieces of every small size, so that each boundary is cut somewhere. */
async function* pieces(text: string, sizeBytes: number): AsyncGenerator<Buffer> {
  const all = Buffer.from(text);
  for (let offset = 0; offset < all.length; offset += sizeBytes) {
    yield all.subarray(offset, offset + sizeBytes);
  }
}

async function gather(source: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = [];
  for await (const piece of source) {
    all.push(piece);
  }
  return Buffer.concat(all).toString();
}

describe("the caller", () => {
  it("is read from the credential scope, wherever it is", () => {
    const scope = "Worker/20261201/eu-central-1/sqs/aws4_request";
    const expected = { id: "Worker", service: "sqs" };
    expect(
      readCaller(
        { authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host` },
        new URLSearchParams(),
      ),
    ).toEqual(expected);
    expect(readCaller({}, new URLSearchParams({ "X-Amz-Credential": scope }))).toEqual(expected);
    expect(readCaller({}, new URLSearchParams())).toBeUndefined();
    expect(readCaller({ authorization: "Bearer token" }, new URLSearchParams())).toBeUndefined();
  });
});

describe("rights of API calls", () => {
  const dynamo = (operation: string, body: object): readonly Right[] =>
    dynamoDbRights(place, operation, body as Record<string, unknown>, (local) =>
      local.replace("ddblocal", "eu-central-1"),
    );

  it.each<[string, object, readonly [string, string][]]>([
    ["GetItem", { TableName: "tasks" }, [["GetItem", table]]],
    ["GetItem", { TableName: table }, [["GetItem", table]]],
    ["Query", { TableName: "tasks", IndexName: "wake" }, [["Query", `${table}/index/wake`]]],
    ["Query", { TableName: "tasks" }, [["Query", table]]],
    ["Scan", { TableName: "tasks" }, [["Scan", table]]],
    [
      "BatchGetItem",
      { RequestItems: { tasks: {}, other: {} } },
      [
        ["BatchGetItem", table],
        ["BatchGetItem", table.replace("tasks", "other")],
      ],
    ],
    [
      "TransactWriteItems",
      {
        TransactItems: [
          { Put: { TableName: "tasks" } },
          { Update: { TableName: "tasks" } },
          { Delete: { TableName: "tasks" } },
          { ConditionCheck: { TableName: "tasks" } },
        ],
      },
      [
        ["PutItem", table],
        ["UpdateItem", table],
        ["DeleteItem", table],
        ["ConditionCheckItem", table],
      ],
    ],
    ["TransactGetItems", { TransactItems: [{ Get: { TableName: "tasks" } }] }, [["GetItem", table]]],
    [
      "GetRecords",
      { ShardIterator: "000|arn:aws:dynamodb:ddblocal:000000000000:table/tasks/stream/1|x" },
      [["GetRecords", `${table}/stream/1`]],
    ],
  ])("dynamodb %s", (operation, body, expected) => {
    expect(dynamo(operation, body)).toEqual(
      expected.map(([action, resource]) => ({ action: `dynamodb:${action}`, resource })),
    );
  });

  it("lets no call pass whose rights it cannot work out", () => {
    expect(() => dynamo("ExecuteStatement", {})).toThrow(UnknownCall);
    expect(() => dynamo("TransactWriteItems", { TransactItems: [{ Upsert: {} }] })).toThrow(UnknownCall);
    expect(() => queueRights(place, "AddPermission", {})).toThrow(UnknownCall);
    expect(() => scheduleRights(place, "POST", "/tags/x", new URLSearchParams(), {})).toThrow(UnknownCall);
    expect(() => readObjectRequest("PUT", "/drops/a", new URLSearchParams("acl"), {})).toThrow(UnknownCall);
  });

  it("sqs: a batch needs the single right", () => {
    const QueueUrl = "http://127.0.0.1:4552/000000000000/jobs";
    const resource = "arn:aws:sqs:eu-central-1:000000000000:jobs";
    expect(queueRights(place, "DeleteMessageBatch", { QueueUrl })).toEqual([
      { action: "sqs:DeleteMessage", resource },
    ]);
    expect(queueRights(place, "GetQueueUrl", { QueueName: "jobs" })).toEqual([
      { action: "sqs:GetQueueUrl", resource },
    ]);
  });

  it("scheduler: a schedule that gets a role needs iam:PassRole too", () => {
    const body = { GroupName: "tasks", Target: { RoleArn: "arn:aws:iam::000000000000:role/s" } };
    const pass = {
      action: "iam:PassRole",
      resource: body.Target.RoleArn,
      context: { "iam:PassedToService": "scheduler.amazonaws.com" },
    };
    const resource = "arn:aws:scheduler:eu-central-1:000000000000:schedule/tasks/t-1";
    const query = new URLSearchParams();
    expect(scheduleRights(place, "POST", "/schedules/t-1", query, body)).toEqual([
      { action: "scheduler:CreateSchedule", resource },
      pass,
    ]);
    expect(scheduleRights(place, "PUT", "/schedules/t-1", query, body)).toEqual([
      { action: "scheduler:UpdateSchedule", resource },
      pass,
    ]);
    expect(
      scheduleRights(place, "DELETE", "/schedules/t-1", new URLSearchParams("groupName=tasks"), {}),
    ).toEqual([{ action: "scheduler:DeleteSchedule", resource }]);
  });

  it("kms: the encryption context becomes condition keys, and a ciphertext names its key", () => {
    const names = {
      resolve: (id: string) => (id === "alias/a" ? "arn:key" : undefined),
      ofCiphertext: () => "arn:cipher",
    };
    const body = { EncryptionContext: { accountId: "main" } };
    const context = { "kms:EncryptionContext:accountId": "main", "kms:EncryptionContextKeys": ["accountId"] };
    expect(keyRights(place, "GenerateDataKey", { ...body, KeyId: "alias/a" }, names)).toEqual([
      { action: "kms:GenerateDataKey", resource: "arn:key", context },
    ]);
    expect(keyRights(place, "Decrypt", { ...body, CiphertextBlob: "AA==" }, names)[0]?.resource).toBe(
      "arn:cipher",
    );
    expect(keyRights(place, "Decrypt", { KeyId: "ghost" }, names)[0]?.resource).toMatch(/key\/ghost$/);
  });

  it.each<[string, string, string, Record<string, string>, string, readonly [string, string][]]>([
    ["GET", "/drops/drop/a%20b", "", {}, "Read", [["GetObject", "drops/drop/a b"]]],
    ["HEAD", "/drops/a", "", {}, "Read", [["GetObject", "drops/a"]]],
    ["PUT", "/drops/a", "", {}, "PutObject", [["PutObject", "drops/a"]]],
    ["PUT", "/drops/a", "partNumber=1&uploadId=u", {}, "UploadPart", [["PutObject", "drops/a"]]],
    ["POST", "/drops/a", "uploadId=u", {}, "CompleteMultipartUpload", [["PutObject", "drops/a"]]],
    [
      "PUT",
      "/drops/a",
      "",
      { "x-amz-copy-source": "/other/b%2Fc" },
      "CopyObject",
      [
        ["PutObject", "drops/a"],
        ["GetObject", "other/b/c"],
      ],
    ],
    ["DELETE", "/drops/a", "", {}, "DeleteObject", [["DeleteObject", "drops/a"]]],
    ["DELETE", "/drops/a", "uploadId=u", {}, "Other", [["AbortMultipartUpload", "drops/a"]]],
  ])("s3 %s %s?%s", (method, path, query, headers, call, rights) => {
    const request = readObjectRequest(method, path, new URLSearchParams(query), headers);
    expect(request.call).toBe(call);
    expect(request.rights).toEqual(
      rights.map(([action, key]) => ({ action: `s3:${action}`, resource: `arn:aws:s3:::${key}` })),
    );
  });

  it("s3: a listing carries its prefix as a condition key", () => {
    const query = new URLSearchParams({ "list-type": "2", prefix: "drop/", "max-keys": "10" });
    expect(readObjectRequest("GET", "/drops/", query, {}).rights).toEqual([
      {
        action: "s3:ListBucket",
        resource: "arn:aws:s3:::drops",
        context: { "s3:prefix": "drop/", "s3:max-keys": "10" },
      },
    ]);
  });
});

describe("aws-chunked bodies", () => {
  const framed =
    "5;chunk-signature=abc\r\nhello\r\n3\r\n, y\r\n2\r\nou\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n";

  it.each([1, 2, 3, 7, 1_000])("are decoded when they arrive in pieces of %d bytes", async (size) => {
    expect(await gather(decodeAwsChunked(pieces(framed, size)))).toBe("hello, you");
  });

  it("must be whole and framed", async () => {
    await expect(gather(decodeAwsChunked(pieces("5\r\nhel", 3)))).rejects.toThrow(RangeError);
    await expect(gather(decodeAwsChunked(pieces("hello\r\n", 3)))).rejects.toThrow(RangeError);
  });
});

describe("browser uploads", () => {
  const form = (file: string, fields: Record<string, string>): string =>
    [
      ...Object.entries(fields).map(
        ([name, value]) => `--B\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
      ),
      `--B\r\nContent-Disposition: form-data; name="file"; filename="C:\\cat.jpg"\r\nContent-Type: image/jpeg\r\n\r\n${file}\r\n--B--\r\n`,
    ].join("");
  const contentType = "multipart/form-data; boundary=B";

  it.each([1, 5, 64, 10_000])("are read when they arrive in pieces of %d bytes", async (size) => {
    const body = form("line\r\n--not the end\r\n", { key: "drop/a", empty: "" });
    const read = await readPostForm(pieces(body, size), contentType);
    expect(Object.fromEntries(read.fields)).toEqual({ key: "drop/a", empty: "" });
    expect(read.fileName).toBe("cat.jpg");
    expect(await gather(read.file)).toBe("line\r\n--not the end\r\n");
  });

  it("may be empty files", async () => {
    const read = await readPostForm(pieces(form("", { key: "k" }), 3), contentType);
    expect(await gather(read.file)).toBe("");
  });

  it("must be whole, with a boundary, and with short fields", async () => {
    const cut = form("x".repeat(100), { key: "k" }).slice(0, -40);
    const read = await readPostForm(pieces(cut, 10), contentType);
    await expect(gather(read.file)).rejects.toMatchObject({ code: "MalformedPOSTRequest" });
    await expect(readPostForm(pieces("", 1), "multipart/form-data")).rejects.toMatchObject({
      code: "MalformedPOSTRequest",
    });
    const long = form("x", { key: "k".repeat(30_000) });
    await expect(readPostForm(pieces(long, 1_000), contentType)).rejects.toMatchObject({
      code: "MaxPostPreDataLengthExceeded",
    });
  });

  const now = new Date("2026-12-01T09:00:00Z");
  const signed = (
    conditions: unknown[],
    fields: Record<string, string>,
    expiration = "2026-12-01T10:00:00Z",
  ) => {
    const policy = Buffer.from(JSON.stringify({ expiration, conditions })).toString("base64");
    return checkPolicy(
      { fields: new Map(Object.entries({ ...fields, policy, "x-amz-signature": "s" })) },
      "drops",
      now,
    );
  };
  const conditions = [{ bucket: "drops" }, ["starts-with", "$key", "drop/"], ["content-length-range", 1, 3]];

  it("are held to their policy", () => {
    expect(signed(conditions, { key: "drop/a" })).toEqual({ shortestBytes: 1, longestBytes: 3 });
    const refused = (run: () => unknown) => expect(run).toThrow(/Invalid according to Policy/);
    refused(() => signed(conditions, { key: "outcome/a" }));
    refused(() => signed([{ bucket: "other" }, ...conditions], { key: "drop/a" }));
    refused(() => signed(conditions, { key: "drop/a" }, "2026-12-01T08:59:59Z"));
    refused(() => signed(conditions, { key: "drop/a", "content-type": "text/html" }));
    expect(() => checkPolicy({ fields: new Map([["key", "a"]]) }, "drops", now)).toThrow(/Invalid JSON/);
  });

  it("are held to the size their policy allows", async () => {
    const allowed = { shortestBytes: 2, longestBytes: 3 };
    expect(await gather(limitSize(pieces("abc", 1), allowed))).toBe("abc");
    await expect(gather(limitSize(pieces("abcd", 1), allowed))).rejects.toMatchObject({
      code: "EntityTooLarge",
    });
    await expect(gather(limitSize(pieces("a", 1), allowed))).rejects.toMatchObject({
      code: "EntityTooSmall",
    });
  });
});

describe("unkind rules", () => {
  const put = { service: "dynamodb", operation: "PutItem", caller: "Worker" };

  it("strike by service, call, caller, count and chance, and can be taken back", () => {
    let chance = 0;
    const unkindness = createUnkindness(() => chance);
    const takeBack = unkindness.add({ kind: "throttle", service: "dynamodb", operation: "PutItem", nth: 2 });
    expect(unkindness.strike(put)).toBeUndefined();
    expect(unkindness.strike({ ...put, operation: "GetItem" })).toBeUndefined();
    expect(unkindness.strike(put)?.kind).toBe("throttle");
    expect(unkindness.strike(put)).toBeUndefined();
    takeBack();

    unkindness.add({ kind: "lost-answer", caller: "Other" });
    unkindness.add({ kind: "throttle", probability: 0.5, times: 1 });
    chance = 0.6;
    expect(unkindness.strike(put)).toBeUndefined();
    chance = 0.4;
    expect(unkindness.strike(put)?.kind).toBe("throttle");
    expect(unkindness.strike(put)).toBeUndefined();
    expect(unkindness.strike({ ...put, caller: "Other" })?.kind).toBe("lost-answer");
    unkindness.clear();
    unkindness.add({ kind: "throttle", operation: ["PutItem", "UpdateItem"], nth: 2 });
    expect(unkindness.strike(put)).toBeUndefined();
    expect(unkindness.strike({ ...put, operation: "GetItem" })).toBeUndefined();
    expect(unkindness.strike({ ...put, operation: "UpdateItem" })?.kind).toBe("throttle");
    unkindness.clear();
    expect(unkindness.strike({ ...put, caller: "Other" })).toBeUndefined();
  });

  it("double deliveries only, and never strike a request", () => {
    const unkindness = createUnkindness(() => 0);
    const firing = { service: "lambda", operation: "InvokeAsync", caller: "Worker" };
    unkindness.add({ kind: "throttle", times: 1 });
    expect(unkindness.doubles(firing)).toBe(false);
    unkindness.add({ kind: "twice", caller: "Worker", times: 2 });
    expect(unkindness.doubles({ ...firing, caller: "Other" })).toBe(false);
    expect([unkindness.doubles(firing), unkindness.doubles(firing), unkindness.doubles(firing)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(unkindness.strike(put)?.kind).toBe("throttle");
    expect(unkindness.strike(put)).toBeUndefined();
  });

  it("cancel only transactions, and age only queries", () => {
    const unkindness = createUnkindness(() => 0);
    unkindness.add({ kind: "conflict" });
    unkindness.add({ kind: "stale-index", staleForMs: 500 });
    expect(unkindness.strike(put)).toBeUndefined();
    expect(unkindness.strike({ ...put, operation: "TransactWriteItems" })?.kind).toBe("conflict");
    expect(unkindness.strike({ ...put, operation: "Query" })?.kind).toBe("stale-index");
    expect(unkindness.staleForMs()).toBe(500);
  });
});
