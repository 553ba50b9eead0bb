/** What is stored is damaged on purpose: `npm run admin -- check` finds each, repairs what is safe, and then finds nothing. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateScheduleCommand, DeleteScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runAdmin } from "#infra/admin.ts";
import { createDynamoBatchStore } from "#shared/adapters/dynamodb/batch-store.ts";
import { keys } from "#shared/adapters/dynamodb/items.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { accountIdFor } from "#shared/domain/account.ts";
import { batchIdFor } from "#shared/domain/batch-id.ts";
import { asTaskId, type TaskId } from "#shared/domain/ids.ts";
import { isFinal, type Task } from "#shared/domain/task.ts";
import type { ConsistencyReport } from "#shared/usecases/check-consistency.ts";
import { FIRST_OWNER } from "#shared/usecases/initialize-service.ts";
import { startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { waitFor } from "#test/support/wait-for.ts";

const HOUR = 3_600_000;
const ACCOUNT = accountIdFor(FIRST_OWNER, "main");

let punctual: TestPunctual;
let documents: DynamoDBDocumentClient;
let scheduler: SchedulerClient;
let TableName: string;
let publisher: ReturnType<typeof findFunction>;
/** Without `.env` of its own. */
let directory: string;

function findFunction(name: string) {
  for (const { logicalId, arn, properties } of punctual.cloud.assembly.ofType("AWS::Lambda::Function")) {
    const { Variables: variables } = properties["Environment"] as { Variables: Record<string, string> };
    if (variables["POWERTOOLS_SERVICE_NAME"] === name) return { logicalId, arn, variables };
  }
  throw new Error(`no function is called ${name}`);
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "punctual-consistency-"));
  punctual = await startPunctual();
  const { cloud } = punctual;
  const settings = {
    endpoint: cloud.gatewayUrl,
    region: cloud.assembly.region,
    credentials: { accessKeyId: "OPERATOR", secretAccessKey: "local" },
  };
  documents = DynamoDBDocumentClient.from(new DynamoDBClient(settings));
  scheduler = new SchedulerClient(settings);
  TableName = cloud.outputs["TableName"] ?? "";
  publisher = findFunction("publish-post");
  await mkdir(join(directory, "state"));
  const local = {
    endpoint: cloud.gatewayUrl,
    table: TableName,
    credentialsKey: cloud.outputs["CredentialsKeyId"],
    scheduleGroup: publisher.variables["SCHEDULE_GROUP"],
  };
  await writeFile(join(directory, "state", "local.json"), JSON.stringify(local));
});
afterAll(async () => {
  documents?.destroy();
  scheduler?.destroy();
  await punctual?.close();
  await rm(directory, { recursive: true, force: true });
});

/** As a person calls it: it finds what `npm start` wrote down about itself. */
async function admin(...args: string[]) {
  const out: string[] = [];
  const errors: string[] = [];
  const code = await runAdmin({
    args: ["--local", directory, ...args],
    variables: {},
    directory,
    out: (line) => out.push(line),
    err: (line) => errors.push(line),
  });
  return { code, out: out.join("\n"), err: errors.join("\n") };
}
async function check(...args: string[]): Promise<ConsistencyReport & { code: number }> {
  const { code, out } = await admin("check", "--json", ...args);
  return { code, ...(JSON.parse(out) as ConsistencyReport) };
}
const found = ({ findings }: ConsistencyReport) =>
  findings.map(({ code, about, outcome }) => `${code} ${about.kind} ${about.id} ${outcome}`).toSorted();

const table = () => ({ documents, tableName: TableName, clock, entropy });
const tasks = () => createDynamoTaskStore(table());
async function task(id: TaskId): Promise<Task> {
  const read = await tasks().get(id);
  if (!read) throw new Error(`there is no task ${id}`);
  return read;
}
async function create(text: string, publishAt: Date | "now"): Promise<TaskId> {
  const answer = await punctual.api("/scheduling/tasks", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text, publishAt: publishAt === "now" ? publishAt : publishAt.toISOString() }),
  });
  expect(answer.status).toBe(202);
  return asTaskId(((await answer.json()) as { id: string }).id);
}
const publish = async (text: string): Promise<TaskId> => {
  const id = await create(text, "now");
  await waitFor(`${text} to be published`, async () => isFinal((await task(id)).status) || undefined);
  expect((await task(id)).status).toBe("published");
  return id;
};
const inHours = (hours: number) => new Date(Date.now() + hours * HOUR);

const cancel = async (id: TaskId) =>
  expect((await punctual.api(`/scheduling/tasks/${id}`, { method: "DELETE" })).status).toBe(200);

