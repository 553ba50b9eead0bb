import { describe, expect, it } from "vitest";
import type { FunctionName } from "#infra/constructs/cloud-function.ts";
import { TIMING } from "#shared/domain/timing.ts";
import {
  asList,
  everyStatement,
  functionNamed,
  ofType,
  propertiesOf,
  referent,
  synthesize,
} from "./synthesis.ts";

const synthesis = synthesize();
const queues = ofType(synthesis, "AWS::SQS::Queue");
const workQueues = queues.filter(([, { RedrivePolicy }]) => RedrivePolicy !== undefined);
const deadLetterQueues = queues.filter(([, { RedrivePolicy }]) => RedrivePolicy === undefined);
const mappings = ofType(synthesis, "AWS::Lambda::EventSourceMapping");

/** The mapping that feeds a function. */
const feeding = (name: FunctionName) => {
  const { logicalId } = functionNamed(synthesis, name);
  const [mapping, ...more] = mappings.filter(([, { FunctionName }]) => referent(FunctionName) === logicalId);
  if (mapping === undefined || more.length > 0)
    throw new Error(`${name} has ${more.length} mappings too many`);
  return mapping[1];
};

describe("queues", () => {
  it("has three of work and four of dead letters", () => {
    expect(workQueues).toHaveLength(3);
    expect(deadLetterQueues).toHaveLength(4);
  });

  it.each(queues.map(([logicalId]) => logicalId))(
    "encrypts %s and takes nothing that is not over TLS",
    (queueId) => {
      expect(propertiesOf(synthesis, queueId)["SqsManagedSseEnabled"]).toBe(true);
      const denials = everyStatement(synthesis).filter(
        ({ statement: { Effect, Resource } }) =>
          Effect === "Deny" && JSON.stringify(Resource).includes(`["${queueId}","Arn"]`),
      );
      expect(denials.map(({ statement }) => statement)).toEqual([
        expect.objectContaining({
          Action: "sqs:*",
          Principal: { AWS: "*" },
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        }),
      ]);
      expect(propertiesOf(synthesis, denials[0]?.holder ?? "")["Queues"]).toEqual([{ Ref: queueId }]);
    },
  );

  it("takes nothing for the bucket that is not over TLS", () => {
    const [[, policy] = []] = ofType(synthesis, "AWS::S3::BucketPolicy");
    expect(policy).toMatchObject({
      Bucket: { Ref: "DropBucket" },
      PolicyDocument: {
        Statement: [
          { Effect: "Deny", Action: "s3:*", Condition: { Bool: { "aws:SecureTransport": "false" } } },
        ],
      },
    });
  });

  it("sets a message aside after five tries and keeps it for two weeks", () => {
    const used = workQueues.map(([, { RedrivePolicy }]) => {
      const { deadLetterTargetArn, maxReceiveCount } = RedrivePolicy as {
        deadLetterTargetArn: unknown;
        maxReceiveCount: number;
      };
      expect(maxReceiveCount).toBe(5);
      return referent(deadLetterTargetArn);
    });
    expect(new Set(used).size).toBe(workQueues.length);
    for (const [, properties] of deadLetterQueues)
      expect(properties["MessageRetentionPeriod"]).toBe(14 * 86_400);
  });
});

