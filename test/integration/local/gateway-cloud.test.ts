import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { CreateScheduleCommand } from "@aws-sdk/client-scheduler";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type CloudOptions, type LocalCloud, startCloud } from "#infra/local/cloud.ts";
import type { Resource } from "#infra/local/template/assembly.ts";
import { clientsOf } from "./gateway-fixtures.ts";
import { type SynthesizedApp, synthesizeApp } from "./gateway-synthesis.ts";

let app: SynthesizedApp;
beforeAll(() => {
  app = synthesizeApp();
});
afterAll(() => app?.[Symbol.dispose]());

/** A running cloud, and what its functions wrote. */
interface Running extends AsyncDisposable {
  readonly cloud: LocalCloud;
  readonly operator: ReturnType<typeof clientsOf>;
  /** Lines as `<function> <line>`. */
  readonly lines: string[];
  line(pattern: RegExp): Promise<string>;
  report(pattern: RegExp): Promise<void>;
}

async function run(directory: string, more: Partial<CloudOptions> = {}): Promise<Running> {
  const lines: string[] = [];
  const cloud = await startCloud({
    directory,
    ports: { api: 0, gateway: 0 },
    onLog: ({ functionId, line }) => lines.push(`${functionId} ${line}`),
    ...more,
  });
  const operator = clientsOf(cloud.gatewayUrl, "OPERATOR");
  return {
    cloud,
    operator,
    lines,
    line: (pattern) =>
      vi.waitFor(
        () => {
          const found = lines.find((line) => pattern.test(line));
          if (found === undefined) {
            throw new Error(`no line like ${pattern}; reports: ${JSON.stringify(cloud.reports())}`);
          }
          return found;
        },
        { timeout: 20_000 },
      ),
    report: (pattern) =>
      vi.waitFor(
        () =>
          expect(cloud.reports().map(({ message }) => message)).toContainEqual(
            expect.stringMatching(pattern),
          ),
        { timeout: 20_000 },
      ),
    [Symbol.asyncDispose]: async () => {
      operator[Symbol.dispose]();
      await cloud.close();
    },
  };
}

const drop = ({ cloud, operator }: Running, key: string) =>
  operator.s3.send(new PutObjectCommand({ Bucket: cloud.outputs["BucketName"], Key: key, Body: "text" }));

/** The function that a queue mapping feeds, found by what it is connected to and not by its name. */
function fedBy(
  cloud: LocalCloud,
  isQueue: (queue: Resource) => boolean,
): { lambda: Resource; queue: Resource } {
  for (const mapping of cloud.assembly.ofType("AWS::Lambda::EventSourceMapping")) {
    const queue = cloud.assembly.byArn(String(mapping.properties["EventSourceArn"]));
    const lambda = cloud.assembly
      .ofType("AWS::Lambda::Function")
      .find(({ physicalId, arn }) => [physicalId, arn].includes(String(mapping.properties["FunctionName"])));
    if (queue?.type === "AWS::SQS::Queue" && lambda && isQueue(queue)) {
      return { lambda, queue };
    }
  }
  throw new Error("no such mapping");
}

function intake(cloud: LocalCloud): { lambda: Resource; queue: Resource } {
  const [rule] = cloud.assembly
    .ofType("AWS::Events::Rule")
    .filter(({ properties }) => properties["EventPattern"] !== undefined);
  const targets = rule?.properties["Targets"] as readonly { readonly Arn: string }[];
  return fedBy(cloud, ({ arn }) => targets.some(({ Arn }) => Arn === arn));
}

/** A function that the Scheduler's role may invoke. */
function schedulable({ assembly }: LocalCloud): string {
  const names = assembly.ofType("AWS::Lambda::Function").flatMap(({ properties }) => {
    const { Variables = {} } = (properties["Environment"] ?? {}) as { Variables?: Record<string, string> };
    return Variables["PUBLISH_FUNCTION_ARN"] ?? [];
  });
  return names[0] ?? "";
}

const send = (running: Running, queue: Resource, call: Record<string, unknown>) =>
  running.operator.sqs.send(
    new SendMessageCommand({ QueueUrl: queue.physicalId, MessageBody: JSON.stringify({ call }) }),
  );

