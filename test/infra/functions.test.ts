import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type * as z from "zod";
import { configSchema as acceptDrop } from "#functions/accept-drop/config.ts";
import { configSchema as authorizeRequest } from "#functions/authorize-request/config.ts";
import { configSchema as connectAccount } from "#functions/connect-account/config.ts";
import { configSchema as deliverWebhook } from "#functions/deliver-webhook/config.ts";
import { configSchema as expandRecurrences } from "#functions/expand-recurrences/config.ts";
import { configSchema as preparePost } from "#functions/prepare-post/config.ts";
import { configSchema as publishPost } from "#functions/publish-post/config.ts";
import { configSchema as relayEvents } from "#functions/relay-events/config.ts";
import { configSchema as serveApi } from "#functions/serve-api/config.ts";
import { configSchema as sweepTasks } from "#functions/sweep-tasks/config.ts";
import { REPOSITORY } from "#infra/bundling.ts";
import { COMMON_VARIABLES, type FunctionName } from "#infra/constructs/cloud-function.ts";
import { loadConfig } from "#shared/config/load-config.ts";
import { TIMING } from "#shared/domain/timing.ts";
import {
  FUNCTION_NAMES,
  functionNamed,
  functionsOf,
  ofType,
  propertiesOf,
  referent,
  synthesize,
} from "./synthesis.ts";

const synthesis = synthesize();

const SCHEMAS: Readonly<Record<FunctionName, z.ZodObject>> = {
  "accept-drop": acceptDrop,
  "authorize-request": authorizeRequest,
  "connect-account": connectAccount,
  "deliver-webhook": deliverWebhook,
  "expand-recurrences": expandRecurrences,
  "prepare-post": preparePost,
  "publish-post": publishPost,
  "relay-events": relayEvents,
  "serve-api": serveApi,
  "sweep-tasks": sweepTasks,
};

const TIMES: Readonly<Record<FunctionName, { readonly timeoutMs: number; readonly memoryMb: number }>> = {
  "accept-drop": TIMING.accept,
  "authorize-request": TIMING.authorize,
  "connect-account": TIMING.connect,
  "deliver-webhook": TIMING.deliver,
  "expand-recurrences": TIMING.expand,
  "prepare-post": TIMING.prepare,
  "publish-post": TIMING.publish,
  "relay-events": TIMING.relay,
  "serve-api": TIMING.api,
  "sweep-tasks": TIMING.sweep,
};