const update = (
  Key: { pk: string; sk: string },
  UpdateExpression: string,
  values?: Record<string, unknown>,
) =>
  documents.send(
    new UpdateCommand({
      TableName,
      Key,
      UpdateExpression,
      ...(values && { ExpressionAttributeValues: values }),
    }),
  );
const put = (Item: Record<string, unknown>) => documents.send(new PutCommand({ TableName, Item }));
const remove = (Key: { pk: string; sk: string }) => documents.send(new DeleteCommand({ TableName, Key }));
/** As if it had been written an hour ago; what is younger than two minutes may be in the middle of a step. */
const age = (id: TaskId) =>
  update(keys.task(id), "SET updatedAt = :at", { ":at": inHours(-1).toISOString() });
const monthOf = (at: Date) => at.toISOString().slice(0, 7);

const nameOf = ({ id, arm }: Task) => `t-${id}-${arm}-publish`;
const exists = (name: string) => punctual.cloud.schedules.list().some(({ Name }) => Name === name);
const schedule = (Name: string) =>
  scheduler.send(
    new CreateScheduleCommand({
      GroupName: publisher.variables["SCHEDULE_GROUP"],
      Name,
      ScheduleExpression: `at(${inHours(4).toISOString().slice(0, 19)})`,
      FlexibleTimeWindow: { Mode: "OFF" },
      ActionAfterCompletion: "DELETE",
      Target: { Arn: publisher.arn, RoleArn: publisher.variables["SCHEDULER_ROLE_ARN"], Input: "{}" },
    }),
  );

