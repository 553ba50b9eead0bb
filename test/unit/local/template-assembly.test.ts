// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is the syntax of Fn::Sub
import { describe, expect, it } from "vitest";
import { loadAssembly } from "#infra/local/template/assembly.ts";
import { TemplateFault } from "#infra/local/template/fault.ts";
import { idleTypes, runTypes } from "#infra/local/template/resource-types.ts";
import { load, loadResources, writeAssembly } from "./template-fixtures.ts";

const lambda = (logicalId: string, key = "abc.zip") => ({
  [logicalId]: { Type: "AWS::Lambda::Function", Properties: { Code: { S3Bucket: "assets", S3Key: key } } },
});

describe("loadAssembly", () => {
  it("gives every resource the same names at every start, and others when its logical id changes", () => {
    const queue = (logicalId: string) =>
      loadResources({ [logicalId]: { Type: "AWS::SQS::Queue" } }).resources[0];
    expect(queue("Intake")).toEqual(queue("Intake"));
    expect(queue("Intake")?.arn).not.toBe(queue("Renamed")?.arn);
    expect(queue("Intake")?.physicalId).toMatch(
      /^http:\/\/127\.0\.0\.1:4552\/000000000000\/Main-Intake-[0-9a-f]{10}$/,
    );
  });

  it("keeps generated names inside the limits of each service", () => {
    const long = "A".repeat(200);
    const assembly = loadResources({
      [`${long}Bucket`]: { Type: "AWS::S3::Bucket" },
      [`${long}Role`]: { Type: "AWS::IAM::Role" },
      [`${long}Queue`]: { Type: "AWS::SQS::Queue" },
    });
    const [bucket, role, queue] = assembly.resources;
    expect(bucket?.physicalId).toMatch(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/);
    expect(role?.physicalId.length).toBeLessThanOrEqual(64);
    expect(queue?.physicalId.split("/").at(-1)?.length).toBeLessThanOrEqual(80);
  });

  it("finds resources by type, ARN and logical id", () => {
    const assembly = loadResources({
      Tasks: { Type: "AWS::DynamoDB::Table", Properties: { TableName: "t" } },
    });
    const [table] = assembly.ofType("AWS::DynamoDB::Table");
    expect(assembly.byArn("arn:aws:dynamodb:eu-central-1:000000000000:table/t")).toBe(table);
    expect(assembly.byLogicalId("Tasks")).toBe(table);
    expect(assembly.byArn("")).toBeUndefined();
  });

  it("puts the local address wherever the template spells out the API's", () => {
    const assembly = loadResources(
      { Api: { Type: "AWS::ApiGatewayV2::Api" } },
      {
        Outputs: {
          Url: { Value: { "Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/" } },
        },
      },
    );
    expect(assembly.outputs).toEqual({ Url: "http://127.0.0.1:4550/" });
  });

  it("finds the code of a function through the asset manifest", () => {
    using written = writeAssembly({ Main: { Resources: lambda("Worker") } }, { abc: { "index.mjs": "" } });
    const { directory } = written;
    const assembly = loadAssembly({
      directory,
      parameters: {},
      endpoint: "http://e",
      apiEndpoint: "http://a",
    });
    const [worker] = assembly.resources;
    expect(worker && assembly.assetPath(worker)).toBe(`${directory}/asset.abc`);
  });

  it("stops at a function whose asset is missing", () => {
    const assembly = loadResources(lambda("Worker", "other.zip"));
    const [worker] = assembly.resources;
    expect(() => worker && assembly.assetPath(worker)).toThrow(
      "Main/Worker: its asset other is not in the asset manifest",
    );
  });

  it("stops at an unknown resource type, naming stack and logical id", () => {
    const start = () =>
      load({ Service: { Resources: { Cache: { Type: "AWS::ElastiCache::CacheCluster" } } } });
    expect(start).toThrow(TemplateFault);
    expect(start).toThrow(
      "Service/Cache: the resource type AWS::ElastiCache::CacheCluster is not known here",
    );
  });

  it("stops at two functions of one logical id: the gateway knows callers by it", () => {
    expect(() => load({ One: { Resources: lambda("Same") }, Two: { Resources: lambda("Same") } })).toThrow(
      "Two/Same: One has a function of the same logical id",
    );
  });

  it("stops at a section of the template that it does not read", () => {
    expect(() => loadResources({}, { Transform: "AWS::Serverless-2016-10-31" })).toThrow(
      /Main\/template: .*Transform/s,
    );
  });

  it("stops at a circle", () => {
    const Conditions = { A: { "Fn::Not": [{ Condition: "B" }] }, B: { "Fn::Not": [{ Condition: "A" }] } };
    expect(() => loadResources({ Q: { Type: "AWS::SQS::Queue", Condition: "A" } }, { Conditions })).toThrow(
      /goes in a circle over the condition/,
    );
  });

  it("stops when there is no assembly", () => {
    expect(() =>
      loadAssembly({ directory: "/nowhere/cdk.out", parameters: {}, endpoint: "", apiEndpoint: "" }),
    ).toThrow(/synthesize the app first/);
  });

  it("gives a reason for every type that is not run, and runs none of them", () => {
    for (const [type, { reason }] of idleTypes) {
      expect(reason, type).not.toBe("");
      expect(runTypes.has(type), type).toBe(false);
    }
  });
});

