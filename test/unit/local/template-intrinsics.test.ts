// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is the syntax of Fn::Sub
import { describe, expect, it } from "vitest";
import { load, loadResources, type TemplateJson } from "./template-fixtures.ts";

/** What a queue's property becomes; any property will do, since all are resolved alike. */
const resolved = (value: unknown, more: TemplateJson = {}, others: TemplateJson = {}): unknown =>
  loadResources(
    { Probe: { Type: "AWS::SQS::Queue", Properties: { Value: value } }, ...others },
    more,
  ).byLogicalId("Probe")?.properties["Value"];

const table = { Tasks: { Type: "AWS::DynamoDB::Table", Properties: { TableName: "tasks" } } };

describe("intrinsics", () => {
  it.each<[string, unknown, unknown]>([
    ["Ref of a resource", { Ref: "Tasks" }, "tasks"],
    ["Ref of a pseudo parameter", { Ref: "AWS::Region" }, "eu-central-1"],
    [
      "GetAtt as a list",
      { "Fn::GetAtt": ["Tasks", "Arn"] },
      "arn:aws:dynamodb:eu-central-1:000000000000:table/tasks",
    ],
    [
      "GetAtt as text",
      { "Fn::GetAtt": "Tasks.Arn" },
      "arn:aws:dynamodb:eu-central-1:000000000000:table/tasks",
    ],
    ["Join", { "Fn::Join": ["-", ["a", { Ref: "Tasks" }, 3]] }, "a-tasks-3"],
    ["Split and Select", { "Fn::Select": ["1", { "Fn::Split": ["/", "a/b/c"] }] }, "b"],
    [
      "Sub",
      { "Fn::Sub": "${AWS::AccountId}/${Tasks}/${Tasks.Arn}/${!Literal}" },
      "000000000000/tasks/arn:aws:dynamodb:eu-central-1:000000000000:table/tasks/${Literal}",
    ],
    ["Sub with variables", { "Fn::Sub": ["${a}-${Tasks}", { a: { Ref: "AWS::Partition" } }] }, "aws-tasks"],
    ["Base64", { "Fn::Base64": "hi" }, "aGk="],
    [
      "nothing",
      { deep: [{ keep: 1, leave: { Ref: "AWS::NoValue" } }, { Ref: "AWS::NoValue" }] },
      { deep: [{ keep: 1 }] },
    ],
  ])("resolves %s", (_name, value, expected) => {
    expect(resolved(value, {}, table)).toEqual(expected);
  });

  it("resolves conditions, and leaves out what they switch off", () => {
    const more = {
      Parameters: { Stage: { Type: "String", Default: "live" } },
      Mappings: { Sizes: { live: { memory: 256 } } },
      Conditions: {
        IsLive: { "Fn::Equals": [{ Ref: "Stage" }, "live"] },
        IsOther: { "Fn::Not": [{ Condition: "IsLive" }] },
        Both: { "Fn::And": [{ Condition: "IsLive" }, { Condition: "IsOther" }] },
        Either: { "Fn::Or": [{ Condition: "IsLive" }, { Condition: "IsOther" }] },
      },
    };
    expect(resolved({ "Fn::If": ["IsLive", { Ref: "Stage" }, "no"] }, more)).toBe("live");
    expect(resolved({ "Fn::If": ["Both", "yes", { Ref: "AWS::NoValue" }] }, more)).toBeUndefined();
    expect(resolved({ "Fn::If": ["Either", "yes", "no"] }, more)).toBe("yes");
    expect(resolved({ "Fn::FindInMap": ["Sizes", { Ref: "Stage" }, "memory"] }, more)).toBe(256);
    const assembly = loadResources({ Off: { Type: "AWS::SQS::Queue", Condition: "IsOther" } }, more);
    expect(assembly.resources).toEqual([]);
  });

  it("keeps the Condition of a policy statement, which is no intrinsic", () => {
    const Condition = { Bool: { "aws:SecureTransport": "false" } };
    expect(resolved([{ Effect: "Deny", Condition }])).toEqual([{ Effect: "Deny", Condition }]);
    expect(resolved({ Condition })).toEqual({ Condition });
  });

  it("carries values from one stack to another, whichever comes first", () => {
    const assembly = load({
      User: {
        Resources: {
          Probe: {
            Type: "AWS::SQS::Queue",
            Properties: {
              Imported: { "Fn::ImportValue": "data:table" },
              Asked: { "Fn::GetStackOutput": { StackName: "Data", OutputName: "Arn" } },
            },
          },
        },
      },
      Data: {
        Resources: table,
        Outputs: {
          Name: { Value: { Ref: "Tasks" }, Export: { Name: { "Fn::Sub": "data:table" } } },
          Arn: { Value: { "Fn::GetAtt": ["Tasks", "Arn"] } },
        },
      },
    });
    expect(assembly.byLogicalId("Probe")?.properties).toEqual({
      Imported: "tasks",
      Asked: "arn:aws:dynamodb:eu-central-1:000000000000:table/tasks",
    });
    expect(assembly.outputs["Name"]).toBe("tasks");
  });

  it.each<[string, unknown, RegExp]>([
    [
      "an unknown intrinsic",
      { "Fn::Cidr": ["10.0.0.0/16", 2] },
      /^Main\/Probe: uses the intrinsic Fn::Cidr, which is not known/,
    ],
    [
      "an unknown attribute",
      { "Fn::GetAtt": ["Tasks", "Colour"] },
      /^Main\/Probe: asks for the attribute Colour of Tasks \(AWS::DynamoDB::Table\)/,
    ],
    ["an unknown resource", { Ref: "Ghost" }, /^Main\/Probe: refers to Ghost/],
    ["an unknown condition", { "Fn::If": ["Ghost", 1, 2] }, /^Main\/Probe: uses the condition Ghost/],
    [
      "an unknown export",
      { "Fn::ImportValue": "ghost" },
      /^Main\/Probe: imports ghost, which no stack exports/,
    ],
    [
      "an unknown stack",
      { "Fn::GetStackOutput": { StackName: "Ghost", OutputName: "A" } },
      /^Main\/Probe: .*stack Ghost/,
    ],
    ["a dynamic reference", "{{resolve:ssm:/a}}", /^Main\/Probe: holds a dynamic reference/],
    [
      "an intrinsic beside other keys",
      { "Fn::Sub": "a", other: 1 },
      /^Main\/Probe: mixes the intrinsic Fn::Sub/,
    ],
    ["an entry past the end", { "Fn::Select": [3, ["a"]] }, /^Main\/Probe: Fn::Select asks for entry 3 of 1/],
  ])("stops at %s", (_name, value, message) => {
    expect(() => resolved(value, {}, table)).toThrow(message);
  });
});
