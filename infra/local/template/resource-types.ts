import { createHash } from "node:crypto";

/** Where a resource lives; everything that its names and addresses are made of. */
export interface Surroundings {
  readonly stack: string;
  readonly logicalId: string;
  readonly region: string;
  readonly accountId: string;
  readonly endpoint: string;
  readonly apiEndpoint: string;
  /** A string property with its intrinsics resolved; undefined when the template leaves it out. */
  property(name: string): string | undefined;
}

/** What CloudFormation knows of a resource once it exists: the answer of `Ref`, the ARN and what `Fn::GetAtt` may ask. */
export interface Identity {
  readonly physicalId: string;
  readonly arn: string;
  readonly attributes: Readonly<Record<string, string>>;
}

type Identify = (around: Surroundings) => Identity;

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The name CloudFormation would generate, but the same at every start: stack, logical id and a digest of both. */
function generatedName(around: Surroundings, longest: number): string {
  const mark = digest(`${around.stack}/${around.logicalId}`).slice(0, 10);
  return `${`${around.stack}-${around.logicalId}`.slice(0, longest - mark.length - 1)}-${mark}`;
}

const nameOf = (around: Surroundings, property: string, longest: number): string =>
  around.property(property) ?? generatedName(around, longest);

const uuidOf = (around: Surroundings): string => {
  const hex = digest(`${around.stack}/${around.logicalId}/uuid`);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

/** A resource that others can only name: no ARN, no attributes. */
const nameOnly: Identify = (around) => ({
  physicalId: generatedName(around, 64),
  arn: "",
  attributes: {},
});

const regional = (around: Surroundings, service: string, resource: string): string =>
  `arn:aws:${service}:${around.region}:${around.accountId}:${resource}`;

function named(
  service: string,
  property: string,
  longest: number,
  resource: (name: string) => string,
): Identify {
  return (around) => {
    const physicalId = nameOf(around, property, longest);
    const arn = regional(around, service, resource(physicalId));
    return { physicalId, arn, attributes: { Arn: arn } };
  };
}

const bucket: Identify = (around) => {
  const physicalId = around.property("BucketName") ?? generatedName(around, 63).toLowerCase();
  const arn = `arn:aws:s3:::${physicalId}`;
  return {
    physicalId,
    arn,
    attributes: {
      Arn: arn,
      DomainName: `${physicalId}.s3.amazonaws.com`,
      RegionalDomainName: `${physicalId}.s3.${around.region}.amazonaws.com`,
    },
  };
};

const table: Identify = (around) => {
  const physicalId = nameOf(around, "TableName", 100);
  const arn = regional(around, "dynamodb", `table/${physicalId}`);
  // The label of a real stream is the instant of its creation; a fixed one keeps every start alike.
  return {
    physicalId,
    arn,
    attributes: { Arn: arn, StreamArn: `${arn}/stream/2026-01-01T00:00:00.000` },
  };
};

const queue: Identify = (around) => {
  const name = nameOf(around, "QueueName", 80);
  const url = `${around.endpoint}/${around.accountId}/${name}`;
  const arn = regional(around, "sqs", name);
  return { physicalId: url, arn, attributes: { Arn: arn, QueueName: name, QueueUrl: url } };
};

const role: Identify = (around) => {
  const physicalId = nameOf(around, "RoleName", 64);
  const path = around.property("Path") ?? "/";
  const arn = `arn:aws:iam::${around.accountId}:role${path}${physicalId}`;
  return {
    physicalId,
    arn,
    attributes: { Arn: arn, RoleId: `AROA${digest(arn).slice(0, 16).toUpperCase()}` },
  };
};

const managedPolicy: Identify = (around) => {
  const arn = `arn:aws:iam::${around.accountId}:policy/${nameOf(around, "ManagedPolicyName", 128)}`;
  return { physicalId: arn, arn, attributes: { PolicyArn: arn } };
};

const key: Identify = (around) => {
  const physicalId = uuidOf(around);
  const arn = regional(around, "kms", `key/${physicalId}`);
  return { physicalId, arn, attributes: { Arn: arn, KeyId: physicalId } };
};

const keyAlias: Identify = (around) => {
  const physicalId = around.property("AliasName") ?? `alias/${generatedName(around, 128)}`;
  return { physicalId, arn: regional(around, "kms", physicalId), attributes: {} };
};

const mapping: Identify = (around) => {
  const physicalId = uuidOf(around);
  const arn = regional(around, "lambda", `event-source-mapping:${physicalId}`);
  return { physicalId, arn, attributes: { Id: physicalId, EventSourceMappingArn: arn } };
};

const schedule: Identify = (around) => {
  const physicalId = nameOf(around, "Name", 64);
  const group = around.property("GroupName") ?? "default";
  const arn = regional(around, "scheduler", `schedule/${group}/${physicalId}`);
  return { physicalId, arn, attributes: { Arn: arn } };
};

const api: Identify = (around) => {
  const physicalId = digest(`${around.stack}/${around.logicalId}`).slice(0, 10);
  return {
    physicalId,
    arn: `arn:aws:apigateway:${around.region}::/apis/${physicalId}`,
    attributes: { ApiId: physicalId, ApiEndpoint: around.apiEndpoint },
  };
};

const topic: Identify = (around) => {
  const name = nameOf(around, "TopicName", 256);
  const arn = regional(around, "sns", name);
  return { physicalId: arn, arn, attributes: { TopicArn: arn, TopicName: name } };
};

const apiPart =
  (attribute: string): Identify =>
  (around) => {
    const physicalId = digest(`${around.stack}/${around.logicalId}`).slice(0, 7);
    return { physicalId, arn: "", attributes: { [attribute]: physicalId } };
  };

const stage: Identify = (around) => ({
  physicalId: around.property("StageName") ?? "$default",
  arn: "",
  attributes: {},
});

/** Types that the local cloud runs. */
export const runTypes: ReadonlyMap<string, Identify> = new Map<string, Identify>([
  ["AWS::ApiGatewayV2::Api", api],
  ["AWS::ApiGatewayV2::Authorizer", apiPart("AuthorizerId")],
  ["AWS::ApiGatewayV2::Integration", apiPart("IntegrationId")],
  ["AWS::ApiGatewayV2::Route", apiPart("RouteId")],
  ["AWS::ApiGatewayV2::Stage", stage],
  ["AWS::DynamoDB::Table", table],
  ["AWS::Events::Rule", named("events", "Name", 64, (name) => `rule/${name}`)],
  ["AWS::IAM::ManagedPolicy", managedPolicy],
  ["AWS::IAM::Policy", nameOnly],
  ["AWS::IAM::Role", role],
  ["AWS::KMS::Alias", keyAlias],
  ["AWS::KMS::Key", key],
  ["AWS::Lambda::EventInvokeConfig", nameOnly],
  ["AWS::Lambda::EventSourceMapping", mapping],
  ["AWS::Lambda::Function", named("lambda", "FunctionName", 64, (name) => `function:${name}`)],
  ["AWS::Lambda::Permission", nameOnly],
  ["AWS::S3::Bucket", bucket],
  ["AWS::S3::BucketPolicy", nameOnly],
  ["AWS::SQS::Queue", queue],
  ["AWS::SQS::QueuePolicy", nameOnly],
  ["AWS::Scheduler::Schedule", schedule],
  ["AWS::Scheduler::ScheduleGroup", named("scheduler", "Name", 64, (name) => `schedule-group/${name}`)],
]);

/** Types that a template may hold and that are deliberately not run here, each with the reason. */
export const idleTypes: ReadonlyMap<string, { readonly reason: string; readonly identify: Identify }> =
  new Map([
    ["AWS::Budgets::Budget", { reason: "nothing costs money on this machine", identify: nameOnly }],
    ["AWS::CDK::Metadata", { reason: "describes the template and creates nothing", identify: nameOnly }],
    [
      "AWS::CloudWatch::Alarm",
      {
        reason: "failures are printed as they happen, nobody has to be woken",
        identify: named("cloudwatch", "AlarmName", 255, (name) => `alarm:${name}`),
      },
    ],
    [
      "AWS::CloudWatch::CompositeAlarm",
      {
        reason: "failures are printed as they happen, nobody has to be woken",
        identify: named("cloudwatch", "AlarmName", 255, (name) => `alarm:${name}`),
      },
    ],
    ["AWS::CloudWatch::Dashboard", { reason: "no metrics are kept on this machine", identify: nameOnly }],
    [
      "AWS::Logs::LogGroup",
      {
        reason: "functions log to the terminal, which keeps nothing",
        identify: (around: Surroundings): Identity => {
          const physicalId = nameOf(around, "LogGroupName", 512);
          const arn = regional(around, "logs", `log-group:${physicalId}`);
          return { physicalId, arn, attributes: { Arn: `${arn}:*` } };
        },
      },
    ],
    ["AWS::Logs::MetricFilter", { reason: "no metrics are kept on this machine", identify: nameOnly }],
    ["AWS::SNS::Subscription", { reason: "alarms are not run, so nothing is sent", identify: nameOnly }],
    ["AWS::SNS::Topic", { reason: "alarms are not run, so nothing is sent", identify: topic }],
    ["AWS::SNS::TopicPolicy", { reason: "alarms are not run, so nothing is sent", identify: nameOnly }],
  ]);
