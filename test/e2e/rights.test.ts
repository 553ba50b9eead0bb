/**
 * Every right that the template grants is used on the ways that Punctual goes, and nothing else is asked for. A right
 * that no way uses is either taken away or stands in one list, with the reason why it is granted all the same.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { DeleteCommand, DynamoDBDocumentClient, GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as z from "zod";
import type { UnkindRule } from "#infra/local/gateway/unkindness.ts";
import { SANDBOX_OAUTH2 } from "#infra/local/sandbox/credentials.ts";
import { jobHistory } from "#shared/contract/job-view.ts";
import { policyVersionPage, policyView } from "#shared/contract/policy-view.ts";
import { runView } from "#shared/contract/run-view.ts";
import { taskDetail } from "#shared/contract/task-detail.ts";
import { covers, type Grant, grantsOf, usedRights } from "#test/support/grants.ts";
import { startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { waitFor } from "#test/support/wait-for.ts";

const ROOT = join(import.meta.dirname, "../..");
const PHOTO = readFileSync(join(ROOT, "infra/local/samples/harbour.jpg"));
const CLIP = readFileSync(join(ROOT, "infra/local/samples/clip.mp4"));

type TaskDetail = z.output<typeof taskDetail>;

/** Longer than SQS can delay: it becomes a schedule. */
const LONG_S = 1_000;
/** A retry after a rate limit has up to 10 s of jitter. */
const PATIENCE_MS = 60_000;

interface Exception {
  readonly of: RegExp;
  readonly action: RegExp;
  /** Absent: on anything. */
  readonly on?: RegExp;
  readonly why: string;
}

/** Rights that no way on this machine uses. */
const UNUSED: readonly Exception[] = [
  {
    of: /./,
    action: /^logs:(CreateLogStream|PutLogEvents)$/,
    why: "Lambda itself writes the log with the role of the function; here the lines go to a file",
  },
  {
    of: /^relay-events$/,
    action: /^dynamodb:ListStreams$/,
    why: "Lambda asks for it when it creates a mapping of a stream; here the stream is known from the template",
  },
  {
    of: /^events\.amazonaws\.com$/,
    action: /^lambda:InvokeFunction$/,
    on: /ExpandRecurrences/,
    why: "its rule comes once an hour, which is not waited for",
  },
  {
    of: /^expand-recurrences$/,
    action: /^sqs:SendMessage$/,
    why: "its dead letters need a failure of its hourly rule, which is not waited for; the queue of uploads, media",
  },
];

const inSeconds = (seconds: number): string =>
  `${new Date(Math.ceil(Date.now() / 1_000 + seconds) * 1_000).toISOString().slice(0, 19)}Z`;

let punctual: TestPunctual;
let table: string;
let documents: DynamoDBDocumentClient;
let queues: SQSClient;

beforeAll(async () => {
  punctual = await startPunctual();
  const operator = {
    endpoint: punctual.cloud.gatewayUrl,
    region: punctual.cloud.assembly.region,
    credentials: { accessKeyId: "OPERATOR", secretAccessKey: "local" },
  };
  table = punctual.cloud.outputs["TableName"] ?? "";
  documents = DynamoDBDocumentClient.from(new DynamoDBClient(operator));
  queues = new SQSClient(operator);
});
afterAll(async () => {
  documents?.destroy();
  queues?.destroy();
  await punctual?.close();
});

const wasPosted = (text: string): boolean =>
  punctual.sandbox?.posts().some((post) => post.text === text) ?? false;

const posted = (text: string, deadlineMs = PATIENCE_MS): Promise<true> =>
  waitFor(`the post ${text}`, () => (wasPosted(text) ? true : undefined), deadlineMs).catch((cause) => {
    const reports = punctual.cloud.reports().map(({ message }) => message);
    throw new Error(`reports: ${reports.join("\n") || "none"}`, { cause });
  });

async function detailOf(id: string): Promise<TaskDetail> {
  return taskDetail.parse(await (await punctual.api(`/scheduling/tasks/${id}`)).json());
}

