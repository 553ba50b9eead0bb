import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateScheduleCommand, DeleteScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient, PutCommand, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { expect } from "vitest";
import type * as z from "zod";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoCircuitStore } from "#shared/adapters/dynamodb/circuit-store.ts";
import { versionedPut } from "#shared/adapters/dynamodb/conditional-write.ts";
import { fromGate, keys } from "#shared/adapters/dynamodb/items.ts";
import { createDynamoMediaProgressStore } from "#shared/adapters/dynamodb/media-progress-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { taskDetail } from "#shared/contract/task-detail.ts";
import { type Account, accountIdFor } from "#shared/domain/account.ts";
import { CLOSED_CIRCUIT } from "#shared/domain/circuit.ts";
import type { Gate } from "#shared/domain/gate.ts";
import { asTaskId, type TaskId } from "#shared/domain/ids.ts";
import type { MediaProgress } from "#shared/domain/media-progress.ts";
import type { Task, TaskStatus, TaskStep } from "#shared/domain/task.ts";
import { FIRST_OWNER } from "#shared/usecases/initialize-service.ts";
import type { TestPunctual } from "./punctual.ts";
import { waitFor } from "./wait-for.ts";

type TaskDetail = z.output<typeof taskDetail>;

/** An instant in whole seconds, at least so many from now, as people write it. */
export const inSeconds = (seconds: number): string =>
  `${new Date(Math.ceil(Date.now() / 1_000 + seconds) * 1_000).toISOString().slice(0, 19)}Z`;

/** What a test does to a running Punctual that no function may: lets time pass, and gets messages lost and doubled. */
export interface Steering {
  /** Logical id of a function, by its folder. */
  functionId(name: string): string;

  /** Creates a task by the API; its body has `publishAt: now` unless it says otherwise. */
  create(body: { readonly text: string } & Readonly<Record<string, unknown>>): Promise<TaskId>;
  /** The task of a dropped file, once there is one. */
  dropped(base: string): Promise<TaskId>;
  /** As it is stored. */
  task(id: TaskId): Promise<Task>;
  /** As the API shows it, once it has one of these states. */
  detailWhen(id: TaskId, statuses: readonly TaskStatus[], deadlineMs?: number): Promise<TaskDetail>;
  media(id: TaskId): Promise<readonly MediaProgress[]>;

  /** Moves everything that the task waits for into the past, as if that much time had gone by. */
  age(id: TaskId, ms: number): Promise<void>;
  /** X forgets the uploaded media of a task. */
  forgetMedia(id: TaskId): Promise<void>;
  /** Runs the sweeper now instead of at the next minute. */
  sweep(): Promise<void>;

  account(): Promise<Account>;
  gate(): Promise<Gate>;
  /** Ends the leases of publishers that died: who comes next would look for a place that is free, and write more often. */
  freePublishers(): Promise<void>;
  /** Moves what the account's gate waits for into the past: a rate limit's reset, the pause of its circuit. */
  ageGate(ms: number): Promise<void>;
  /** A person resumed the account; the rate limit is over, and X answers again. */
  restoreAccount(): Promise<void>;

  /** Sends a message to the queue of a step, as it is. */
  send(step: TaskStep, body: string | object): Promise<void>;
  /** Hands a message to the function of a step, as its queue would. Resolves once it was worked on and acknowledged. */
  deliver(step: TaskStep, body: object): Promise<void>;
  /** The message that wakes the task's newest arrangement. */
  messageFor(id: TaskId, step: TaskStep): Promise<object>;
  /** Resolves when no message is delivered or deliverable now; those that are delayed may still be. */
  delivered(): Promise<void>;
  /** Waits for a dead letter of the step that has this in its body. */
  deadLetter(step: TaskStep, fragment: string): Promise<string>;
  /** Runs the work while the step's queue hands failed messages out again at once, as after its visibility timeout. */
  withoutVisibility<Value>(step: TaskStep, work: () => Promise<Value>): Promise<Value>;
  /** Lets Scheduler invoke a function with this, in a second. */
  fire(functionName: string, payload: object): Promise<void>;
  /** Names of the task's schedules. */
  schedules(id: TaskId): readonly string[];
  /** Deletes every schedule of the task. */
  unschedule(id: TaskId): Promise<void>;

