import { CfnResource, Validations } from "aws-cdk-lib";
import { Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Bucket } from "aws-cdk-lib/aws-s3";
import type { IConstruct } from "constructs";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { PunctualApp } from "#infra/app.ts";
import { Refused, synthesize } from "./synthesis.ts";

interface Report {
  readonly pluginReports: readonly {
    readonly pluginName?: string;
    readonly violations: readonly { readonly ruleName: string }[];
  }[];
}

/** Rules that refuse the app after something was planted in it. */
function rulesAgainst(plant: (app: PunctualApp) => void): readonly string[] {
  try {
    synthesize({ plant });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { pluginReports } = JSON.parse(error.report) as Report;
    return pluginReports.flatMap(({ violations }) => violations.map(({ ruleName }) => ruleName));
  }
  return [];
}

// The validations print what they find; here that is what is wanted.
beforeEach(() => {
  vi.spyOn(console, "error").mockReturnValue(undefined);
  vi.spyOn(console, "log").mockReturnValue(undefined);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
});

describe("validations", () => {
  it("finds nothing in what is deployed", () => {
    expect(rulesAgainst(() => undefined)).toEqual([]);
  });

  it("refuses a bucket without TLS", () => {
    const rules = rulesAgainst(({ data }) => new Bucket(data, "Planted"));
    expect(rules.join(" ")).toContain("AwsSolutions-S10");
  });

  it("refuses a wildcard in a role, although others are accepted on the same role", () => {
    const rules = rulesAgainst(({ service }) => {
      const role = service.node.findChild("PreparePost").node.findChild("Role");
      (role as unknown as { addToPolicy(statement: PolicyStatement): void }).addToPolicy(
        new PolicyStatement({ effect: Effect.ALLOW, actions: ["s3:GetObject"], resources: ["*"] }),
      );
    });
    expect(rules.join(" ")).toContain("AwsSolutions-IAM5");
  });

  it.each([
    ["a reference to nothing", { RetentionInDays: 30, KmsKeyId: { Ref: "Nowhere" } }],
    ["a property that the resource does not have", { RetentionInDays: 30, RetentionInWeeks: 4 }],
  ])("refuses %s, by CloudFormation's own rules", (_, properties) => {
    const rules = rulesAgainst(
      ({ service }) => new CfnResource(service, "Planted", { type: "AWS::Logs::LogGroup", properties }),
    );
    // A letter and four digits: a rule of CloudFormation and none of cdk-nag.
    expect(rules).toEqual([expect.stringMatching(/^[A-Z]\d{4}$/)]);
  });
});

describe("what is accepted", () => {
  const { app } = synthesize();
  const accepted = app.node
    .findAll()
    .flatMap((construct: IConstruct) =>
      construct.node.metadata
        .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
        .map(({ data }) => ({ path: construct.node.path, ...(data as Record<string, string>) })),
    );

  it("is accepted on one role, queue or bucket each, never on a stack", () => {
    expect(accepted.length).toBeGreaterThan(0);
    for (const { path } of accepted) expect(path.split("/").length, path).toBeGreaterThanOrEqual(3);
  });

  it("says why", () => {
    for (const acknowledgement of accepted) {
      expect(JSON.stringify(acknowledgement)).toMatch(/AwsSolutions-(IAM5\[Resource::.+\]|S1|SQS3|APIG4)/);
      expect(JSON.stringify(acknowledgement)).toMatch(/"[A-Z][^"]{40,}\."/);
    }
  });
});