async function create(body: object): Promise<string> {
  const answer = await punctual.api("/scheduling/tasks", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(202);
  return ((await answer.json()) as { id: string }).id;
}

const statusIs = (id: string, ...statuses: readonly string[]): Promise<TaskDetail> =>
  waitFor(
    `${id} to be ${statuses.join(" or ")}`,
    async () => {
      const detail = await detailOf(id);
      return statuses.includes(detail.status) ? detail : undefined;
    },
    PATIENCE_MS,
  );

/** Drops a post with one photo. Answers the id of its task. */
async function dropPhoto(
  base: string,
  text: string,
  publishAt: string,
  project = "default",
): Promise<string> {
  await punctual.put(
    `${base}.md`,
    `---\npublishAt: ${publishAt}\nmedia: [${base}.jpg]\n---\n${text}\n`,
    project,
  );
  await waitFor(`${base} to wait`, async () => ((await punctual.outcome(base, project)) ? true : undefined));
  await punctual.put(`${base}.jpg`, PHOTO, project);
  return waitFor(`the task of ${base}`, async () => {
    const outcome = await punctual.outcome(base, project);
    return outcome && "id" in outcome ? outcome.id : undefined;
  });
}

/** Makes a task due for the sweeper: what minutes would do, with the index that it reads. */
async function letWakePass(id: string, ended: readonly string[] = []): Promise<void> {
  const Key = { pk: `TASK#${id}`, sk: "TASK" };
  const past = new Date(Date.now() - 1_000).toISOString();
  const { Item } = await documents.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
  const wakeSk = String(Item?.["wakeSk"]).replace(/^[^#]+/, past);
  const names = ["wakeAt", ...ended];
  await documents.send(
    new UpdateCommand({
      TableName: table,
      Key,
      UpdateExpression: `SET wakeSk = :wake, ${names.map((name) => `${name} = :past`).join(", ")}`,
      ExpressionAttributeValues: { ":wake": wakeSk, ":past": past },
    }),
  );
}

/** Breaks calls of a function while something is done. */
async function during<Value>(rule: UnkindRule, work: () => Promise<Value>): Promise<Value> {
  const undo = punctual.cloud.unkindness.add(rule);
  try {
    return await work();
  } finally {
    undo();
  }
}

const deadLetter = (output: string): Promise<string> =>
  waitFor(
    `a message in ${output}`,
    async () => {
      const { Messages = [] } = await queues.send(
        new ReceiveMessageCommand({ QueueUrl: punctual.cloud.outputs[output] }),
      );
      return Messages[0]?.Body;
    },
    PATIENCE_MS + 30_000,
  );

describe("files", () => {
  it("a text that is due now", async () => {
    await punctual.put("words.txt", "Only words");
    await posted("Only words");
  });

  it("a photo that takes the way through Scheduler, and one that goes through the queues", async () => {
    await dropPhoto("later", "A photo on time", inSeconds(9));
    await dropPhoto("now", "A photo at once", "now");
    await posted("A photo on time");
    await posted("A photo at once");
  });

  it("a video, whose processing is waited for", async () => {
    await punctual.put("clip.mp4", CLIP);
    await punctual.put("clip.md", "---\nmedia: [clip.mp4]\n---\nA clip\n");
    await posted("A clip");
  });

  it("a thread", async () => {
    await punctual.put("thread.md", "---\nmedia: []\n---\nThe first\n---\nThe second\n");
    await posted("The second");
  });

  it("a change before it is due", async () => {
    await punctual.put("edit.md", `---\npublishAt: ${inSeconds(600)}\nmedia: []\n---\nNot this\n`);
    await punctual.outcomeWhen("edit", ["pending"]);
    await punctual.put("edit.md", `---\npublishAt: ${inSeconds(6)}\nmedia: []\n---\nBut this\n`);
    await posted("But this");
    expect(wasPosted("Not this")).toBe(false);
  });

  it("a photo that is gone when it should be uploaded", async () => {
    await dropPhoto("gone", "Never to be seen", inSeconds(9));
    await punctual.s3.send(
      new DeleteObjectCommand({ Bucket: punctual.bucket, Key: "drop/default/gone.jpg" }),
    );
    expect(await punctual.outcomeWhen("gone", ["failed", "held"])).toHaveProperty("reason");
  });

  it("a photo that X has forgotten when the post is due", async () => {
    const id = await dropPhoto("forgotten", "Uploaded twice", inSeconds(12));
    await statusIs(id, "ready");
    await documents.send(new DeleteCommand({ TableName: table, Key: { pk: `TASK#${id}`, sk: "MEDIA#0" } }));
    await posted("Uploaded twice");
  });
});

describe("the API", () => {
  it("creates for now and for later, lists, reads, cancels, and tells its health", async () => {
    const later = await create({ text: "Not yet", publishAt: inSeconds(3_600) });
    await create({ text: "Right now" });
    for (const query of ["", "?project=default&status=pending", "?account=main"])
      expect((await punctual.api(`/scheduling/tasks${query}`)).status).toBe(200);
    expect(await detailOf(later)).toMatchObject({ status: "pending" });
    expect((await punctual.api(`/scheduling/tasks/${later}`, { method: "DELETE" })).status).toBe(200);
    expect((await punctual.api("/system/health")).status).toBe(200);
    await posted("Right now");
  });

  it("reads, changes and remembers a policy, which holds from the next post on", async () => {
    const read = async (path = "") => (await punctual.api(`/projects/default/policy${path}`)).json();
    const write = async (policy: object): Promise<unknown> => {
      const answer = await punctual.api("/projects/default/policy", {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...policyView.parse(await read()), ...policy }),
      });
      expect(answer.status).toBe(200);
      return answer.json();
    };
    await write({ frozen: true });
    const id = await create({ text: "After the frost" });
    expect(await statusIs(id, "retrying")).toMatchObject({ reason: { code: "frozen" } });
    await write({ frozen: false });
    expect((await punctual.api(`/scheduling/tasks/${id}/publish-now`, { method: "POST" })).status).toBe(202);
    await posted("After the frost");
    expect(policyVersionPage.parse(await read("/versions")).items.map(({ frozen }) => frozen)).toEqual([
      false,
      true,
      false,
    ]);
  });

  it("publishes now what was dropped for later", async () => {
    const id = await dropPhoto("early", "Sooner", inSeconds(3_600));
    expect((await punctual.api(`/scheduling/tasks/${id}/publish-now`, { method: "POST" })).status).toBe(202);
    await posted("Sooner");
  });
});

describe("planning", () => {
  const send = (method: string, path: string, body: object) =>
    punctual.api(path, {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  it("chooses slots, and compares texts with what was said before", async () => {
    const { version } = policyView.parse(await (await punctual.api("/projects/default/policy")).json());
    const duplicates = { window: "30d", threshold: 0.6, near: "warns" };
    expect((await send("PUT", "/projects/default/policy", { version, duplicates })).status).toBe(200);
    const text = "The tide turns at noon, and the boats leave the harbour one after the other";
    for (const [name, words] of [
      ["tide-1", text],
      ["tide-2", text.replace("noon", "nine")],
    ])
      await punctual.put(`${name}.md`, `---\nstrategy: optimal\nmedia: []\n---\n${words}\n`);
    await Promise.all(["tide-1", "tide-2"].map((name) => punctual.outcomeWhen(name, ["pending"])));
    const id = await create({ text: text.replace("noon", "ten"), strategy: "next-free" });
    expect((await punctual.api(`/scheduling/tasks/${id}/conflicts`)).status).toBe(200);
    const open = { version: version + 1, preset: "open" };
    expect((await send("PUT", "/projects/default/policy", open)).status).toBe(200);
  });

  it("makes tasks of what recurs: near, far, changed and left out", async () => {
    const file = (text: string) =>
      `---\nrecurrence: FREQ=DAILY;COUNT=3\npublishAt: ${inSeconds(3_600)}\nmedia: []\n---\n${text}\n`;
    await punctual.put("daily.md", file("Dropped once"));
    await punctual.outcomeWhen("daily", ["accepted"]);
    await punctual.put("daily.md", file("Dropped twice"));
    await waitFor("the change", async () => {
      const listed = JSON.stringify(await (await punctual.api("/scheduling/tasks?limit=100")).json());
      return listed.includes("Dropped twice") ? true : undefined;
    });

    const wanted = {
      name: "tide",
      texts: ["High tide", "Low tide"],
      rule: "FREQ=DAILY;COUNT=3",
      dtStart: inSeconds(20),
    };
    const made = await send("POST", "/scheduling/recurrences", { ...wanted, paused: true });
    expect(made.status).toBe(201);
    const { id } = (await made.json()) as { id: string };
    /** Due for the function, as if the request had had no time to expand it. */
    const expandAs = async (status: string): Promise<void> => {
      const past = new Date(Date.now() - 1_000).toISOString();
      await documents.send(
        new UpdateCommand({
          TableName: table,
          Key: { pk: `RECURRENCE#${id}`, sk: "RECURRENCE" },
          UpdateExpression: "SET wakeAt = :past, wakePk = :expand, wakeSk = :key, #status = :status",
          ExpressionAttributeNames: { "#status": "status" },
          ExpressionAttributeValues: {
            ":past": past,
            ":expand": "EXPAND",
            ":key": `${past}#${id}`,
            ":status": status,
          },
        }),
      );
      expect(await punctual.cloud.invoke(punctual.functionId("expand-recurrences"), {})).toMatchObject({
        ok: true,
      });
    };
    await expandAs("active");
    await posted("High tide");
    await expandAs("paused");
    expect((await send("PUT", `/scheduling/recurrences/${id}`, wanted)).status).toBe(200);
    expect((await punctual.api(`/scheduling/recurrences/${id}`, { method: "DELETE" })).status).toBe(200);
  });
});

describe("what went wrong", () => {
  it("a sweep that failed is set aside for a person, and the next one comes by its rule", async () => {
    await during({ kind: "throttle", service: "dynamodb", caller: punctual.functionId("sweep-tasks") }, () =>
      deadLetter("BackgroundDeadLettersUrl"),
    );
  });

  it("a task that could not be arranged is arranged by the sweeper, through the queues", async () => {
    const arranger = punctual.functionId("accept-drop");
    const unarranged = await during(
      { kind: "throttle", service: "sqs", operation: "SendMessage", caller: arranger },
      () => dropPhoto("unarranged", "Arranged by the sweeper", "now"),
    );
    await letWakePass(unarranged);
    await punctual.sweep();
    await posted("Arranged by the sweeper");
  });

  it("a task that could not be arranged is arranged by the sweeper, through Scheduler", async () => {
    const id = await during(
      { kind: "throttle", service: "scheduler", caller: punctual.functionId("serve-api") },
      () => create({ text: "Scheduled by the sweeper", publishAt: inSeconds(15) }),
    );
    await letWakePass(id);
    await punctual.sweep();
    await posted("Scheduled by the sweeper");
  });

  it("an uploader that died leaves a dead letter and a lease, and the sweeper sends another", async () => {
    punctual.sandbox?.addFault({
      match: { method: "POST", path: "/2/media/upload/initialize" },
      action: { delayMs: 5_000 },
    });
    const id = await dropPhoto("died", "By another uploader", inSeconds(9));
    await statusIs(id, "preparing");
    await punctual.cloud.runtime.terminate(punctual.functionId("prepare-post"));
    expect(await deadLetter("PrepareDeadLettersUrl")).toContain(id);
    await letWakePass(id, ["leaseUntil"]);
    await punctual.sweep();
    await posted("By another uploader");
  });

  it("a publisher that died while it held leaves a dead letter, and the sweeper sends another", async () => {
    const id = await create({ text: "By another publisher", publishAt: inSeconds(8) });
    await waitFor("the publisher to hold", () =>
      punctual.cloud.schedules.list().some(({ Name }) => Name.includes(id)) ? undefined : true,
    );
    await punctual.cloud.runtime.terminate(punctual.functionId("publish-post"));
    expect(await deadLetter("PublishDeadLettersUrl")).toContain(id);
    await letWakePass(id);
    await punctual.sweep();
    await posted("By another publisher");
  });
});

describe("pools, batches and runs", () => {
  it("a text and a photo for whichever account has room, counted as a batch", async () => {
    const id = await create({ text: "For any account", account: "any", batch: "autumn" });
    const fields = `publishAt: ${inSeconds(9)}\nmedia: [pool.jpg]\naccount: any\nbatch: autumn`;
    await punctual.put("pool.md", `---\n${fields}\n---\nA photo for any account\n`);
    await punctual.put("pool.jpg", PHOTO);
    await posted("For any account");
    await posted("A photo for any account");
    const { batchId } = await detailOf(id);
    const counts = await waitFor(
      "the batch to be counted",
      async () => {
        const batch = (await (await punctual.api(`/batches/${batchId}`)).json()) as {
          counts: { done: number };
        };
        return batch.counts.done === 2 ? batch.counts : undefined;
      },
      PATIENCE_MS,
    );
    expect(counts).toMatchObject({ pending: 0, processing: 0, done: 2 });
  });

  it("a run of everything that is due, told item by item", async () => {
    const id = await during(
      {
        kind: "throttle",
        service: "sqs",
        operation: "SendMessage",
        caller: punctual.functionId("serve-api"),
      },
      () => create({ text: "Overdue, and published by a run" }),
    );
    const past = new Date(Date.now() - 5 * 60_000).toISOString();
    await documents.send(
      new UpdateCommand({
        TableName: table,
        Key: { pk: `TASK#${id}`, sk: "TASK" },
        UpdateExpression: "SET slotAt = :past, updatedAt = :past",
        ExpressionAttributeValues: { ":past": past },
      }),
    );
    const started = await punctual.api("/publish-pool/run", { method: "POST" });
    expect(started.status).toBe(202);
    const { runId } = (await started.json()) as { runId: string };
    await punctual.sweep();
    await posted("Overdue, and published by a run");
    const run = await waitFor(
      "the run to end",
      async () => {
        const Key = { pk: `RUN#${runId}`, sk: "RUN" };
        const { Item } = await documents.send(
          new GetCommand({ TableName: table, Key, ConsistentRead: true }),
        );
        if (Item?.["wakeSk"] !== undefined) {
          const wakeSk = String(Item["wakeSk"]).replace(/^[^#]+/, past);
          await documents.send(
            new UpdateCommand({
              TableName: table,
              Key,
              UpdateExpression: "SET wakeSk = :wake, wakeAt = :past",
              ExpressionAttributeValues: { ":wake": wakeSk, ":past": past },
            }),
          );
          await punctual.sweep();
        }
        const view = runView.parse(await (await punctual.api(`/publish-pool/runs/${runId}`)).json());
        return view.status === "ended" ? view : undefined;
      },
      PATIENCE_MS,
    );
    expect(run).toMatchObject({ success: true, total: 1, succeeded: 1, failed: 0, errored: 0 });
    expect(run.items).toMatchObject([{ taskId: id, outcome: "succeeded", status: "published" }]);
  });

  it("a quiet day is filled with a post that can wait", async () => {
    const send = (path: string, method: string, body: object) =>
      punctual.api(path, {
        method,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const setPolicy = async (rules: object): Promise<void> => {
      const { version } = policyView.parse(await (await punctual.api("/projects/default/policy")).json());
      expect((await send("/projects/default/policy", "PUT", { version, ...rules })).status).toBe(200);
    };
    const dateIn = (days: number): string =>
      new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    // Planned while the next days are black, so it comes after the week that is filled; then that week is quiet.
    await setPolicy({ blackoutDates: [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8].map(dateIn) });
    const id = await create({ text: "Pulled forward", strategy: "next-free", priority: 8 });
    const { slotAt } = await detailOf(id);
    expect(slotAt > dateIn(8)).toBe(true);
    await setPolicy({ dailyMin: 1 });
    try {
      const made = await send("/scheduling/jobs", "POST", {
        name: "fill",
        type: "fill-days",
        params: { project: "default" },
        intervalSeconds: 86_400,
      });
      expect(made.status).toBe(201);
      const job = ((await made.json()) as { id: string }).id;
      expect((await send(`/scheduling/jobs/${job}/trigger`, "POST", {})).status).toBe(202);
      await punctual.sweep();
      const { items } = jobHistory.parse(
        await (await punctual.api(`/scheduling/jobs/${job}/history`)).json(),
      );
      expect(items).toMatchObject([{ outcome: "succeeded", filled: { moved: 1, complete: true } }]);
      expect((await detailOf(id)).slotAt < slotAt).toBe(true);
    } finally {
      await setPolicy({ preset: "open" });
    }
    expect((await send(`/scheduling/tasks/${id}`, "DELETE", {})).status).toBe(200);
  });

  it("what an account held goes on by itself when it is resumed", async () => {
    punctual.sandbox?.addFault({
      match: { method: "POST", path: "/2/tweets" },
      action: {
        status: 402,
        body: { title: "CreditsDepleted", type: "https://api.x.com/2/problems/credits", status: 402 },
      },
    });
    const id = await create({ text: "After the bill was paid" });
    expect(await statusIs(id, "held")).toMatchObject({ reason: { code: "credits-depleted" } });
    const { cloud } = punctual;
    await promisify(execFile)(process.execPath, ["infra/admin.ts", "accounts", "resume", "main"], {
      cwd: ROOT,
      env: {
        PATH: process.env["PATH"],
        AWS_ENDPOINT_URL: cloud.gatewayUrl,
        TABLE_NAME: table,
        CREDENTIALS_KEY_ID: cloud.outputs["CredentialsKeyId"],
      },
    });
    await punctual.sweep();
    await posted("After the bill was paid");
  });
});

describe("an account with OAuth 2.0, whose token ends, and whose limit is reached", () => {
  beforeAll(async () => {
    const { cloud, sandbox } = punctual;
    await promisify(execFile)(
      process.execPath,
      ["infra/admin.ts", "init", "--json", "--preset", "open", "--project", "second", "--account", "second"],
      {
        cwd: ROOT,
        env: {
          PATH: process.env["PATH"],
          AWS_ENDPOINT_URL: cloud.gatewayUrl,
          TABLE_NAME: table,
          CREDENTIALS_KEY_ID: cloud.outputs["CredentialsKeyId"],
          X_ENDPOINT: sandbox?.url,
          X_CLIENT_ID: SANDBOX_OAUTH2.clientId,
          X_CLIENT_SECRET: SANDBOX_OAUTH2.clientSecret,
          X_REFRESH_TOKEN: SANDBOX_OAUTH2.refreshToken,
        },
      },
    );
  });

  const faulty = (path: string, status: number, resetInSeconds?: number): void =>
    punctual.sandbox?.addFault({
      match: { method: "POST", path },
      action: {
        status,
        body: { title: "Refused", status },
        headers:
          resetInSeconds === undefined
            ? {}
            : {
                "x-rate-limit-limit": "1",
                "x-rate-limit-remaining": "0",
                "x-rate-limit-reset": String(Math.ceil(Date.now() / 1_000) + resetInSeconds),
              },
      },
    });

  it("the uploader renews the token, and goes on after a short limit", async () => {
    faulty("/2/media/upload/initialize", 401);
    await dropPhoto("renewed", "With a new token", "now", "second");
    await posted("With a new token");
    faulty("/2/media/upload/initialize", 429, 1);
    await dropPhoto("limited", "After the limit", "now", "second");
    await posted("After the limit");
  });

  it("the uploader waits for a far reset by a schedule", async () => {
    faulty("/2/media/upload/initialize", 429, LONG_S);
    const id = await dropPhoto("far", "Much later", "now", "second");
    const { reason } = await statusIs(id, "retrying");
    expect(reason).toMatchObject({ code: "rate-limited" });
    await waitFor("its schedule", () =>
      punctual.cloud.schedules.list().find(({ Name }) => Name.includes(id) && Name.endsWith("-prepare")),
    );
  });

  it("the publisher gives up a token, and waits for a far reset by a schedule", async () => {
    faulty("/2/tweets", 401);
    const refused = await create({ text: "With an old token", project: "second" });
    await statusIs(refused, "retrying");
    faulty("/2/tweets", 429, LONG_S);
    const limited = await create({ text: "Not before the reset", project: "second" });
    await statusIs(limited, "retrying");
    await waitFor("its schedule", () =>
      punctual.cloud.schedules.list().find(({ Name }) => Name.includes(limited) && Name.endsWith("-publish")),
    );
  });
});

describe("what else the API does", () => {
  const send = async (method: string, path: string, body?: object) => {
    const answer = await punctual.api(path, {
      method,
      ...(body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text.startsWith("{") ? JSON.parse(text) : text };
  };
  const upload = async (name: string, bytes: Uint8Array) => {
    const medium = { name, type: "image/jpeg", sizeBytes: bytes.length };
    const { id, upload: sent } = (await send("POST", "/media", medium)).body;
    const form = new FormData();
    for (const [field, value] of Object.entries<string>(sent.fields)) form.append(field, value);
    form.append("file", new Blob([Uint8Array.from(bytes)]), name);
    expect((await fetch(sent.url, { method: "POST", body: form })).status).toBe(204);
    return waitFor(
      `the inspection of ${name}`,
      async () => {
        const { status } = (await send("GET", `/media/${id}`)).body;
        return status === "ready" || status === "refused"
          ? { id: id as string, status: status as string }
          : undefined;
      },
      PATIENCE_MS,
    );
  };

  it("takes a photo past itself, posts it, and lets it go; refuses what is none", async () => {
    const { id, status } = await upload("past.jpg", PHOTO);
    expect(status).toBe("ready");
    await create({ text: "Past the API", media: [{ id }], publishAt: "now" });
    await posted("Past the API");
    await waitFor("the photo to be free", async () =>
      (await send("DELETE", `/media/${id}`)).status === 200 ? true : undefined,
    );
    expect((await upload("none.jpg", Buffer.from("no picture at all"))).status).toBe("refused");
  });

  it("tells endpoints, whose secrets another function keeps, and tries again", async () => {
    const made = await send("POST", "/webhooks", {
      url: "https://hooks.invalid/",
      events: ["accepted", "published"],
    });
    expect(made.status).toBe(201);
    const { id } = made.body;
    expect((await send("POST", `/webhooks/${id}/rotate`, { overlapHours: 1 })).status).toBe(200);
    expect((await send("POST", `/webhooks/${id}/ping`)).status).toBe(202);
    // The relay looks for new endpoints once a minute.
    let createdAt = 0;
    await waitFor(
      "a ping to be tried, and what is told of a post twice",
      async () => {
        if (Date.now() - createdAt > 5_000) {
          createdAt = Date.now();
          await create({ text: `For the endpoint, ${createdAt}`, publishAt: inSeconds(3_600) });
        }
        const { items } = (await send("GET", `/webhooks/${id}/deliveries?limit=100`)).body;
        const tried = (type: string, times: number): boolean =>
          items.some(
            (one: { type: string; attemptCount: number }) => one.type === type && one.attemptCount >= times,
          );
        return tried("ping", 1) && tried("accepted", 2) ? true : undefined;
      },
      2 * PATIENCE_MS,
    );
    expect((await send("DELETE", `/webhooks/${id}`)).status).toBe(200);
  });

  it("asks X who an account is, and begins to connect another", async () => {
    expect((await send("POST", "/accounts/main/verify")).body).toMatchObject({ verified: true });
    const wish = {
      account: "third",
      clientId: SANDBOX_OAUTH2.clientId,
      callbackUrl: `${punctual.apiUrl}/api/v1/oauth/x/callback`,
    };
    expect((await send("POST", "/accounts/connect/oauth2", wish)).status).toBe(201);
    const lost = await send("POST", "/accounts/connect/oauth2", { ...wish, project: "nobodys" });
    expect([lost.status, lost.body.code]).toEqual([422, "unknown-project"]);
    expect((await send("GET", "/oauth/x/callback?state=none&code=none")).status).toBe(400);
  });

  it("notes who was refused at the door", async () => {
    const { apiKey, id } = (await send("POST", "/keys", { name: "short", scopes: ["read"] })).body;
    expect((await send("DELETE", `/keys/${id}`)).status).toBe(200);
    expect((await punctual.api("/whoami", { key: apiKey })).status).toBe(403);
  });

  it("sends dead letters back to where they came from", async () => {
    for (const [name, output] of [
      ["intake", "IntakeDeadLettersUrl"],
      ["prepare", "PrepareDeadLettersUrl"],
      ["publish", "PublishDeadLettersUrl"],
      ["webhooks", "WebhooksDeadLettersUrl"],
    ] as const) {
      const MessageBody = JSON.stringify({ nobody: "can work on this" });
      await queues.send(new SendMessageCommand({ QueueUrl: punctual.cloud.outputs[output], MessageBody }));
      await waitFor(`a dead letter of ${name}`, async () => {
        const { status, body } = await send("POST", "/system/queue-status/redrive", { queue: name });
        expect(status).toBe(200);
        return body.moved > 0 ? true : undefined;
      });
    }
  });
});

describe("the rights of the template", () => {
  const shown = ({ principal, action, resource }: Grant): string => `${principal}: ${action} on ${resource}`;
  const isMeant = ({ of, action, on }: Exception, right: Grant): boolean =>
    of.test(right.principal) && action.test(right.action) && (on?.test(right.resource) ?? true);
  const isExcepted = (grant: Grant): boolean => UNUSED.some((exception) => isMeant(exception, grant));
  /** What was used and is not granted, and what is granted and was neither used nor excepted. */
  const compare = (grants: readonly Grant[], used: readonly Grant[]) => ({
    notGranted: used.filter((right) => !grants.some((grant) => covers(grant, right))).map(shown),
    notUsed: grants
      .filter((grant) => !used.some((right) => covers(grant, right)) && !isExcepted(grant))
      .map(shown)
      .toSorted(),
  });

  it("are what was used, except those of the list", () => {
    const found = compare(grantsOf(punctual.cloud), usedRights(punctual.cloud));
    expect(found).toEqual({ notGranted: [], notUsed: [] });
  });

  it("would be seen to differ, either way", () => {
    const grants = grantsOf(punctual.cloud);
    const used = usedRights(punctual.cloud);
    const planted: Grant = {
      principal: "serve-api",
      action: "dynamodb:DeleteItem",
      resource: `arn:x/${table}`,
    };
    expect(compare([...grants, planted], used)).toEqual({ notGranted: [], notUsed: [shown(planted)] });
    expect(compare(grants, [...used, planted])).toEqual({ notGranted: [shown(planted)], notUsed: [] });
  });

  it("were never too few", () => {
    const denied = punctual.cloud
      .reports()
      .filter(({ kind }) => kind === "access-denied" || kind === "wiring");
    expect(denied).toEqual([]);
  });

  it("need every exception of the list, and no exception is used after all", () => {
    const grants = grantsOf(punctual.cloud);
    const used = usedRights(punctual.cloud);
    for (const exception of UNUSED) {
      const { why } = exception;
      const meant = (right: Grant): boolean => isMeant(exception, right);
      expect(grants.some(meant), why).toBe(true);
      expect(used.filter(meant).map(shown), why).toEqual([]);
    }
  });
});
