import { describe, expect, it } from "vitest";
import { type AccessRequest, createAccess } from "#infra/local/iam/access.ts";
import { loadResources } from "./template-fixtures.ts";

type Json = Readonly<Record<string, unknown>>;

const at = (service: string, name: string) => `arn:aws:${service}:eu-central-1:000000000000:${name}`;
const policy = (...Statement: Json[]) => ({ Version: "2012-10-17", Statement });
const trust = (service: string) =>
  policy({ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" });

/** A small but whole cloud; each test changes one thing in it. */
const whole = (): Record<string, { Type: string; Properties: Record<string, unknown> }> => ({
  Worker: {
    Type: "AWS::Lambda::Function",
    Properties: { FunctionName: "worker", Role: { "Fn::GetAtt": ["WorkerRole", "Arn"] } },
  },
  WorkerRole: {
    Type: "AWS::IAM::Role",
    Properties: { AssumeRolePolicyDocument: trust("lambda.amazonaws.com") },
  },
  WorkerPolicy: {
    Type: "AWS::IAM::Policy",
    Properties: {
      Roles: [{ Ref: "WorkerRole" }],
      PolicyDocument: policy(
        { Effect: "Allow", Action: ["sqs:SendMessage"], Resource: { "Fn::GetAtt": ["Jobs", "Arn"] } },
        { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::drops/drop/*" },
        {
          Effect: "Allow",
          Action: "s3:ListBucket",
          Resource: "arn:aws:s3:::drops",
          Condition: { StringLike: { "s3:prefix": "drop/*" } },
        },
        {
          Effect: "Allow",
          Action: "kms:Decrypt",
          Resource: { "Fn::GetAtt": ["Key", "Arn"] },
          Condition: { StringEquals: { "kms:EncryptionContext:accountId": "main" } },
        },
      ),
    },
  },
  Jobs: { Type: "AWS::SQS::Queue", Properties: { QueueName: "jobs" } },
  JobsPolicy: {
    Type: "AWS::SQS::QueuePolicy",
    Properties: {
      Queues: [{ Ref: "Jobs" }],
      PolicyDocument: policy(
        {
          Effect: "Allow",
          Principal: { Service: "events.amazonaws.com" },
          Action: "sqs:SendMessage",
          Resource: { "Fn::GetAtt": ["Jobs", "Arn"] },
          Condition: { ArnEquals: { "aws:SourceArn": { "Fn::GetAtt": ["Rule", "Arn"] } } },
        },
        {
          Sid: "TlsOnly",
          Effect: "Deny",
          Principal: "*",
          Action: "sqs:*",
          Resource: { "Fn::GetAtt": ["Jobs", "Arn"] },
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ),
    },
  },
  Rule: { Type: "AWS::Events::Rule", Properties: { Name: "rule" } },
  Drops: { Type: "AWS::S3::Bucket", Properties: { BucketName: "drops" } },
  Key: {
    Type: "AWS::KMS::Key",
    Properties: {
      KeyPolicy: policy({
        Effect: "Allow",
        Principal: { AWS: { "Fn::Sub": "arn:aws:iam::000000000000:root" } },
        Action: "kms:*",
        Resource: "*",
      }),
    },
  },
  SchedulerRole: {
    Type: "AWS::IAM::Role",
    Properties: {
      AssumeRolePolicyDocument: trust("scheduler.amazonaws.com"),
      Policies: [
        {
          PolicyName: "invoke",
          PolicyDocument: policy({
            Effect: "Allow",
            Action: "lambda:InvokeFunction",
            Resource: { "Fn::GetAtt": ["Worker", "Arn"] },
          }),
        },
      ],
    },
  },
  ApiMayInvoke: {
    Type: "AWS::Lambda::Permission",
    Properties: {
      FunctionName: { "Fn::GetAtt": ["Worker", "Arn"] },
      Action: "lambda:InvokeFunction",
      Principal: "apigateway.amazonaws.com",
      SourceArn: "arn:aws:execute-api:eu-central-1:000000000000:api/*/*/v1",
    },
  },
});

const decide = (request: AccessRequest, resources = whole()) =>
  createAccess(loadResources(resources)).check(request);
const worker = { function: "Worker" };
const sendJob: AccessRequest = { principal: worker, action: "sqs:SendMessage", resource: at("sqs", "jobs") };
const keyArn = (resources = whole()) => loadResources(resources).byLogicalId("Key")?.arn ?? "";
const roleArn = (logicalId: string) => loadResources(whole()).byLogicalId(logicalId)?.arn ?? "";

/** Allowed as it stands; refused, with a message that says what is missing, once the change is made. */
const edges: readonly [string, () => AccessRequest, (resources: ReturnType<typeof whole>) => void, RegExp][] =
  [
    [
      "an action of a role",
      () => sendJob,
      ({ WorkerPolicy }) => {
        if (WorkerPolicy) WorkerPolicy.Properties["PolicyDocument"] = policy();
      },
      /not authorized to perform: sqs:SendMessage on resource: .*:jobs because no policy allows.* Function Worker: add .*"Action":"sqs:SendMessage".* role Main\/WorkerRole/,
    ],
    [
      "the policy itself",
      () => ({ principal: worker, action: "s3:GetObject", resource: "arn:aws:s3:::drops/drop/a" }),
      (resources) => {
        delete resources["WorkerPolicy"];
      },
      /Function Worker: add .*s3:GetObject.* role Main\/WorkerRole/,
    ],
    [
      "Lambda's trust in the role of a function",
      () => sendJob,
      ({ WorkerRole }) => {
        if (WorkerRole) WorkerRole.Properties["AssumeRolePolicyDocument"] = trust("ec2.amazonaws.com");
      },
      /lambda\.amazonaws\.com needs a statement .* trust policy \(AssumeRolePolicyDocument\) of the role Main\/WorkerRole/,
    ],
    [
      "the queue policy of a rule",
      () => ({
        principal: { service: "events.amazonaws.com", sourceArn: at("events", "rule/rule") },
        action: "sqs:SendMessage",
        resource: at("sqs", "jobs"),
      }),
      (resources) => {
        delete resources["JobsPolicy"];
      },
      /events\.amazonaws\.com \(for .*rule\/rule\) needs .* AWS::SQS::QueuePolicy of the queue Main\/Jobs/,
    ],
    [
      "the permission of the API",
      () => ({
        principal: {
          service: "apigateway.amazonaws.com",
          sourceArn: "arn:aws:execute-api:eu-central-1:000000000000:api/$default/GET/v1",
        },
        action: "lambda:InvokeFunction",
        resource: at("lambda", "function:worker"),
      }),
      (resources) => {
        delete resources["ApiMayInvoke"];
      },
      /needs an AWS::Lambda::Permission on the function Main\/Worker for the principal apigateway\.amazonaws\.com/,
    ],
    [
      "the trust of the Scheduler role",
      () => ({
        principal: { service: "scheduler.amazonaws.com" },
        action: "sts:AssumeRole",
        resource: roleArn("SchedulerRole"),
      }),
      ({ SchedulerRole }) => {
        if (SchedulerRole)
          SchedulerRole.Properties["AssumeRolePolicyDocument"] = trust("lambda.amazonaws.com");
      },
      /scheduler\.amazonaws\.com needs .* trust policy .* of the role Main\/SchedulerRole/,
    ],
    [
      "an inline policy of a role",
      () => ({
        principal: { role: roleArn("SchedulerRole") },
        action: "lambda:InvokeFunction",
        resource: at("lambda", "function:worker"),
      }),
      ({ SchedulerRole }) => {
        delete SchedulerRole?.Properties["Policies"];
      },
      /Role SchedulerRole: add .*lambda:InvokeFunction.* role Main\/SchedulerRole/,
    ],
    [
      "the account in the key policy",
      () => ({
        principal: worker,
        action: "kms:Decrypt",
        resource: keyArn(),
        context: { "kms:EncryptionContext:accountId": "main" },
      }),
      ({ Key }) => {
        if (Key) Key.Properties["KeyPolicy"] = policy();
      },
      /Function Worker: .*kms:Decrypt.*the key's own policy \(Main\/Key\) must allow it too/,
    ],
  ];

describe("access", () => {
  it.each(edges)("needs %s", async (_name, request, remove, message) => {
    expect(await decide(request())).toEqual({ allowed: true });
    const resources = whole();
    remove(resources);
    const decision = await decide(request(), resources);
    expect(decision).toMatchObject({ allowed: false, message: expect.stringMatching(message) });
  });

  it.each<[string, AccessRequest]>([
    ["another resource", { ...sendJob, resource: at("sqs", "other") }],
    ["another action", { ...sendJob, action: "sqs:PurgeQueue" }],
    [
      "a key outside the prefix",
      { principal: worker, action: "s3:GetObject", resource: "arn:aws:s3:::drops/outcome/a" },
    ],
    [
      "a listing outside the prefix",
      {
        principal: worker,
        action: "s3:ListBucket",
        resource: "arn:aws:s3:::drops",
        context: { "s3:prefix": "x/" },
      },
    ],
    [
      "a listing without a prefix",
      { principal: worker, action: "s3:ListBucket", resource: "arn:aws:s3:::drops" },
    ],
    [
      "another encryption context",
      {
        principal: worker,
        action: "kms:Decrypt",
        resource: keyArn(),
        context: { "kms:EncryptionContext:accountId": "other" },
      },
    ],
    [
      "another source",
      { ...sendJob, principal: { service: "events.amazonaws.com", sourceArn: at("events", "rule/other") } },
    ],
    ["a function that is not in the template", { ...sendJob, principal: { function: "Ghost" } }],
    ["a misspelt action", { ...sendJob, action: "sqs:SendMessages" }],
  ])("refuses %s", async (_name, request) => {
    expect(await decide(request)).toMatchObject({ allowed: false });
  });

  it("names the statement of an explicit deny", async () => {
    const resources = whole();
    const document = policy(
      { Effect: "Allow", Action: "sqs:SendMessage", Resource: "*" },
      { Sid: "NoJobs", Effect: "Deny", Action: "sqs:SendMessage", Resource: "*" },
    );
    if (resources["WorkerPolicy"]) resources["WorkerPolicy"].Properties["PolicyDocument"] = document;
    expect(await decide(sendJob, resources)).toMatchObject({
      message: expect.stringMatching(
        /explicit deny .* Function Worker: remove or narrow the statement NoJobs of Main\/WorkerPolicy/,
      ),
    });
  });

  it("says which policy is not valid", async () => {
    const resources = whole();
    const document = policy({ Effect: "Allow", Action: "sqs:SendMessage", Ressource: "*" });
    if (resources["WorkerPolicy"]) resources["WorkerPolicy"].Properties["PolicyDocument"] = document;
    expect(await decide(sendJob, resources)).toMatchObject({
      message: expect.stringMatching(/The policy in Main\/WorkerPolicy is not valid: .*Ressource/),
    });
  });

  it("allows the operator everything, and records only what others used", async () => {
    const access = createAccess(loadResources(whole()));
    await access.check({ principal: "operator", action: "s3:DeleteBucket", resource: "arn:aws:s3:::drops" });
    await access.check(sendJob);
    await access.check(sendJob);
    await access.check({ ...sendJob, action: "sqs:PurgeQueue" });
    expect(access.used().filter(({ principal }) => principal !== "lambda.amazonaws.com")).toEqual([
      { principal: "Worker", action: "sqs:SendMessage", resource: at("sqs", "jobs") },
    ]);
  });

  it.each<[string, (resources: ReturnType<typeof whole>) => void, RegExp]>([
    [
      "a condition key that nothing here supplies",
      ({ WorkerPolicy }) => {
        const Condition = { StringEqualsIfExists: { "aws:PrincipalTag/team": "a" } };
        const statement = { Effect: "Allow", Action: "sqs:SendMessage", Resource: "*", Condition };
        if (WorkerPolicy) WorkerPolicy.Properties["PolicyDocument"] = policy(statement);
      },
      /^Main\/WorkerPolicy: a policy uses the condition key aws:PrincipalTag\/team/,
    ],
    [
      "an unknown managed policy",
      ({ WorkerRole }) => {
        if (WorkerRole)
          WorkerRole.Properties["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/AdministratorAccess"];
      },
      /^Main\/WorkerRole: the managed policy .*AdministratorAccess is not known/,
    ],
    [
      "a permissions boundary",
      ({ WorkerRole }) => {
        if (WorkerRole) WorkerRole.Properties["PermissionsBoundary"] = "arn:aws:iam::aws:policy/Boundary";
      },
      /^Main\/WorkerRole: a permissions boundary is not known/,
    ],
  ])("stops at %s", (_name, change, message) => {
    const resources = whole();
    change(resources);
    expect(() => createAccess(loadResources(resources))).toThrow(message);
  });
});
