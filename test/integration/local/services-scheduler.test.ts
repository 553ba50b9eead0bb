import {
  ConflictException,
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  DeleteScheduleCommand,
  GetScheduleCommand,
  ListSchedulesCommand,
  ResourceNotFoundException,
  SchedulerClient,
  UpdateScheduleCommand,
  ValidationException,
} from "@aws-sdk/client-scheduler";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Access } from "#infra/local/iam/access.ts";
import { createLambdaRuntime, type LogLine } from "#infra/local/lambda/runtime.ts";
import { createScheduler, type Scheduler, type SchedulerOptions } from "#infra/local/services/scheduler.ts";
import {
  aFunction,
  aQueue,
  aRole,
  arnOf,
  bundleHandlers,
  fakeAccess,
  type PartialResource,
  type Statement,
  startTestCloud,
  type TestCloud,
  temporaryFolder,
  until,
} from "./services-fixtures.ts";

const ROLE = aRole("SchedulerRole", "scheduler.amazonaws.com", []).arn ?? "";
const RIGHTS: readonly Statement[] = [
  { Action: "lambda:InvokeFunction", Resource: arnOf("lambda", "function:Worker-name") },
  { Action: "sqs:SendMessage", Resource: arnOf("sqs", "Queue-queue") },
];
const GROUP: PartialResource = {
  logicalId: "Group",
  type: "AWS::Scheduler::ScheduleGroup",
  physicalId: "tasks",
};

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let assets: Record<string, string>;
let cloud: TestCloud;
let client: SchedulerClient;
let lines: LogLine[];

beforeAll(async () => {
  folder = await temporaryFolder();
  assets = await bundleHandlers(folder.path, {
    Worker:
      "export const handler = async (event: unknown) => console.log(JSON.stringify({ event, at: Date.now() }));",
  });
});
afterAll(() => folder[Symbol.asyncDispose]());
afterEach(async () => {
  client.destroy();
  await cloud.close();
});

async function open(
  over: Partial<SchedulerOptions> = {},
  role: PartialResource = aRole("SchedulerRole", "scheduler.amazonaws.com", RIGHTS),
  more: readonly PartialResource[] = [],
): Promise<Scheduler> {
  lines = [];
  cloud = await startTestCloud({
    assets,
    resources: (endpoint) => [
      aFunction("Worker", { Role: "arn:aws:iam::000000000000:role/WorkerRole" }),
      aRole("WorkerRole", "lambda.amazonaws.com", []),
      aQueue("Queue", endpoint),
      role,
      GROUP,
      ...more,
    ],
  });
  client = new SchedulerClient(cloud.as("OPERATOR"));
  return restart(over);
}

/** A scheduler of the same cloud, as after a restart. */
function restart(over: Partial<SchedulerOptions> = {}): Scheduler {
  const runtime = cloud.using(createLambdaRuntime({ ...cloud, onLog: (line) => lines.push(line) }));
  const scheduler = cloud.using(createScheduler({ ...cloud, runtime, ...over }));
  cloud.useScheduler(scheduler.service);
  scheduler.start();
  return scheduler;
}

const at = (ms: number): string =>
  `at(${new Date(Math.ceil(ms / 1_000) * 1_000).toISOString().slice(0, 19)})`;
const anHourFromNow = () => at(Date.now() + 3_600_000);

const aSchedule = (over: Partial<CreateScheduleCommandInput> = {}): CreateScheduleCommandInput => ({
  Name: "t-01-1-publish",
  GroupName: "tasks",
  ScheduleExpression: anHourFromNow(),
  FlexibleTimeWindow: { Mode: "OFF" },
  ActionAfterCompletion: "DELETE",
  Target: {
    Arn: arnOf("lambda", "function:Worker-name"),
    RoleArn: ROLE,
    Input: JSON.stringify({ taskId: "01", rev: 1, arm: 1 }),
    RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 },
  },
  ...over,
});
const create = (over: Partial<CreateScheduleCommandInput> = {}) =>
  client.send(new CreateScheduleCommand(aSchedule(over)));
const received = () =>
  lines
    .filter(({ stream }) => stream === "stdout")
    .map(({ line }) => JSON.parse(line) as { event: unknown; at: number });