describe("mappings", () => {
  it("reports failures one message at a time", () => {
    expect(mappings).toHaveLength(4);
    for (const [, properties] of mappings) {
      expect(properties["FunctionResponseTypes"]).toEqual(["ReportBatchItemFailures"]);
    }
  });

  it("takes files ten at a time, posts one at a time, and lets nothing limit publishers", () => {
    expect(feeding("accept-drop")).toMatchObject({
      BatchSize: 10,
      ScalingConfig: { MaximumConcurrency: 10 },
    });
    expect(feeding("prepare-post")).toMatchObject({
      BatchSize: 1,
      ScalingConfig: { MaximumConcurrency: 10 },
    });
    expect(feeding("publish-post")).toMatchObject({ BatchSize: 1 });
    expect(feeding("publish-post")).not.toHaveProperty("ScalingConfig");
  });

  it.each(["accept-drop", "prepare-post", "publish-post"] as const)(
    "lets %s empty its own queue only",
    (name) => {
      const source = referent(feeding(name)["EventSourceArn"]);
      const receives = functionNamed(synthesis, name).statements.filter(({ Action }) =>
        asList(Action).includes("sqs:ReceiveMessage"),
      );
      expect(receives).toEqual([
        expect.objectContaining({
          Action: [
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
          ],
        }),
      ]);
      expect(referent(receives[0]?.Resource)).toBe(source);
    },
  );

  it("relays tasks, drops, logs and gates only, from the stream's beginning, and sets aside what it cannot tell", () => {
    const mapping = feeding("relay-events");
    expect(mapping).toMatchObject({
      BatchSize: 100,
      BisectBatchOnFunctionError: true,
      StartingPosition: "TRIM_HORIZON",
    });
    expect(Number(mapping["MaximumRetryAttempts"])).toBeGreaterThan(0);
    expect(Number(mapping["MaximumRecordAgeInSeconds"])).toBeLessThan(86_400);
    const { Filters } = mapping["FilterCriteria"] as { Filters: { Pattern: string }[] };
    expect(Filters.map(({ Pattern }) => JSON.parse(Pattern))).toEqual([
      { dynamodb: { Keys: { pk: { S: [{ prefix: "TASK#" }] }, sk: { S: ["TASK"] } } } },
      { dynamodb: { Keys: { pk: { S: [{ prefix: "DROP#" }] }, sk: { S: ["DROP"] } } } },
      { dynamodb: { Keys: { pk: { S: [{ prefix: "TASK#" }] }, sk: { S: [{ prefix: "LOG#" }] } } } },
      { dynamodb: { Keys: { pk: { S: [{ prefix: "ACCOUNT#" }] }, sk: { S: ["GATE"] } } } },
    ]);
    const { OnFailure } = mapping["DestinationConfig"] as { OnFailure: { Destination: unknown } };
    const destination = referent(OnFailure.Destination);
    expect(deadLetterQueues.map(([logicalId]) => logicalId)).toContain(destination);
    expect(maySend("relay-events")).toContain(destination);
  });
});

describe("what Scheduler and EventBridge start", () => {
  const configOf = (name: FunctionName): Record<string, unknown> => {
    const { logicalId } = functionNamed(synthesis, name);
    const [[, config = {}] = []] = ofType(synthesis, "AWS::Lambda::EventInvokeConfig").filter(
      ([, { FunctionName }]) => referent(FunctionName) === logicalId,
    );
    return config;
  };

  it.each(["prepare-post", "publish-post", "sweep-tasks", "expand-recurrences"] as const)(
    "tries %s once, forgets what is older than five minutes, and keeps what failed",
    (name) => {
      const config = configOf(name);
      expect(config).toMatchObject({
        MaximumRetryAttempts: 0,
        MaximumEventAgeInSeconds: TIMING.maxEventAgeMs / 1_000,
        Qualifier: "$LATEST",
      });
      const { OnFailure } = config["DestinationConfig"] as { OnFailure: { Destination: unknown } };
      const destination = referent(OnFailure.Destination);
      expect(deadLetterQueues.map(([id]) => id)).toContain(destination);
      expect(maySend(name)).toContain(destination);
    },
  );

  it.each(["prepare-post", "publish-post"] as const)(
    "keeps failures of %s in the dead letters of its queue, whoever started it",
    (name) => {
      const { OnFailure } = configOf(name)["DestinationConfig"] as { OnFailure: { Destination: unknown } };
      const { RedrivePolicy } = propertiesOf(synthesis, referent(feeding(name)["EventSourceArn"])) as {
        RedrivePolicy?: { deadLetterTargetArn: unknown };
      };
      expect(OnFailure.Destination).toEqual(RedrivePolicy?.deadLetterTargetArn);
    },
  );

  it("asks for the target of every rule that starts a function, and for no other", () => {
    const permissions = ofType(synthesis, "AWS::Lambda::Permission").filter(
      ([, { Principal }]) => Principal === "events.amazonaws.com",
    );
    const allowed = permissions.map(([, { Action, SourceArn, FunctionName }]) => [
      Action,
      referent(SourceArn),
      referent(FunctionName),
    ]);
    const started = ofType(synthesis, "AWS::Events::Rule")
      .filter(([, { ScheduleExpression }]) => ScheduleExpression !== undefined)
      .flatMap(([rule, { Targets }]) =>
        (Targets as { Arn: unknown }[]).map(({ Arn }) => ["lambda:InvokeFunction", rule, referent(Arn)]),
      );
    expect(started).toHaveLength(2);
    expect(allowed.toSorted()).toEqual(started.toSorted());
  });
});

