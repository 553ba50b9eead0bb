import { Token } from "aws-cdk-lib";
import { describe, expect, it, vi } from "vitest";
import { PREPARE_LEADS_MS } from "#shared/domain/timing.ts";
import { FUNCTION_NAMES, functionNamed, ofType, synthesize } from "./synthesis.ts";

const synthesis = synthesize();

/** Parameter → the variable that it fills. */
const VARIABLE_OF = {
  XEndpoint: "X_ENDPOINT",
  XWebsite: "X_WEBSITE",
  HoldLeadSeconds: "HOLD_LEAD_SECONDS",
  NearLimitSeconds: "NEAR_LIMIT_SECONDS",
  PrepareLeads: "PREPARE_LEADS",
  SettleSeconds: "SETTLE_SECONDS",
  UploadConcurrency: "UPLOAD_CONCURRENCY",
  GeminiEndpoint: "GEMINI_ENDPOINT",
  GeminiModel: "GEMINI_MODEL",
  AllowLoopbackWebhooks: "ALLOW_LOOPBACK_WEBHOOKS",
};

describe("parameters", () => {
  const parameters = synthesis.service.Parameters ?? {};

  it("has these and no other, each with the default of production", () => {
    const defaults = Object.entries(parameters).map(([name, { Default }]) => [name, Default]);
    expect(Object.fromEntries(defaults)).toEqual({
      XEndpoint: "https://api.x.com",
      XWebsite: "https://x.com",
      HoldLeadSeconds: 65,
      NearLimitSeconds: 90,
      PrepareLeads: "photo=180,gif=600,video=1200,large=3600",
      SettleSeconds: 20,
      UploadConcurrency: 4,
      GeminiEndpoint: "https://generativelanguage.googleapis.com",
      GeminiModel: "gemini-3.5-flash-lite",
      AllowLoopbackWebhooks: "false",
    });
    expect(synthesis.data.Parameters).toBeUndefined();
  });

  it("has a lead for every kind of medium", () => {
    const { Default } = parameters["PrepareLeads"] ?? {};
    expect(
      String(Default)
        .split(",")
        .map((pair) => pair.split("=")[0]),
    ).toEqual(Object.keys(PREPARE_LEADS_MS));
  });

  it("refuses values that the functions would refuse", () => {
    const accepts = (name: string, value: string) =>
      new RegExp(`^(?:${parameters[name]?.["AllowedPattern"]})$`).test(value);
    expect(accepts("XEndpoint", "https://api.x.com")).toBe(true);
    expect(accepts("XEndpoint", "http://127.0.0.1:4551")).toBe(true);
    expect(accepts("XEndpoint", "api.x.com")).toBe(false);
    expect(accepts("XEndpoint", "https://api.x.com/2")).toBe(false);
    expect(accepts("GeminiEndpoint", "http://127.0.0.1:4551")).toBe(true);
    expect(accepts("GeminiEndpoint", "https://generativelanguage.googleapis.com/v1beta")).toBe(false);
    expect(accepts("GeminiModel", "gemini-3.6-flash")).toBe(true);
    expect(accepts("GeminiModel", "../files")).toBe(false);
    expect(accepts("PrepareLeads", "photo=1,gif=2,video=3,large=4")).toBe(true);
    expect(accepts("PrepareLeads", "photo=1")).toBe(false);
    expect(parameters["UploadConcurrency"]).toMatchObject({ Type: "Number", MinValue: 1 });
  });

  it.each(Object.entries(VARIABLE_OF))(
    "lets %s fill %s wherever it is read, and writes the value nowhere",
    (name, variable) => {
      const values = FUNCTION_NAMES.flatMap((each) => {
        const value = functionNamed(synthesis, each).variables[variable];
        return value === undefined ? [] : [value];
      });
      expect(values.length).toBeGreaterThan(0);
      for (const value of values) expect(value).toEqual({ Ref: name });
    },
  );
});