describe("the API", () => {
  it("creates, answers, changes, lists and deletes a schedule", async () => {
    await open();
    const { ScheduleArn } = await create();
    expect(ScheduleArn).toBe(arnOf("scheduler", "schedule/tasks/t-01-1-publish"));
    const named = { Name: "t-01-1-publish", GroupName: "tasks" };
    expect(await client.send(new GetScheduleCommand(named))).toMatchObject({
      ...aSchedule({ ScheduleExpression: expect.any(String) as unknown as string }),
      Arn: ScheduleArn,
      State: "ENABLED",
      ScheduleExpressionTimezone: "UTC",
      CreationDate: expect.any(Date),
    });

    const { ActionAfterCompletion, ...rest } = aSchedule({ Description: "later" });
    await client.send(new UpdateScheduleCommand(rest));
    // What an update leaves out goes back to its default.
    expect(await client.send(new GetScheduleCommand(named))).toMatchObject({
      Description: "later",
      ActionAfterCompletion: "NONE",
    });

    await client.send(new DeleteScheduleCommand(named));
    await expect(client.send(new GetScheduleCommand(named))).rejects.toBeInstanceOf(
      ResourceNotFoundException,
    );
  });

  it("lists in pages, by group and prefix", async () => {
    await open();
    for (const Name of ["t-1", "t-2", "t-3", "other"]) await create({ Name });
    await create({ Name: "t-4", GroupName: "default" });
    const names: (string | undefined)[] = [];
    let NextToken: string | undefined;
    do {
      const page = await client.send(
        new ListSchedulesCommand({ GroupName: "tasks", NamePrefix: "t-", MaxResults: 2, NextToken }),
      );
      expect(page.Schedules?.length).toBeLessThanOrEqual(2);
      names.push(...(page.Schedules ?? []).map(({ Name }) => Name));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    expect(names).toEqual(["t-1", "t-2", "t-3"]);
  });

  it("answers a conflict for a name that is taken, but not for a repeat with the same token", async () => {
    await open();
    await create({ ClientToken: "one" });
    await expect(create({ ClientToken: "two" })).rejects.toBeInstanceOf(ConflictException);
    await expect(create({ ClientToken: "one" })).resolves.toMatchObject({ ScheduleArn: expect.any(String) });
  });

  it.each([
    ["an instant that has passed", { ScheduleExpression: "at(2020-01-01T00:00:00)" }],
    ["an instant with a zone in it", { ScheduleExpression: "at(2030-01-01T00:00:00Z)" }],
    ["a cron expression, which is not run here", { ScheduleExpression: "cron(0 9 * * ? *)" }],
    ["a name with other characters", { Name: "t 1" }],
    [
      "a target that is neither function nor queue",
      { Target: { Arn: arnOf("sns", "topic"), RoleArn: ROLE } },
    ],
    [
      "an input for a function that is no JSON",
      { Target: { Arn: arnOf("lambda", "function:Worker-name"), RoleArn: ROLE, Input: "{" } },
    ],
    [
      "an event age below a minute",
      {
        Target: {
          Arn: arnOf("lambda", "function:Worker-name"),
          RoleArn: ROLE,
          RetryPolicy: { MaximumEventAgeInSeconds: 59 },
        },
      },
    ],
  ])("refuses %s", async (_, over) => {
    const scheduler = await open();
    await expect(create(over)).rejects.toBeInstanceOf(ValidationException);
    expect(scheduler.list()).toEqual([]);
  });

  it("refuses a group, and a schedule, that does not exist", async () => {
    await open();
    await expect(create({ GroupName: "nobody" })).rejects.toBeInstanceOf(ResourceNotFoundException);
    await expect(client.send(new UpdateScheduleCommand(aSchedule()))).rejects.toBeInstanceOf(
      ResourceNotFoundException,
    );
    await expect(
      client.send(new DeleteScheduleCommand({ Name: "t-01-1-publish", GroupName: "tasks" })),
    ).rejects.toBeInstanceOf(ResourceNotFoundException);
  });
});

describe("firing", () => {
  it("invokes the function with the input, never early, and deletes the schedule", async () => {
    const scheduler = await open();
    const dueAt = Math.ceil((Date.now() + 1_000) / 1_000) * 1_000;
    await create({ ScheduleExpression: at(dueAt) });
    const [first] = await until("it fired", () => received().length > 0 && received());
    expect(first?.event).toEqual({ taskId: "01", rev: 1, arm: 1 });
    expect(first?.at).toBeGreaterThanOrEqual(dueAt);
    await until("it is deleted", () => scheduler.list().length === 0);
    expect(cloud.faults).toEqual([]);
  });

  it("sends to a queue, and fills in what it knows", async () => {
    await open();
    const Input = JSON.stringify({
      schedule: "<aws.scheduler.schedule-arn>",
      due: "<aws.scheduler.scheduled-time>",
    });
    const dueAt = Math.ceil((Date.now() + 1_000) / 1_000) * 1_000;
    await create({
      ScheduleExpression: at(dueAt),
      Target: { Arn: arnOf("sqs", "Queue-queue"), RoleArn: ROLE, Input },
    });
    expect(await cloud.receive("Queue")).toEqual([
      {
        schedule: arnOf("scheduler", "schedule/tasks/t-01-1-publish"),
        due: new Date(dueAt).toISOString().replace(".000", ""),
      },
    ]);
  });

  it("waits as long as its seed says when it may fire late", async () => {
    await open({ firing: { withinMs: 2_000, seed: 7 } });
    const dueAt = Math.ceil((Date.now() + 1_000) / 1_000) * 1_000;
    await Promise.all(["a", "b", "c", "d"].map((Name) => create({ Name, ScheduleExpression: at(dueAt) })));
    await until("all fired", () => received().length === 4);
    const delays = received().map((one) => one.at - dueAt);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(200);
  });

  it("keeps a schedule that is not to be deleted, and does not fire it again", async () => {
    await using state = await temporaryFolder();
    const scheduler = await open({ stateDir: state.path });
    await create({ ScheduleExpression: at(Date.now() + 1_000), ActionAfterCompletion: "NONE" });
    await until(
      "it is completed",
      () => scheduler.list()[0]?.completedAt !== undefined && received().length === 1,
    );
    await scheduler.close();
    const again = restart({ stateDir: state.path });
    const toQueue = { Arn: arnOf("sqs", "Queue-queue"), RoleArn: ROLE, Input: "{}" };
    await create({ Name: "witness", ScheduleExpression: at(Date.now() + 1_000), Target: toQueue });
    await cloud.receive("Queue");
    expect(again.list().map(({ Name }) => Name)).toContain("t-01-1-publish");
    expect(received()).toHaveLength(1);
  });

  it("does not fire what was deleted or disabled, and fires what was moved at its new instant only", async () => {
    await open();
    const soon = at(Date.now() + 1_000);
    await create({ Name: "deleted", ScheduleExpression: soon });
    await create({ Name: "disabled", ScheduleExpression: soon, State: "DISABLED" });
    await create({ Name: "moved", ScheduleExpression: soon });
    await create({
      Name: "witness",
      ScheduleExpression: soon,
      Target: { Arn: arnOf("sqs", "Queue-queue"), RoleArn: ROLE, Input: "{}" },
    });
    await client.send(new DeleteScheduleCommand({ Name: "deleted", GroupName: "tasks" }));
    await client.send(new UpdateScheduleCommand(aSchedule({ Name: "moved" })));
    await cloud.receive("Queue");
    expect(received()).toEqual([]);
  });

  it("keeps a schedule that was moved while it fired", async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    const { access } = fakeAccess();
    const slow: Access = {
      ...access,
      async check(request) {
        if (request.action === "lambda:InvokeFunction") {
          asked.resolve();
          await answer.promise;
        }
        return access.check(request);
      },
    };
    const scheduler = await open({ access: slow });
    await create({ ScheduleExpression: at(Date.now() + 1_000) });
    await asked.promise;
    await client.send(new UpdateScheduleCommand(aSchedule()));
    answer.resolve();
    await until("it fired", () => received().length === 1);
    await scheduler.close();
    expect(scheduler.list().map(({ Name }) => Name)).toEqual(["t-01-1-publish"]);
  });

  it("fires after a restart what was due while the cloud was down, and keeps the rest", async () => {
    await using state = await temporaryFolder();
    const scheduler = await open({ stateDir: state.path });
    const dueAt = Math.ceil((Date.now() + 1_000) / 1_000) * 1_000;
    await create({ Name: "missed", ScheduleExpression: at(dueAt) });
    await create({ Name: "later" });
    await scheduler.close();
    await until("the instant has passed", () => Date.now() > dueAt);
    expect(received()).toEqual([]);
    const again = restart({ stateDir: state.path });
    await until("it fired", () => received().length === 1);
    await until("it is deleted", () => again.list().length === 1);
    expect(again.list().map(({ Name }) => Name)).toEqual(["later"]);
  });

  it("runs the template's own rate from the start", async () => {
    const sweep: PartialResource = {
      logicalId: "Sweep",
      type: "AWS::Scheduler::Schedule",
      physicalId: "sweep",
      properties: {
        ScheduleExpression: "rate(1 minute)",
        FlexibleTimeWindow: { Mode: "OFF" },
        Target: { Arn: arnOf("lambda", "function:Worker-name"), RoleArn: ROLE, Input: '{"sweep":true}' },
      },
    };
    await open({}, undefined, [sweep]);
    await until("it fired", () => received().length === 1);
    expect(received()[0]?.event).toEqual({ sweep: true });
  });
});

