import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import type { FunctionName } from "#infra/constructs/cloud-function.ts";
import { ROUTES } from "#shared/contract/routes.ts";
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
  it("has four of work and five of dead letters", () => {
    expect(workQueues).toHaveLength(4);
    expect(deadLetterQueues).toHaveLength(5);
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
    expect(mappings).toHaveLength(5);
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
    expect(feeding("deliver-webhook")).toMatchObject({
      BatchSize: 10,
      ScalingConfig: { MaximumConcurrency: 3 },
    });
    expect(feeding("publish-post")).toMatchObject({ BatchSize: 1 });
    expect(feeding("publish-post")).not.toHaveProperty("ScalingConfig");
  });

  it.each(["accept-drop", "prepare-post", "publish-post", "deliver-webhook"] as const)(
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

  it("relays tasks, drops, logs, gates and accounts only, from the stream's beginning, and sets aside what it cannot tell", () => {
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
      { dynamodb: { Keys: { pk: { S: [{ prefix: "ACCOUNT#" }] }, sk: { S: ["GATE", "ACCOUNT"] } } } },
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

  it("tells the intake queue of new objects under drop/ and media/ in this bucket, and of nothing else", () => {
    expect(properties["EventPattern"]).toMatchObject({
      source: ["aws.s3"],
      "detail-type": ["Object Created"],
      detail: { object: { key: [{ prefix: "drop/" }, { prefix: "media/" }] } },
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
  const routes = ofType(synthesis, "AWS::ApiGatewayV2::Route").map(([, route]) => route);
  const authorizers = ofType(synthesis, "AWS::ApiGatewayV2::Authorizer");
  const lookingAt = (source: string) =>
    authorizers.find(([, { IdentitySource }]) => isDeepStrictEqual(IdentitySource, [source]));
  const [byKeyId, authorizer] = lookingAt("$request.header.Authorization") ?? [];
  const [bySessionId, sessionAuthorizer] = lookingAt("$request.header.Cookie") ?? [];

  it("asks for a key on every route but those that say they are public", () => {
    const isOpen = ({ AuthorizationType }: Readonly<Record<string, unknown>>) => AuthorizationType === "NONE";
    const open = Object.values(ROUTES).filter(({ scope }) => scope === "public");
    expect(
      routes
        .filter(isOpen)
        .map(({ RouteKey }) => RouteKey)
        .toSorted(),
    ).toEqual(
      open
        .flatMap(({ method, path }) => [`${method} ${path}`, ...(method === "GET" ? [`HEAD ${path}`] : [])])
        .toSorted(),
    );
    for (const route of routes.filter((one) => !isOpen(one))) {
      const isConsole = String(route["RouteKey"]).includes(" /console/");
      expect(route).toMatchObject({
        AuthorizationType: "CUSTOM",
        AuthorizerId: { Ref: isConsole ? bySessionId : byKeyId },
      });
    }
    expect(routes.map(({ RouteKey }) => RouteKey)).toContain("ANY /api/v1/{proxy+}");
    expect(authorizers).toHaveLength(2);
  });

  it("sends every route to the function that has it", () => {
    for (const { method, path, ...route } of Object.values(ROUTES)) {
      if (!("servedBy" in route)) continue;
      const key = `${method} ${path}`;
      const target = routes.find(({ RouteKey }) => RouteKey === key)?.["Target"];
      const [, id] = /"Ref":"(\w+)"/.exec(JSON.stringify(target)) ?? [];
      expect([key, JSON.stringify(propertiesOf(synthesis, id ?? key)["IntegrationUri"])]).toEqual([
        key,
        expect.stringContaining(functionNamed(synthesis, route.servedBy).logicalId),
      ]);
    }
  });

  it("lets no page of another origin use it, unless the deployment names the origin", () => {
    const [[, closed] = []] = ofType(synthesis, "AWS::ApiGatewayV2::Api");
    expect(closed).not.toHaveProperty("CorsConfiguration");
    const corsOrigins = ["https://console.example.com"];
    const [[, open] = []] = ofType(synthesize({ context: { corsOrigins } }), "AWS::ApiGatewayV2::Api");
    expect(open?.["CorsConfiguration"]).toMatchObject({
      AllowOrigins: corsOrigins,
      AllowHeaders: expect.arrayContaining(["authorization", "idempotency-key", "if-match"]),
      ExposeHeaders: expect.arrayContaining(["etag", "ratelimit", "retry-after", "idempotency-replayed"]),
    });
    expect(open?.["CorsConfiguration"]).not.toHaveProperty("AllowCredentials", true);
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

  it("asks again at every request of a session, so that who is out is out", () => {
    expect(sessionAuthorizer).toMatchObject({
      AuthorizerType: "REQUEST",
      EnableSimpleResponses: true,
      AuthorizerPayloadFormatVersion: "2.0",
      AuthorizerResultTtlInSeconds: 0,
    });
    expect(routes.map(({ RouteKey }) => RouteKey)).toContain("ANY /console/api/v1/{proxy+}");
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

  it("may start the three functions behind it, from this API only", () => {
    const [[apiId] = []] = ofType(synthesis, "AWS::ApiGatewayV2::Api");
    const permissions = ofType(synthesis, "AWS::Lambda::Permission").filter(
      ([, { Principal }]) => Principal === "apigateway.amazonaws.com",
    );
    const started = new Set(permissions.map(([, { FunctionName }]) => referent(FunctionName)));
    expect([...started].sort()).toEqual(
      [
        functionNamed(synthesis, "serve-api").logicalId,
        functionNamed(synthesis, "connect-account").logicalId,
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