describe("the template", () => {
  it("has the same bytes each time, whatever the environment of the one who synthesizes says", () => {
    for (const variable of Object.values(VARIABLE_OF)) vi.stubEnv(variable, "7");
    vi.stubEnv("TABLE_NAME", "another");
    vi.stubEnv("AWS_REGION", "ap-south-1");
    vi.stubEnv("TZ", "Asia/Shanghai");
    expect(synthesize().bytes).toEqual(synthesis.bytes);
  });

  it("belongs to no account and Region unless the stage says so", () => {
    const { account, region } = synthesis.app.service;
    expect([account, region].map((value) => Token.isUnresolved(value))).toEqual([true, true]);
    expect(synthesis.bytes.service).not.toMatch(/arn:aws:/);
    const bound = synthesize({ context: { account: "123456789012", region: "eu-west-1" } });
    expect(bound.app.service).toMatchObject({ account: "123456789012", region: "eu-west-1" });
  });

  it("keeps stages of one account apart, and the default one without a suffix", () => {
    expect([synthesis.app.data.stackName, synthesis.app.service.stackName]).toEqual([
      "PunctualData",
      "PunctualService",
    ]);
    const trial = synthesize({ context: { stage: "trial" } });
    expect([trial.app.data.stackName, trial.app.service.stackName]).toEqual([
      "PunctualData-trial",
      "PunctualService-trial",
    ]);
    expect(functionNamed(trial, "serve-api").variables["STAGE"]).toBe("trial");
    expect(JSON.stringify(trial.service)).toContain('"Fn::ImportValue":"PunctualData-trial:');
  });

  it("tells where everything is that an operator needs", () => {
    expect(Object.keys(synthesis.data.Outputs ?? {})).toEqual(
      expect.arrayContaining(["TableName", "BucketName", "CredentialsKeyId"]),
    );
    expect(Object.keys(synthesis.service.Outputs ?? {})).toEqual([
      "ApiUrl",
      "ScheduleGroup",
      "IntakeDeadLettersUrl",
      "PrepareDeadLettersUrl",
      "PublishDeadLettersUrl",
      "WebhooksDeadLettersUrl",
      "BackgroundDeadLettersUrl",
    ]);
  });

  // Each route that is open, or that another function serves, has permissions of its own.
  it("stays within a third of what CloudFormation takes: 500 resources and 1 MB", () => {
    expect(Object.keys(synthesis.service.Resources).length).toBeLessThan(167);
    expect(Buffer.byteLength(synthesis.bytes.service)).toBeLessThan(250_000);
  });

  // The goal was $2.50: webhooks have the fourth queue that Lambda polls, and an alarm for its dead letters.
  it("costs at most $2.80 a month while nothing happens, at list price in us-east-1", () => {
    const sweepsPerMonth = 60 * 24 * 30;
    const sweepSeconds = 0.1;
    const queuesPolled = ofType(synthesis, "AWS::Lambda::EventSourceMapping").filter(
      ([, { EventSourceArn }]) => !JSON.stringify(EventSourceArn).includes("Stream"),
    ).length;
    const dollars =
      // A customer-managed key.
      ofType(synthesis, "AWS::KMS::Key").length * 1 +
      // Five pollers per mapping, each asking every 20 s, $0.40 a million.
      (queuesPolled * 5 * 3 * sweepsPerMonth * 0.4) / 1e6 +
      // An alarm on one metric.
      ofType(synthesis, "AWS::CloudWatch::Alarm").length * 0.1 +
      // The sweeper: requests, arm64 GB-seconds, four queries.
      (sweepsPerMonth * 0.2) / 1e6 +
      sweepsPerMonth *
        sweepSeconds *
        (functionNamed(synthesis, "sweep-tasks").memoryMb / 1_024) *
        0.0000133334 +
      (sweepsPerMonth * 4 * 0.125) / 1e6 +
      // The expansion of recurrences: the same with one query, every hour.
      (sweepsPerMonth / 60) * (0.2e-6 + 0.2 * 0.25 * 0.0000133334 + 0.125e-6);
    expect(dollars).toBeLessThanOrEqual(2.8);
  });
});