describe("npm run admin -- check", () => {
  it("finds nothing in a Punctual that works", async () => {
    const waiting = await create("Later", inHours(3));
    await publish("Now");
    expect(exists(nameOf(await task(waiting)))).toBe(true);
    await age(waiting);
    const { code, out, err } = await admin("check");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("✓ Everything agrees.");
    expect(out).toMatch(/Read \d+ records: 2 tasks; and 1 schedules/);
  });

  it("finds a deployment by what it wrote down, and needs the name of its schedule group", async () => {
    const { cloud } = punctual;
    const run = async (service: object) => {
      await mkdir(join(directory, ".punctual"), { recursive: true });
      const data = { TableName, CredentialsKeyId: cloud.outputs["CredentialsKeyId"] };
      const outputs = { PunctualData: data, PunctualService: service };
      await writeFile(join(directory, ".punctual", "outputs.json"), JSON.stringify(outputs));
      const lines: string[] = [];
      const line = (text: string) => lines.push(text);
      const args = ["--endpoint", cloud.gatewayUrl, "check"];
      const code = await runAdmin({ args, variables: {}, directory, out: line, err: line });
      return { code, text: lines.join("\n") };
    };
    expect(await run({ ScheduleGroup: publisher.variables["SCHEDULE_GROUP"] })).toMatchObject({ code: 0 });
    const unknown = await run({});
    expect(unknown).toMatchObject({ code: 1, text: expect.stringMatching(/schedule group.*Remedy: /) });
  });

  it("finds each damage, repairs it, and then finds nothing", async () => {
    const forgotten = await create("Forgotten", inHours(3));
    const unscheduled = await create("Unscheduled", inHours(3));
    const unlisted = await create("Unlisted", inHours(3));
    const cancelled = await create("Cancelled", inHours(3));
    const wordless = await create("Wordless", inHours(3));
    const [first, second] = [await publish("First"), await publish("Second")];
    for (const id of [cancelled, wordless]) await cancel(id);
    const [firstPost] = (await task(first)).posted;
    const [secondPost] = (await task(second)).posted;
    const { projectId } = await task(first);

    await update(keys.task(forgotten), "REMOVE wakeAt, wakePk, wakeSk");
    await update(keys.task(unlisted), "REMOVE wakePk, wakeSk");
    await age(unscheduled);
    const lost = nameOf(await task(unscheduled));
    await scheduler.send(
      new DeleteScheduleCommand({ GroupName: publisher.variables["SCHEDULE_GROUP"], Name: lost }),
    );
    const strays = [
      nameOf(await task(cancelled)),
      "t-01JZZZZZZZZZZZZZZZZZZZZZZZ-1-publish",
      `t-${forgotten}-7-publish`,
    ];
    for (const name of strays) await schedule(name);
    for (const { at, attemptId } of await tasks().getLog(wordless))
      await remove({ pk: keys.task(wordless).pk, sk: `LOG#${at.toISOString()}#${attemptId}` });
    await remove(keys.adopted(ACCOUNT, firstPost?.postId ?? ""));

    const [quarterAt, dayAt] = [inHours(-0.2).toISOString(), inHours(-2).toISOString()];
    const { Item: gate } = await documents.send(new GetCommand({ TableName, Key: keys.gate(ACCOUNT) }));
    await put({
      ...gate,
      lastPostId: firstPost?.postId,
      lastPostAt: firstPost?.sentAt.toISOString(),
      quarter: { startAt: quarterAt, used: 3 },
      day: { startAt: dayAt, used: 1 },
      reservations: [
        { taskId: first, attemptId: "gone", at: quarterAt, units: 1, used: 0, quarterAt, dayAt },
      ],
    });
    const [month, before] = [monthOf(new Date()), monthOf(inHours(-24 * 32))];
    const spend = (of: string) => ({ pk: `PROJECT#${projectId}`, sk: `SPEND#${of}` });
    await update(spend(month), "SET used = :used", { ":used": 1 });
    const expiresAt = Math.floor(inHours(24).getTime() / 1_000);
    await put({ ...spend(before), entity: "counter", schemaVersion: 1, used: 500, expiresAt });
    const batchId = batchIdFor(FIRST_OWNER, "spring");
    await createDynamoBatchStore(table()).open({
      id: batchId,
      ownerId: FIRST_OWNER,
      name: "spring",
      createdAt: new Date(),
    });
    await update({ pk: `BATCH#${batchId}`, sk: "BATCH" }, "SET done = :done", { ":done": 7 });

    const damages = [
      `task-not-woken task ${forgotten}`,
      `task-not-indexed task ${unlisted}`,
      `task-without-schedule task ${unscheduled}`,
      ...strays.map((name) => `schedule-stray schedule ${name}`),
      `log-missing task ${wordless}`,
      `post-unmarked post ${ACCOUNT}#${firstPost?.postId}`,
      `place-leaked account ${ACCOUNT}`,
      `last-post-behind account ${ACCOUNT}`,
      `window-below account ${ACCOUNT}`,
      `counter-below counter project ${projectId} ${month}`,
      `counter-above counter project ${projectId} ${before}`,
      `batch-sum-differs batch ${batchId}`,
    ];
    const open = await check();
    expect(found(open)).toEqual(damages.map((damage) => `${damage} open`).toSorted());
    expect(open).toMatchObject({ code: 1, isConsistent: false });

    const repaired = await check("--repair");
    expect(found(repaired)).toEqual(damages.map((damage) => `${damage} repaired`).toSorted());
    expect(repaired).toMatchObject({ code: 0, isConsistent: true });
    expect(await check()).toMatchObject({ code: 0, findings: [] });

    expect(await tasks().getGate(ACCOUNT)).toMatchObject({
      lastPostId: secondPost?.postId,
      reservations: [],
      day: { used: 3 },
    });
    expect(strays.filter(exists)).toEqual([]);
    expect(exists(`t-${forgotten}-1-publish`)).toBe(true);
    expect((await tasks().getLog(wordless)).map(({ status, code }) => [status, code])).toEqual([
      ["cancelled", "repaired"],
    ]);
    // The sweeper arranges anew what was handed to it.
    await punctual.sweep();
    await waitFor("a new schedule", async () => exists(nameOf(await task(unscheduled))) || undefined);
    expect(await task(unscheduled)).toMatchObject({ arm: 2, status: "pending" });
    expect(await check()).toMatchObject({ code: 0, findings: [] });
  });

  it("leaves to a person what nobody can mend, and shows it in a table", async () => {
    const [first, second] = [await publish("Mine"), await publish("Also mine")];
    const post = (await task(first)).posted[0];
    const lost = (await task(second)).posted[0];
    await update(keys.task(second), "SET posted[0].postId = :id", { ":id": post?.postId });
    const damaged = await create("Damaged", inHours(3));
    await update(keys.task(damaged), "SET slotAt = :slot", { ":slot": "soon, said somebody" });

    const report = await check("--repair");
    expect(found(report)).toEqual(
      [
        `post-shared post ${ACCOUNT}#${post?.postId} open`,
        `post-unclaimed post ${ACCOUNT}#${lost?.postId} open`,
        `record-damaged record TASK#${damaged} TASK open`,
      ].toSorted(),
    );
    expect(report.code).toBe(1);
    const { code, out } = await admin("check");
    expect(code).toBe(1);
    expect(out).toMatch(/│ severe +│/);
    expect(out).toContain("for a person");
    expect(out).toContain("✗ 3 of 3 left.");
    expect(out).not.toContain("soon, said somebody");
  });
});
