import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createAwsScheduleList } from "#shared/adapters/dispatch/schedule-list.ts";
import { createAwsTaskDispatch } from "#shared/adapters/dispatch/task-dispatch.ts";
import type { ListedSchedule } from "#shared/domain/consistency.ts";
import type { TaskId } from "#shared/domain/ids.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";

/** A scheduler that has what it was told, and lists two at a time. */
let server: Server;
let names: string[];
let refusal: { status: number; type: string } | undefined;
let asked: URL[];
let settings: ConstructorParameters<typeof SchedulerClient>[0];

beforeAll(async () => {
  server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://scheduler");
    const [, , name] = url.pathname.split("/");
    request.resume();
    if (refusal) {
      response.writeHead(refusal.status, { "x-amzn-errortype": refusal.type }).end('{"Message":"no"}');
      return;
    }
    if (request.method === "POST" && name) names.push(name);
    if (request.method === "DELETE") names = names.filter((known) => known !== name);
    asked.push(url);
    const from = Number(url.searchParams.get("NextToken") ?? 0);
    const prefix = url.searchParams.get("NamePrefix") ?? "";
    const found = names.filter((known) => known.startsWith(prefix));
    response.writeHead(200, { "content-type": "application/json" }).end(
      JSON.stringify({
        ScheduleArn: "arn",
        Schedules: found.slice(from, from + 2).map((Name) => ({ Name })),
        ...(found.length > from + 2 && { NextToken: `${from + 2}` }),
      }),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  settings = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "eu-central-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
    maxAttempts: 1,
  };
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  names = [];
  asked = [];
  refusal = undefined;
});

const open = () =>
  createAwsScheduleList({ scheduler: new SchedulerClient(settings ?? {}), groupName: "tasks" });
async function list(taskId?: TaskId): Promise<readonly ListedSchedule[]> {
  const found: ListedSchedule[] = [];
  for await (const page of open().list(taskId)) found.push(...page);
  return found;
}

describe("the list of schedules", () => {
  it("reads what the dispatch has scheduled, over all pages of its own group", async () => {
    const clock = manualClock();
    const dispatch = createAwsTaskDispatch({
      scheduler: new SchedulerClient(settings ?? {}),
      sqs: new SQSClient(settings ?? {}),
      clock,
      groupName: "tasks",
      schedulerRoleArn: "arn:aws:iam::1:role/scheduler",
      functionArns: { prepare: "arn:aws:lambda:::function:a", publish: "arn:aws:lambda:::function:b" },
      queueUrls: {},
    });
    const [one, other] = [freshTaskId(), freshTaskId()];
    const wanted = (["prepare", "publish"] as const).flatMap((step) =>
      [one, other].map((taskId) => ({ taskId, arm: 12, step })),
    );
    for (const message of wanted)
      await dispatch.schedule({ ...message, rev: 1, part: 0 }, new Date("2026-12-02T00:00:00.000Z"));
    asked = [];
    expect((await list()).map(({ name: _, ...rest }) => rest)).toEqual(wanted);
    expect(asked.map((url) => [url.pathname, url.searchParams.get("ScheduleGroup")])).toEqual([
      ["/schedules", "tasks"],
      ["/schedules", "tasks"],
    ]);
    expect((await list(one)).map(({ taskId, step }) => [taskId, step])).toEqual([
      [one, "prepare"],
      [one, "publish"],
    ]);
  });

  it("leaves out what is not a task's", async () => {
    names = ["nightly", "t-01JZ-1-dance", "t-01JZ-x-publish", "t-01JZ-1-publish-2", "t-01JZ-2-publish"];
    expect(await list()).toEqual([{ name: "t-01JZ-2-publish", taskId: "01JZ", arm: 2, step: "publish" }]);
  });

  it("deletes, and is content when there is nothing any more", async () => {
    names = ["t-01JZ-1-publish", "t-01JZ-2-publish"];
    await open().delete({ name: "t-01JZ-1-publish" });
    expect(names).toEqual(["t-01JZ-2-publish"]);
    expect(asked.at(-1)?.searchParams.get("groupName")).toBe("tasks");
    refusal = { status: 404, type: "ResourceNotFoundException" };
    await open().delete({ name: "t-01JZ-1-publish" });
    refusal = { status: 403, type: "AccessDeniedException" };
    await expect(open().delete({ name: "t-01JZ-2-publish" })).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
    await expect(list()).rejects.toMatchObject({ name: "AccessDeniedException" });
  });
});