describe("the synthesized template, run", () => {
  it("carries a dropped file to its function, by whatever logical ids", async () => {
    for (const directory of [app.directory, app.renamed()]) {
      await using running = await run(directory);
      const { lambda } = intake(running.cloud);
      await drop(running, "drop/default/你好 🎉.md");
      expect(await running.line(/你好/)).toMatch(new RegExp(`^${lambda.logicalId} .*Object Created`));
      await drop(running, "outcome/default/a.json");
      await drop(running, "drop/default/second.md");
      await running.line(/second\.md/);
      expect(running.lines.filter((line) => line.includes("a.json"))).toEqual([]);
      expect(running.cloud.reports()).toEqual([]);
      expect(running.cloud.used()).toContainEqual(
        expect.objectContaining({ principal: "events.amazonaws.com", action: "sqs:SendMessage" }),
      );
    }
  });

  it("holds a function behind its queue to its role", async () => {
    await using running = await run(app.directory);
    const { cloud } = running;
    const { lambda, queue } = intake(cloud);
    const [table] = cloud.assembly.ofType("AWS::DynamoDB::Table");
    const scan = {
      service: "dynamodb",
      target: "DynamoDB_20120810.Scan",
      body: { TableName: table?.physicalId },
    };
    const Key = { pk: { S: "a" }, sk: { S: "b" } };
    const get = { ...scan, target: "DynamoDB_20120810.GetItem", body: { TableName: table?.physicalId, Key } };
    await send(running, queue, get);
    await running.line(new RegExp(`^${lambda.logicalId} \\{"status":200`));
    await send(running, queue, scan);
    await running.report(
      new RegExp(
        `not authorized to perform: dynamodb:Scan on resource: .*table/.*Function ${lambda.logicalId}: add`,
      ),
    );
    await running.report(new RegExp(`^${lambda.logicalId} failed: Error: .*AccessDenied`));
    expect(cloud.used()).toContainEqual({
      principal: lambda.logicalId,
      action: "dynamodb:GetItem",
      resource: table?.arn,
    });
  });

  it("delivers twice, and lets functions die, where it is asked to", async () => {
    await using running = await run(app.directory);
    const { cloud, lines } = running;
    const { lambda, queue } = intake(cloud);
    const seen = (text: string) =>
      lines.filter((line) => line.includes('"probe"') && line.includes(text)).length;
    const times = (text: string, count: number) =>
      vi.waitFor(() => expect(seen(text)).toBe(count), { timeout: 20_000 });

    cloud.unkindness.add({ kind: "twice", service: "s3", times: 1 });
    await drop(running, "drop/default/doubled.md");
    await drop(running, "drop/default/single.md");
    await times("single.md", 1);
    await times("doubled.md", 2);

    cloud.unkindness.add({ kind: "twice", service: "lambda", times: 1 });
    const target = cloud.assembly
      .ofType("AWS::Lambda::Function")
      .find(({ properties }) => JSON.stringify(properties).includes("SCHEDULER_ROLE_ARN"));
    const { Variables } = (target?.properties["Environment"] ?? {}) as { Variables: Record<string, string> };
    await running.operator.scheduler.send(
      new CreateScheduleCommand({
        Name: "fires-twice",
        GroupName: Variables["SCHEDULE_GROUP"],
        ScheduleExpression: `at(${new Date(Date.now() + 2_000).toISOString().slice(0, 19)})`,
        FlexibleTimeWindow: { Mode: "OFF" },
        Target: {
          Arn: schedulable(cloud),
          RoleArn: Variables["SCHEDULER_ROLE_ARN"],
          Input: JSON.stringify({ fired: "twice" }),
        },
      }),
    );
    await times('"fired":"twice"', 2);

    cloud.unkindness.add({ kind: "crash", when: "after", operation: "GetItem", caller: lambda.logicalId });
    const [table] = cloud.assembly.ofType("AWS::DynamoDB::Table");
    const body = { TableName: table?.physicalId, Key: { pk: { S: "a" }, sk: { S: "b" } } };
    await send(running, queue, { service: "dynamodb", target: "DynamoDB_20120810.GetItem", body });
    await running.report(new RegExp(`^${lambda.logicalId} failed: Runtime.ExitError`));
    expect(lines.filter((line) => line.includes('"status":200'))).toEqual([]);
    cloud.unkindness.clear();
    await drop(running, "drop/default/after.md");
    await times("after.md", 1);
  });

  it("answers the API through authorizer and function", async () => {
    await using running = await run(app.directory);
    const url = `${running.cloud.apiUrl}/api/v1/system/health`;
    const response = await fetch(url, { headers: { authorization: "Bearer key" } });
    expect([response.status, await response.text()]).toEqual([200, '{"ok":true}']);
    const [api] = running.cloud.assembly.ofType("AWS::ApiGatewayV2::Api");
    expect(api).toBeDefined();
    expect(Object.values(running.cloud.outputs)).toContain(running.cloud.apiUrl);
  });

  it("leaves neither ports nor processes behind, and closes twice without harm", async () => {
    const running = await run(app.directory);
    const { gatewayUrl, apiUrl } = running.cloud;
    await Promise.all([running.cloud.close(), running.cloud.close()]);
    running.operator[Symbol.dispose]();
    await expect(fetch(gatewayUrl)).rejects.toThrow();
    await expect(fetch(String(apiUrl))).rejects.toThrow();
  });

  it("keeps what was dropped over a restart", async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "punctual-state-"));
    try {
      const first = await run(app.directory, { stateDir });
      const { queue } = intake(first.cloud);
      await first.operator.sqs.send(
        new SendMessageCommand({ QueueUrl: queue.physicalId, MessageBody: '{"kept":true}', DelaySeconds: 3 }),
      );
      await first[Symbol.asyncDispose]();
      await using second = await run(app.directory, { stateDir });
      await second.line(/kept/);
    } finally {
      rmSync(stateDir, { recursive: true, force: true });
    }
  });
});