  /** Requests to X with this method and path, oldest first. */
  calls(method: string, path: RegExp): readonly { readonly status: number; readonly arrivedAtMs: number }[];
  close(): void;
}

const INSTANTS = [
  "wakeAt",
  "arrangedFor",
  "leaseUntil",
  "startedAt",
  "inDoubtSince",
  "readAt",
  "absentAt",
  "stalledSince",
  "notBeforeAt",
  "excusedUntil",
] as const;

export function createSteering(punctual: TestPunctual): Steering {
  const { cloud, sandbox } = punctual;
  const settings = {
    endpoint: cloud.gatewayUrl,
    region: cloud.assembly.region,
    credentials: { accessKeyId: "OPERATOR", secretAccessKey: "local" },
  };
  const dynamodb = new DynamoDBClient(settings);
  const documents = DynamoDBDocumentClient.from(dynamodb);
  const sqs = new SQSClient(settings);
  const scheduler = new SchedulerClient(settings);
  const tableName = cloud.outputs["TableName"] ?? "";
  const table = { documents, tableName, clock, entropy };
  const tasks = createDynamoTaskStore(table);
  const accounts = createDynamoAccountStore(table);
  const circuits = createDynamoCircuitStore(table);
  const progress = createDynamoMediaProgressStore(table);
  const accountId = accountIdFor(FIRST_OWNER, "main");

  const variablesOf = ({ properties }: { readonly properties: Readonly<Record<string, unknown>> }) =>
    (properties["Environment"] as { readonly Variables: Readonly<Record<string, string>> }).Variables;
  const functions = new Map(
    cloud.assembly
      .ofType("AWS::Lambda::Function")
      .map((resource) => [variablesOf(resource)["POWERTOOLS_SERVICE_NAME"], resource]),
  );
  const lambda = (name: string) => {
    const found = functions.get(name);
    if (!found) throw new Error(`no function is called ${name}`);
    return found;
  };
  const variable = (name: string): string => variablesOf(lambda("publish-post"))[name] ?? "";
  const queueUrls = { prepare: variable("PREPARE_QUEUE_URL"), publish: variable("PUBLISH_QUEUE_URL") };
  const deadLetterUrls = {
    prepare: cloud.outputs["PrepareDeadLettersUrl"] ?? "",
    publish: cloud.outputs["PublishDeadLettersUrl"] ?? "",
  };
  const buried = { prepare: [] as string[], publish: [] as string[] };
  /** Whose function does the step, and whose queue it comes through. */
  const workerOf = (step: TaskStep) => (step === "prepare" ? "prepare" : "publish");

  async function task(id: TaskId): Promise<Task> {
    const found = await tasks.get(id);
    if (!found) throw new Error(`there is no task ${id}`);
    return found;
  }

  async function detail(id: TaskId): Promise<TaskDetail> {
    const answer = await punctual.api(`/scheduling/tasks/${id}`);
    expect(answer.status).toBe(200);
    return taskDetail.parse(await answer.json());
  }

  async function setVisibility(step: TaskStep, seconds: string): Promise<void> {
    const Attributes = { VisibilityTimeout: seconds };
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: queueUrls[workerOf(step)], Attributes }));
  }

  /** Written as a transaction would, so that nobody's write in between is lost. */
  const changeGate = (to: (gate: Gate) => Gate): Promise<unknown> =>
    waitFor("the gate to be changed", async () => {
      const gate = await tasks.getGate(accountId);
      const next = { ...to(gate), version: gate.version + 1 };
      try {
        await documents.send(
          new PutCommand(versionedPut(tableName, fromGate(next, entropy.newId()), next.version)),
        );
        return true;
      } catch (error) {
        if (error instanceof Error && error.name === "ConditionalCheckFailedException") return undefined;
        throw error;
      }
    });

  const schedules = (id: TaskId): readonly string[] =>
    cloud.schedules.list().flatMap(({ Name }) => (Name.includes(id) ? [Name] : []));

  return {
    functionId: (name) => lambda(name).logicalId,
    task,
    media: (id) => progress.list(id),

    async create(body) {
      const answer = await punctual.api("/scheduling/tasks", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ publishAt: "now", ...body }),
      });
      const created = (await answer.json()) as { readonly id: string };
      expect({ status: answer.status, created }).toMatchObject({ status: 202 });
      return asTaskId(created.id);
    },

    dropped: (base) =>
      waitFor(`the task of ${base}`, async () => {
        const outcome = await punctual.outcome(base);
        return outcome && "id" in outcome ? asTaskId(outcome.id) : undefined;
      }),

    async detailWhen(id, statuses, deadlineMs) {
      let last: TaskDetail | undefined;
      try {
        return await waitFor(
          `task ${id} to be ${statuses.join(" or ")}`,
          async () => {
            last = await detail(id);
            return statuses.includes(last.status) ? last : undefined;
          },
          deadlineMs,
        );
      } catch (error) {
        const reports = cloud.reports().map(({ message }) => message);
        throw new Error(`it is ${JSON.stringify(last)}; reports: ${reports.join(" | ") || "none"}`, {
          cause: error,
        });
      }
    },

    async age(id, ms) {
      await waitFor(`task ${id} to be aged`, async () => {
        const current = await task(id);
        const moved = INSTANTS.flatMap((name) => {
          const at = current[name];
          return at ? [[name, new Date(at.getTime() - ms).toISOString()] as const] : [];
        });
        if (moved.length === 0) return true;
        const wakeAt = moved.find(([name]) => name === "wakeAt")?.[1];
        const values = [...moved, ...(wakeAt ? [["wakeSk", `${wakeAt}#task#${id}`] as const] : [])];
        try {
          await documents.send(
            new UpdateCommand({
              TableName: tableName,
              Key: keys.task(id),
              // A new version, so that nobody who read the task before writes the old instants back.
              UpdateExpression: `SET ${values.map((_, at) => `#n${at} = :v${at}`).join(", ")} ADD #version :one`,
              ConditionExpression: "#version = :version",
              ExpressionAttributeNames: {
                "#version": "version",
                ...Object.fromEntries(values.map(([name], at) => [`#n${at}`, name])),
              },
              ExpressionAttributeValues: {
                ":version": current.version,
                ":one": 1,
                ...Object.fromEntries(values.map(([, value], at) => [`:v${at}`, value])),
              },
            }),
          );
          return true;
        } catch (error) {
          if (error instanceof Error && error.name === "ConditionalCheckFailedException") return undefined;
          throw error;
        }
      });
    },

    async forgetMedia(id) {
      for (const medium of await progress.list(id))
        await progress.save({ ...medium, expiresAt: new Date(Date.now() - 1_000) });
    },

    async sweep() {
      const swept = await cloud.invoke(lambda("sweep-tasks").logicalId, {});
      expect(swept).toMatchObject({ ok: true });
    },

    async account() {
      const account = await accounts.getAccount(accountId);
      if (!account) throw new Error("there is no account");
      return account;
    },

    gate: () => tasks.getGate(accountId),

    async freePublishers() {
      const { Items = [] } = await documents.send(
        new QueryCommand({
          TableName: tableName,
          KeyConditionExpression: "pk = :pk",
          ExpressionAttributeValues: { ":pk": "PUBLISHERS" },
        }),
      );
      for (const { pk, sk } of Items)
        await documents.send(
          new UpdateCommand({
            TableName: tableName,
            Key: { pk, sk },
            UpdateExpression: "REMOVE holder, leaseUntil",
          }),
        );
    },

    async ageGate(ms) {
      const earlier = (at: Date) => new Date(at.getTime() - ms);
      await changeGate(({ closedUntil, circuit: { openUntil, probeUntil, failures }, ...gate }) => ({
        ...gate,
        ...(closedUntil && { closedUntil: earlier(closedUntil) }),
        circuit: {
          failures,
          ...(openUntil && { openUntil: earlier(openUntil) }),
          ...(probeUntil && { probeUntil: earlier(probeUntil) }),
        },
      }));
    },

    async restoreAccount() {
      const { reason: _reason, pausedUntil: _until, ...account } = await this.account();
      const saved = await accounts.saveAccount({
        ...account,
        status: "active",
        version: account.version + 1,
      });
      expect(saved).toEqual({ ok: true });
      await waitFor("the circuit of X to be closed", async () => {
        const { failures, openUntil, version } = await circuits.get();
        if (failures === 0 && !openUntil) return true;
        const closed = await circuits.save({ ...CLOSED_CIRCUIT, version: version + 1 });
        return closed.ok || undefined;
      });
      await changeGate(({ closedUntil: _closed, closedReason: _why, ...gate }) => ({
        ...gate,
        circuit: CLOSED_CIRCUIT,
      }));
    },

    async send(step, body) {
      const MessageBody = typeof body === "string" ? body : JSON.stringify(body);
      await sqs.send(new SendMessageCommand({ QueueUrl: queueUrls[workerOf(step)], MessageBody }));
    },

    async deliver(step, body) {
      const Records = [{ messageId: entropy.newId(), body: JSON.stringify(body) }];
      const answer = await cloud.invoke(lambda(`${workerOf(step)}-post`).logicalId, { Records });
      expect(answer).toMatchObject({ ok: true, payload: { batchItemFailures: [] } });
    },

    async messageFor(id, step) {
      const { rev, arm, posted } = await task(id);
      return { taskId: id, rev, arm, step, part: posted.length, via: "queue" };
    },

    async delivered() {
      const AttributeNames = [
        "ApproximateNumberOfMessages" as const,
        "ApproximateNumberOfMessagesNotVisible" as const,
      ];
      await waitFor("the messages to be worked on", async () => {
        const counts = await Promise.all(
          Object.values(queueUrls).map(async (QueueUrl) => {
            const { Attributes = {} } = await sqs.send(
              new GetQueueAttributesCommand({ QueueUrl, AttributeNames }),
            );
            return AttributeNames.reduce((sum, name) => sum + Number(Attributes[name]), 0);
          }),
        );
        return counts.every((count) => count === 0) ? true : undefined;
      });
    },

    deadLetter: (step, fragment) =>
      waitFor(`a dead letter of ${step} with ${fragment}`, async () => {
        const QueueUrl = deadLetterUrls[workerOf(step)];
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
        );
        for (const { Body = "", ReceiptHandle } of Messages) {
          buried[workerOf(step)].push(Body);
          await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        }
        return buried[workerOf(step)].find((body) => body.includes(fragment));
      }),

    async withoutVisibility(step, work) {
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: queueUrls[workerOf(step)],
          AttributeNames: ["VisibilityTimeout"],
        }),
      );
      await setVisibility(step, "1");
      try {
        return await work();
      } finally {
        await setVisibility(step, Attributes["VisibilityTimeout"] ?? "");
      }
    },

    async fire(functionName, payload) {
      await scheduler.send(
        new CreateScheduleCommand({
          GroupName: variable("SCHEDULE_GROUP"),
          Name: entropy.newId(),
          ScheduleExpression: `at(${inSeconds(1).slice(0, 19)})`,
          FlexibleTimeWindow: { Mode: "OFF" },
          ActionAfterCompletion: "DELETE",
          Target: {
            Arn: lambda(functionName).arn,
            RoleArn: variable("SCHEDULER_ROLE_ARN"),
            Input: JSON.stringify(payload),
          },
        }),
      );
    },

    schedules,

    async unschedule(id) {
      const GroupName = variable("SCHEDULE_GROUP");
      for (const Name of schedules(id)) await scheduler.send(new DeleteScheduleCommand({ GroupName, Name }));
    },

    calls: (method, path) =>
      (sandbox?.requests() ?? []).filter((request) => request.method === method && path.test(request.path)),

    close() {
      documents.destroy();
      dynamodb.destroy();
      sqs.destroy();
      scheduler.destroy();
    },
  };
}