describe("functions", () => {
  it("deploys every folder that has settings, and nothing else", () => {
    const folders = readdirSync(join(REPOSITORY, "functions"), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .filter((name) => readdirSync(join(REPOSITORY, "functions", name)).includes("config.ts"));
    expect(folders.sort()).toEqual([...FUNCTION_NAMES]);
    expect([...functionsOf(synthesis).keys()].sort()).toEqual([...FUNCTION_NAMES]);
  });

  it("runs none that is not ours, and no custom resource", () => {
    expect(ofType(synthesis, "AWS::Lambda::Function")).toHaveLength(FUNCTION_NAMES.length);
    const types = Object.values(synthesis.resources).map(({ Type }) => Type);
    expect(types.filter((type) => type.startsWith("Custom::") || type.includes("CustomResource"))).toEqual(
      [],
    );
  });

  describe.each(FUNCTION_NAMES)("%s", (name) => {
    const lambda = functionNamed(synthesis, name);
    const properties = propertiesOf(synthesis, lambda.logicalId);

    it("is given every variable that it reads, and none that it does not", () => {
      const expected = [...Object.keys(SCHEMAS[name].shape), ...COMMON_VARIABLES];
      expect(Object.keys(lambda.variables).sort()).toEqual(expected.sort());
    });

    it("has the memory and the time that it was designed with", () => {
      expect(lambda).toMatchObject({ timeoutMs: TIMES[name].timeoutMs, memoryMb: TIMES[name].memoryMb });
    });

    it("runs on Node 24 and arm64 and reports errors by source", () => {
      expect(properties).toMatchObject({
        Runtime: "nodejs24.x",
        Architectures: ["arm64"],
        Handler: "index.handler",
      });
      expect(lambda.variables["NODE_OPTIONS"]).toContain("--enable-source-maps");
    });

    it("keeps its log for as long as the stage says", () => {
      const { LogGroup } = properties["LoggingConfig"] as { LogGroup: unknown };
      expect(propertiesOf(synthesis, referent(LogGroup))["RetentionInDays"]).toBe(30);
    });

    it("is not started before it may do its work", () => {
      const policies = ofType(synthesis, "AWS::IAM::Policy")
        .filter(([, { Roles }]) => (Roles as unknown[]).some((role) => referent(role) === lambda.roleId))
        .map(([logicalId]) => logicalId);
      expect(synthesis.resources[lambda.logicalId]).toMatchObject({
        DependsOn: expect.arrayContaining(policies),
      });
    });
  });

  it("bounds the heap of the one that copies gigabytes", () => {
    const { variables } = functionNamed(synthesis, "prepare-post");
    expect(variables["NODE_OPTIONS"]).toBe("--enable-source-maps --max-semi-space-size=1");
  });
});

describe("time", () => {
  it.each([
    ["prepare-post", "PrepareMapping", TIMING.prepare],
    ["publish-post", "PublishMapping", TIMING.publish],
  ] as const)("keeps request deadline < time-out < lease ≤ visibility for %s", (name, mapping, timing) => {
    const { timeoutMs } = functionNamed(synthesis, name);
    expect(timing.requestDeadlineMs).toBeLessThan(timeoutMs);
    expect(timeoutMs).toBeLessThan(timing.leaseMs);
    expect(timing.leaseMs).toBeLessThanOrEqual(visibilityOfMapping(mapping));
  });

  it("posts only while the whole answer still fits into the invocation", () => {
    const { requestDeadlineMs, minRemainingMs, timeoutMs, holdLeadMs, holdSlackMs } = TIMING.publish;
    expect(requestDeadlineMs).toBeLessThan(minRemainingMs);
    expect(holdLeadMs + holdSlackMs + minRemainingMs).toBeLessThanOrEqual(timeoutMs);
  });

  it("lets nobody set a hold that leaves no time to post", () => {
    const { MaxValue: longest } = synthesis.service.Parameters?.["HoldLeadSeconds"] ?? {};
    const { timeoutMs } = functionNamed(synthesis, "publish-post");
    expect(Number(longest) * 1_000 + TIMING.publish.minRemainingMs).toBeLessThan(timeoutMs);
  });

  it.each([
    ["IntakeMapping", "accept-drop"],
    ["PrepareMapping", "prepare-post"],
    ["PublishMapping", "publish-post"],
    ["WebhooksMapping", "deliver-webhook"],
  ] as const)("hides a message for six times the time-out: %s", (mapping, name) => {
    expect(visibilityOfMapping(mapping)).toBeGreaterThanOrEqual(6 * functionNamed(synthesis, name).timeoutMs);
  });

  it("answers the API before API Gateway gives up", () => {
    expect(functionNamed(synthesis, "serve-api").timeoutMs).toBeLessThan(30_000);
  });

  it.each([
    ["sweep-tasks", "rate(1 minute)", 60_000],
    ["expand-recurrences", "rate(1 hour)", 3_600_000],
  ] as const)("starts %s at %s, and it is done before the next", (name, rate, everyMs) => {
    const { logicalId, timeoutMs } = functionNamed(synthesis, name);
    expect(timeoutMs).toBeLessThan(everyMs);
    const rates = ofType(synthesis, "AWS::Events::Rule")
      .filter(([, { Targets }]) =>
        (Targets as { Arn: unknown }[]).some(({ Arn }) => referent(Arn) === logicalId),
      )
      .map(([, { ScheduleExpression, State }]) => [ScheduleExpression, State]);
    expect(rates).toEqual([[rate, "ENABLED"]]);
  });
});

describe("settings of a function", () => {
  const environment = {
    TABLE_NAME: "table",
    BUCKET_NAME: "bucket",
    PREPARE_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/prepare",
    PUBLISH_QUEUE_URL: "http://127.0.0.1:4552/123456789012/publish",
    SCHEDULE_GROUP: "group",
    SCHEDULER_ROLE_ARN: "arn:aws:iam::123456789012:role/scheduler",
    PREPARE_FUNCTION_ARN: "arn:aws:lambda:eu-west-1:123456789012:function:prepare",
    PUBLISH_FUNCTION_ARN: "arn:aws:lambda:eu-west-1:123456789012:function:publish",
    HOLD_LEAD_SECONDS: "65",
    NEAR_LIMIT_SECONDS: "1.5",
    PREPARE_LEADS: "photo=180,gif=600,video=1200,large=3600",
    STAGE: "main",
    INTAKE_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/intake",
    INTAKE_DEAD_LETTERS_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/intake-dead",
    PREPARE_DEAD_LETTERS_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/prepare-dead",
    PUBLISH_DEAD_LETTERS_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/publish-dead",
    WEBHOOK_DEAD_LETTERS_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/webhooks-dead",
    BACKGROUND_DEAD_LETTERS_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/background-dead",
    WEBHOOK_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/webhooks",
    ALLOW_LOOPBACK_WEBHOOKS: "false",
    RELEASE: "1.2.3",
    REGION: "eu-west-1",
  };

  it("are parsed once, frozen, and without what they do not know", () => {
    const config = loadConfig(serveApi, { ...environment, PATH: "/usr/bin" });
    expect(config).toMatchObject({ HOLD_LEAD_SECONDS: 65, NEAR_LIMIT_SECONDS: 1.5 });
    expect(config.PREPARE_LEADS).toEqual({
      photo: 180_000,
      gif: 600_000,
      video: 1_200_000,
      large: 3_600_000,
    });
    expect(config).not.toHaveProperty("PATH");
    expect(Object.isFrozen(config)).toBe(true);
  });

  it("name every wrong and missing variable at once, and show no value", () => {
    const { TABLE_NAME: _, ...rest } = environment;
    const load = () => loadConfig(serveApi, { ...rest, SCHEDULER_ROLE_ARN: "s3cret", HOLD_LEAD_SECONDS: "" });
    expect(load).toThrow(
      expect.objectContaining({
        name: "ConfigurationFault",
        message: "wrong or missing environment variables: HOLD_LEAD_SECONDS, SCHEDULER_ROLE_ARN, TABLE_NAME",
        details: { variables: ["HOLD_LEAD_SECONDS", "SCHEDULER_ROLE_ARN", "TABLE_NAME"] },
      }),
    );
    expect(load).not.toThrow(/s3cret/);
  });

  it.each([
    ["HOLD_LEAD_SECONDS", "-1"],
    ["HOLD_LEAD_SECONDS", "1e3"],
    ["NEAR_LIMIT_SECONDS", "soon"],
    ["PREPARE_LEADS", "photo=180"],
    ["PREPARE_LEADS", "photo=a,gif=600,video=1200,large=3600"],
    ["PREPARE_QUEUE_URL", "arn:aws:sqs:eu-west-1:123456789012:prepare"],
    ["STAGE", ""],
  ])("refuse %s=%s", (variable, value) => {
    expect(() => loadConfig(serveApi, { ...environment, [variable]: value })).toThrow(variable);
  });

  it.each(["0", "1.5", "", "four"])("refuse UPLOAD_CONCURRENCY=%s", (value) => {
    expect(preparePost.shape.UPLOAD_CONCURRENCY.safeParse(value).success).toBe(false);
  });
});

function visibilityOfMapping(prefix: string): number {
  const [mapping] = ofType(synthesis, "AWS::Lambda::EventSourceMapping").filter(([id]) =>
    id.startsWith(prefix),
  );
  const queue = propertiesOf(synthesis, referent(mapping?.[1]["EventSourceArn"]));
  return Number(queue["VisibilityTimeout"]) * 1_000;
}