type Resources = Parameters<Parameters<SynthesizedApp["altered"]>[0]>[0];

const all = (resources: Resources, type: string) =>
  Object.entries(resources).filter(([, { Type }]) => Type === type);

/** Takes an action away from every statement of every role policy. */
function withoutAction(resources: Resources, action: string): void {
  for (const [, { Properties }] of all(resources, "AWS::IAM::Policy")) {
    const document = Properties["PolicyDocument"] as { Statement: { Action: string | string[] }[] };
    document.Statement = document.Statement.map((statement) => ({
      ...statement,
      Action: [statement.Action].flat().filter((one) => one !== action),
    })).filter(({ Action }) => Action.length > 0);
  }
}

function withoutPolicy(resources: Resources, type: string): void {
  for (const [logicalId] of all(resources, type)) {
    delete resources[logicalId];
  }
}

describe("the local cloud cannot be fooled: it says what is missing when the template lacks", () => {
  it("an action of a role", async () => {
    const directory = app.altered((resources) => withoutAction(resources, "dynamodb:GetItem"));
    await using running = await run(directory);
    const { lambda, queue } = intake(running.cloud);
    const [table] = running.cloud.assembly.ofType("AWS::DynamoDB::Table");
    const body = { TableName: table?.physicalId, Key: { pk: { S: "a" }, sk: { S: "b" } } };
    await send(running, queue, { service: "dynamodb", target: "DynamoDB_20120810.GetItem", body });
    await running.report(new RegExp(`Function ${lambda.logicalId}: add .*"Action":"dynamodb:GetItem"`));
  });

  it("the queue policy of the rule", async () => {
    await using running = await run(
      app.altered((resources) => withoutPolicy(resources, "AWS::SQS::QueuePolicy")),
    );
    const { queue } = intake(running.cloud);
    await drop(running, "drop/default/a.md");
    await running.report(new RegExp(`AWS::SQS::QueuePolicy of the queue \\w+/${queue.logicalId}`));
  });

  it("the permission of the API to invoke its functions", async () => {
    await using running = await run(
      app.altered((resources) => withoutPolicy(resources, "AWS::Lambda::Permission")),
    );
    const response = await fetch(`${running.cloud.apiUrl}/api/v1/system/health`, {
      headers: { authorization: "k" },
    });
    expect(response.status).toBe(500);
    await running.report(/needs an AWS::Lambda::Permission on the function .* for the principal apigateway/);
  });

  it("the trust of the Scheduler role", async () => {
    const directory = app.altered((resources) => {
      for (const [, { Properties }] of all(resources, "AWS::IAM::Role")) {
        const trust = JSON.stringify(Properties["AssumeRolePolicyDocument"]);
        Properties["AssumeRolePolicyDocument"] = JSON.parse(
          trust.replaceAll("scheduler.amazonaws", "ec2.amazonaws"),
        );
      }
    });
    await using running = await run(directory);
    const { assembly } = running.cloud;
    const lambda = assembly
      .ofType("AWS::Lambda::Function")
      .find(({ properties }) => JSON.stringify(properties).includes("SCHEDULER_ROLE_ARN"));
    const { Variables } = (lambda?.properties["Environment"] ?? {}) as { Variables: Record<string, string> };
    const create = new CreateScheduleCommand({
      Name: "t-1",
      GroupName: Variables["SCHEDULE_GROUP"],
      ScheduleExpression: "at(2099-01-01T00:00:00)",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: { Arn: lambda?.arn ?? "", RoleArn: Variables["SCHEDULER_ROLE_ARN"] },
    });
    await expect(running.operator.scheduler.send(create)).rejects.toThrow(/role|assume/i);
  });

  it("the rights of a queue mapping", async () => {
    const start = run(app.altered((resources) => withoutAction(resources, "sqs:ReceiveMessage")));
    await expect(start).rejects.toThrow(/sqs:ReceiveMessage/);
  });

  it("the rights of the stream mapping", async () => {
    const start = run(app.altered((resources) => withoutAction(resources, "dynamodb:GetRecords")));
    await expect(start).rejects.toThrow(/dynamodb:GetRecords/);
  });

  it("a resource type that is known", async () => {
    const start = run(
      app.altered((resources) => {
        resources["Surprise"] = { Type: "AWS::Kinesis::Stream", Properties: {} };
      }),
    );
    await expect(start).rejects.toThrow(/Surprise: the resource type AWS::Kinesis::Stream is not known here/);
  });
});

describe("ports", () => {
  it("that are taken are named, with the remedy, and nothing is left running", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    for (const ports of [
      { api: port, gateway: 0 },
      { api: 0, gateway: port },
    ]) {
      await expect(startCloud({ directory: app.directory, ports })).rejects.toMatchObject({
        name: "PortTakenFault",
        port,
        message: expect.stringMatching(new RegExp(`Port ${port} .*PUNCTUAL_PORT`)),
      });
    }
    other.close();
    await once(other, "close");
  });
});