describe("the drop folder", () => {
  const [rule] = ofType(synthesis, "AWS::Events::Rule").filter(
    ([, { EventPattern }]) => EventPattern !== undefined,
  );
  const [ruleId = "", properties = {}] = rule ?? [];

  it("tells the intake queue of new objects under drop/ in this bucket, and of nothing else", () => {
    expect(properties["EventPattern"]).toMatchObject({
      source: ["aws.s3"],
      "detail-type": ["Object Created"],
      detail: { object: { key: [{ prefix: "drop/" }] } },
    });
    const { detail } = properties["EventPattern"] as {
      detail: { bucket: { name: { "Fn::ImportValue": string }[] } };
    };
    const [imported] = detail.bucket.name;
    const exported = Object.values(synthesis.data.Outputs ?? {}).find(
      (output) => (output as { Export?: { Name: string } }).Export?.Name === imported?.["Fn::ImportValue"],
    );
    expect(exported?.Value).toEqual({ Ref: "DropBucket" });
    const [target] = properties["Targets"] as { Arn: unknown }[];
    expect(referent(target?.Arn)).toBe(referent(feeding("accept-drop")["EventSourceArn"]));
  });

  it("lets that rule send to that queue, and no other rule of anybody", () => {
    const sends = everyStatement(synthesis).filter(
      ({ statement }) =>
        statement.Effect === "Allow" &&
        JSON.stringify(statement.Principal ?? "").includes("events.amazonaws.com") &&
        asList(statement.Action).includes("sqs:SendMessage"),
    );
    expect(sends).toHaveLength(1);
    expect(sends[0]?.statement).toMatchObject({
      Principal: { Service: "events.amazonaws.com" },
      Condition: { ArnEquals: { "aws:SourceArn": { "Fn::GetAtt": [ruleId, "Arn"] } } },
    });
    expect(referent(sends[0]?.statement.Resource)).toBe(referent(feeding("accept-drop")["EventSourceArn"]));
  });

  it("lets nobody from outside the account use a queue", () => {
    const open = everyStatement(synthesis).filter(
      ({ statement: { Effect, Principal, Condition } }) =>
        Effect === "Allow" && JSON.stringify(Principal ?? "").includes("*") && Condition === undefined,
    );
    expect(open).toEqual([]);
  });
});

describe("the API", () => {
  const [[, route] = []] = ofType(synthesis, "AWS::ApiGatewayV2::Route");
  const [[authorizerId, authorizer] = []] = ofType(synthesis, "AWS::ApiGatewayV2::Authorizer");

  it("has one route, and a key is asked for on it", () => {
    expect(ofType(synthesis, "AWS::ApiGatewayV2::Route")).toHaveLength(1);
    expect(route).toMatchObject({
      RouteKey: "ANY /api/v1/{proxy+}",
      AuthorizationType: "CUSTOM",
      AuthorizerId: { Ref: authorizerId },
    });
  });

  it("refuses a request without Authorization before any function runs, and remembers a key for a minute", () => {
    expect(authorizer).toMatchObject({
      AuthorizerType: "REQUEST",
      IdentitySource: ["$request.header.Authorization"],
      EnableSimpleResponses: true,
      AuthorizerPayloadFormatVersion: "2.0",
      AuthorizerResultTtlInSeconds: 60,
    });
    expect(JSON.stringify(authorizer?.["AuthorizerUri"])).toContain(
      functionNamed(synthesis, "authorize-request").logicalId,
    );
  });

  it("throttles, and writes one JSON object per request to a log that ends", () => {
    const [[, stage = {}] = []] = ofType(synthesis, "AWS::ApiGatewayV2::Stage");
    expect(stage).toMatchObject({
      AutoDeploy: true,
      DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 },
    });
    const { DestinationArn, Format } = stage["AccessLogSettings"] as {
      DestinationArn: unknown;
      Format: string;
    };
    expect(propertiesOf(synthesis, referent(DestinationArn))["RetentionInDays"]).toBe(30);
    expect(JSON.parse(Format)).toMatchObject({ requestId: "$context.requestId", status: "$context.status" });
    expect(Format).not.toMatch(/authorization|header/i);
  });

  it("may start the two functions behind it, from this API only", () => {
    const [[apiId] = []] = ofType(synthesis, "AWS::ApiGatewayV2::Api");
    const permissions = ofType(synthesis, "AWS::Lambda::Permission").filter(
      ([, { Principal }]) => Principal === "apigateway.amazonaws.com",
    );
    expect(permissions.map(([, { FunctionName }]) => referent(FunctionName)).sort()).toEqual(
      [
        functionNamed(synthesis, "serve-api").logicalId,
        functionNamed(synthesis, "authorize-request").logicalId,
      ].sort(),
    );
    for (const [, { SourceArn }] of permissions)
      expect(JSON.stringify(SourceArn)).toContain(`{"Ref":"${apiId}"}`);
  });
});

function maySend(name: FunctionName): readonly string[] {
  return functionNamed(synthesis, name)
    .statements.filter(({ Action }) => asList(Action).includes("sqs:SendMessage"))
    .flatMap(({ Resource }) => asList(Resource).map(referent));
}
