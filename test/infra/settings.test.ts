import { RootConstruct } from "constructs";
import { describe, expect, it } from "vitest";
import { readSettings, SETTING_NAMES } from "#infra/settings.ts";

/** Of a tree that writes nothing: an app would leave a folder behind. */
function read(context: Record<string, unknown> = {}) {
  const { node } = new RootConstruct();
  for (const [name, value] of Object.entries(context)) node.setContext(name, value);
  return readSettings(node);
}

describe("settings of a stage", () => {
  it("needs none", () => {
    expect(read()).toEqual({ stage: "main", alarms: "essential", logRetentionDays: 30, corsOrigins: [] });
  });

  it("reads numbers from the command line and from cdk.json alike", () => {
    expect(read({ logRetentionDays: "90", dropRetentionDays: 365 })).toMatchObject({
      logRetentionDays: 90,
      dropRetentionDays: 365,
    });
  });

  it("reads origins from the command line and from cdk.json alike", () => {
    const corsOrigins = ["https://a.example", "https://b.example:8443"];
    expect(read({ corsOrigins })).toMatchObject({ corsOrigins });
    expect(read({ corsOrigins: corsOrigins.join(", ") })).toMatchObject({ corsOrigins });
  });

  it("accepts every setting at once", () => {
    const all = {
      stage: "prod-2",
      account: "123456789012",
      region: "eu-west-1",
      alarmEmail: "operator@example.com",
      alarms: "detailed",
      logRetentionDays: 7,
      corsOrigins: ["https://console.example.com", "http://localhost:5173"],
      dropRetentionDays: 30,
    };
    expect(read(all)).toEqual(all);
    expect(Object.keys(all).sort()).toEqual([...SETTING_NAMES].sort());
  });

  it.each([
    ["stage", "Prod", "stage: must be 1 to 20 of a-z, 0-9 and -, and begin with a letter"],
    ["stage", "", "stage: must be 1 to 20"],
    ["account", "12345", "account: must be the 12 digits of an AWS account"],
    ["region", "Ireland", "region: must be the name of a Region, such as eu-west-1"],
    ["alarmEmail", "operator", "alarmEmail: must be an e-mail address"],
    ["alarms", "some", "alarms: "],
    ["logRetentionDays", "31", "logRetentionDays: must be one of 1, 3, 5, 7,"],
    ["logRetentionDays", "a week", "logRetentionDays: "],
    ["corsOrigins", "*", "corsOrigins.0: must be origins"],
    ["corsOrigins", "https://a.example/", "corsOrigins.0: must be origins"],
    ["corsOrigins", "https://a.example,http://b.example", "corsOrigins.1: must be origins"],
    ["corsOrigins", "", "corsOrigins.0: must be origins"],
    ["dropRetentionDays", "7", "dropRetentionDays: must be at least 30"],
    ["dropRetentionDays", "1.5", "dropRetentionDays: "],
  ])("refuses %s=%s and says what is right", (name, value, message) => {
    expect(() => read({ [name]: value })).toThrow(message);
  });

  it("does not take a misspelt setting for a default", () => {
    expect(() => read({ alarmEmial: "operator@example.com" })).toThrow(
      "alarmEmial: unknown; known are stage, account, region, alarmEmail, alarms, logRetentionDays, corsOrigins, dropRetentionDays",
    );
  });

  it("names every wrong setting at once", () => {
    expect(() => read({ stage: "-", alarmEmail: "x", retention: 1 })).toThrow(
      /stage: .*alarmEmail: .*retention: unknown/s,
    );
  });

  it("leaves CDK's own context alone", () => {
    expect(read({ "aws:cdk:enable-path-metadata": true, "@aws-cdk/core:bootstrapQualifier": "q" })).toEqual(
      read(),
    );
  });
});