describe("rights", () => {
  it("names the role and the right that is missing when a schedule cannot invoke its target", async () => {
    await open({}, aRole("SchedulerRole", "scheduler.amazonaws.com", RIGHTS.slice(1)));
    await create({ ScheduleExpression: at(Date.now() + 1_000) });
    await until("the fault is reported", () => cloud.faults.length > 0);
    expect(cloud.faults).toMatchObject([
      {
        code: "wiring",
        resource: "SchedulerRole",
        action: "lambda:InvokeFunction",
        message: expect.stringContaining("t-01-1-publish"),
      },
    ]);
    expect(received()).toEqual([]);
  });

  it("names the right for a queue too", async () => {
    await open({}, aRole("SchedulerRole", "scheduler.amazonaws.com", RIGHTS.slice(0, 1)));
    await create({
      ScheduleExpression: at(Date.now() + 1_000),
      Target: { Arn: arnOf("sqs", "Queue-queue"), RoleArn: ROLE, Input: "{}" },
    });
    await until("the fault is reported", () => cloud.faults.length > 0);
    expect(cloud.faults).toMatchObject([{ resource: "SchedulerRole", action: "sqs:SendMessage" }]);
  });

  it("refuses a schedule whose role the Scheduler may not take, as AWS does, and says so", async () => {
    await open({}, aRole("SchedulerRole", "lambda.amazonaws.com", RIGHTS));
    await expect(create()).rejects.toThrow(/must allow AWS EventBridge Scheduler to assume the role/);
    expect(cloud.faults).toMatchObject([
      { code: "wiring", resource: "SchedulerRole", action: "sts:AssumeRole" },
    ]);
  });

  it("does not fire a kept schedule whose role lost its trust", async () => {
    await using state = await temporaryFolder();
    const scheduler = await open({ stateDir: state.path });
    await create({ ScheduleExpression: at(Date.now() + 1_000) });
    await scheduler.close();
    await cloud.close();
    await open({ stateDir: state.path }, aRole("SchedulerRole", "lambda.amazonaws.com", RIGHTS));
    await until("the fault is reported", () => cloud.faults.length > 0);
    expect(cloud.faults).toMatchObject([{ resource: "SchedulerRole", action: "sts:AssumeRole" }]);
    expect(received()).toEqual([]);
  });

  it("sends what it could not hand over to the schedule's dead-letter queue", async () => {
    await open({}, aRole("SchedulerRole", "scheduler.amazonaws.com", RIGHTS.slice(1)));
    const { Target } = aSchedule();
    await create({
      ScheduleExpression: at(Date.now() + 1_000),
      Target: {
        ...Target,
        DeadLetterConfig: { Arn: arnOf("sqs", "Queue-queue") },
      } as CreateScheduleCommandInput["Target"],
    });
    expect(await cloud.receive("Queue")).toEqual([{ taskId: "01", rev: 1, arm: 1 }]);
  });
});