describe("template parameters", () => {
  const withParameter = (declaration: object, value?: string): unknown =>
    load(
      {
        Main: {
          Parameters: { Lead: declaration },
          Resources: { Probe: { Type: "AWS::SQS::Queue", Properties: { Value: { Ref: "Lead" } } } },
        },
      },
      { parameters: value === undefined ? {} : { Lead: value } },
    ).byLogicalId("Probe")?.properties["Value"];

  it("takes the default, or the value that was passed", () => {
    expect(withParameter({ Type: "Number", Default: 65 })).toBe("65");
    expect(withParameter({ Type: "Number", Default: 65 }, "3")).toBe("3");
    expect(withParameter({ Type: "CommaDelimitedList", Default: "a, b" })).toEqual(["a", "b"]);
  });

  it.each<[string, object, string | undefined, RegExp]>([
    [
      "no value",
      { Type: "String" },
      undefined,
      /^Main\/Lead: parameter has no default and no value was given/,
    ],
    [
      "a value outside the list",
      { Type: "String", AllowedValues: ["a", "b"] },
      "c",
      /allows a, b and not "c"/,
    ],
    [
      "a value against the pattern",
      { Type: "String", AllowedPattern: "[0-9]+" },
      "1x",
      /must match \[0-9\]\+, and "1x" does not/,
    ],
    ["a short value", { Type: "String", MinLength: 3 }, "ab", /must have 3 to any number of characters/],
    ["a long value", { Type: "String", MaxLength: 1 }, "ab", /must have 0 to 1 characters/],
    ["a small number", { Type: "Number", MinValue: 5 }, "4", /must be a number from 5 to any/],
    ["a large number", { Type: "Number", MaxValue: 5 }, "6", /must be a number from any to 5/],
    ["no number", { Type: "Number" }, "soon", /must be a number/],
    ["an unknown type", { Type: "AWS::EC2::VPC::Id" }, "vpc-1", /has the type AWS::EC2::VPC::Id/],
    [
      "the explanation",
      { Type: "Number", MaxValue: 5, ConstraintDescription: "at most five" },
      "6",
      /\(at most five\)/,
    ],
  ])("refuses %s", (_name, declaration, value, message) => {
    expect(() => withParameter(declaration, value)).toThrow(message);
  });

  it("does not show a secret value", () => {
    const declaration = { Type: "String", NoEcho: true, AllowedPattern: "[a-z]+" };
    expect(() => withParameter(declaration, "S3CRET")).toThrow(/the given value does not/);
    expect(() => withParameter(declaration, "S3CRET")).not.toThrow(/S3CRET/);
  });

  it("refuses a value for a parameter that no stack declares", () => {
    expect(() => load({ Main: { Resources: {} } }, { parameters: { Typo: "1" } })).toThrow(
      "parameters/Typo: a value was given",
    );
  });

  it("stops only when a value that AWS looks up is used", () => {
    const Parameters = { Looked: { Type: "AWS::SSM::Parameter::Value<String>", Default: "/a" } };
    expect(loadResources({}, { Parameters }).resources).toEqual([]);
    const Probe = { Type: "AWS::SQS::Queue", Properties: { Value: { Ref: "Looked" } } };
    expect(() => loadResources({ Probe }, { Parameters })).toThrow(
      "Main/Probe: uses the parameter Looked, which only AWS can look up",
    );
  });
});
