import { describe, expect, it } from "vitest";
import { asTaskId } from "#shared/domain/ids.ts";
import { MEASURES, observeStandstill } from "#shared/domain/measures.ts";
import { FUNCTION_NAMES, functionNamed, ofType, referent, type Synthesis, synthesize } from "./synthesis.ts";

const essential = synthesize();
const detailed = synthesize({ context: { alarms: "detailed", alarmEmail: "operator@example.com" } });

interface Alarm {
  readonly MetricName: string;
  readonly Namespace: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: unknown }[];
  readonly Threshold: number;
  readonly ComparisonOperator: string;
  readonly AlarmActions?: readonly unknown[];
  readonly OKActions?: readonly unknown[];
  readonly AlarmDescription: string;
  readonly TreatMissingData: string;
}

const alarmsOf = (synthesis: Synthesis): readonly Alarm[] =>
  ofType(synthesis, "AWS::CloudWatch::Alarm").map(([, properties]) => properties as unknown as Alarm);

/** Logical ids that the alarms of a metric are about. */
const watched = (synthesis: Synthesis, metric: string): readonly string[] =>
  alarmsOf(synthesis)
    .filter(({ MetricName }) => MetricName === metric)
    .flatMap(({ Dimensions = [] }) => Dimensions.slice(0, 1).map(({ Value }) => referent(Value)))
    .sort();

const deadLetterQueues = (synthesis: Synthesis): readonly string[] =>
  ofType(synthesis, "AWS::SQS::Queue")
    .filter(([, { RedrivePolicy }]) => RedrivePolicy === undefined)
    .map(([logicalId]) => logicalId)
    .sort();

describe.each([
  ["essential", essential],
  ["detailed", detailed],
])("%s alarms", (_, synthesis) => {
  it("goes off for the first message in any dead-letter queue", () => {
    expect(watched(synthesis, "ApproximateNumberOfMessagesVisible")).toEqual(deadLetterQueues(synthesis));
    const alarms = alarmsOf(synthesis).filter(({ MetricName }) => MetricName.endsWith("MessagesVisible"));
    for (const alarm of alarms) {
      expect(alarm).toMatchObject({ Threshold: 1, ComparisonOperator: "GreaterThanOrEqualToThreshold" });
    }
  });

  it("goes off for the first request that the API fails", () => {
    expect(alarmsOf(synthesis).filter(({ Namespace }) => Namespace === "AWS/ApiGateway")).toEqual([
      expect.objectContaining({ MetricName: "5xx", Threshold: 1 }),
    ]);
  });

  it("goes off for the first task without progress, by the very metric that the sweeper emits", () => {
    const { METRICS_NAMESPACE: namespace } = functionNamed(synthesis, "sweep-tasks").variables;
    const alarms = alarmsOf(synthesis).filter(({ Namespace }) => Namespace === namespace);
    const emitted = Object.keys(observeStandstill([asTaskId("01JZ")], new Date(0))?.values ?? {});
    expect(alarms.map(({ MetricName }) => MetricName)).toEqual(emitted);
    for (const alarm of alarms) {
      expect(alarm).toMatchObject({ Threshold: 1, ComparisonOperator: "GreaterThanOrEqualToThreshold" });
      // The metric has the dimensions that it is emitted with: another set would be another metric, without data.
      expect(alarm).not.toHaveProperty("Dimensions");
      expect(MEASURES.TasksWithoutProgress).not.toHaveProperty("by");
    }
  });

  it("counts silence as health, and says what to do", () => {
    for (const { TreatMissingData, AlarmDescription } of alarmsOf(synthesis)) {
      expect(TreatMissingData).toBe("notBreaching");
      expect(AlarmDescription).not.toBe("");
    }
  });
});

describe("essential alarms", () => {
  it("are seven, at $0.10 a month each", () => {
    expect(alarmsOf(essential)).toHaveLength(7);
  });

  it("have metrics of their own for each stage of an account", () => {
    const namespaces = [essential, synthesize({ context: { stage: "trial" } })].flatMap((synthesis) =>
      (["relay-events", "sweep-tasks"] as const).map(
        (name) => functionNamed(synthesis, name).variables["METRICS_NAMESPACE"],
      ),
    );
    expect(namespaces).toEqual([
      "PunctualService",
      "PunctualService",
      "PunctualService-trial",
      "PunctualService-trial",
    ]);
  });

  it("lets no function fail without one: it has dead letters, or it stands behind the API", () => {
    const withDeadLetters = new Set([
      ...ofType(essential, "AWS::Lambda::EventInvokeConfig").map(([, { FunctionName }]) =>
        referent(FunctionName),
      ),
      ...ofType(essential, "AWS::Lambda::EventSourceMapping").map(([, { FunctionName }]) =>
        referent(FunctionName),
      ),
    ]);
    const others = FUNCTION_NAMES.filter(
      (name) => !withDeadLetters.has(functionNamed(essential, name).logicalId),
    );
    expect(others).toEqual(["authorize-request", "connect-account", "serve-api"]);
  });

  it("tells nobody while nobody is named, and has no topic", () => {
    expect(ofType(essential, "AWS::SNS::Topic")).toEqual([]);
    for (const alarm of alarmsOf(essential)) expect(alarm).not.toHaveProperty("AlarmActions");
  });
});

describe("detailed alarms", () => {
  it("watches the errors of each function", () => {
    expect(watched(detailed, "Errors")).toEqual(
      FUNCTION_NAMES.map((name) => functionNamed(detailed, name).logicalId).sort(),
    );
  });

  it("watches the throttles of the account, whose concurrency all functions share", () => {
    expect(alarmsOf(detailed).filter(({ MetricName }) => MetricName === "Throttles")).toEqual([
      expect.objectContaining({ Namespace: "AWS/Lambda", Threshold: 1 }),
    ]);
  });

  it("watches how long posts wait, beyond the longest delay that they are sent with", () => {
    const [alarm] = alarmsOf(detailed).filter(
      ({ MetricName }) => MetricName === "ApproximateAgeOfOldestMessage",
    );
    expect(referent(alarm?.Dimensions?.[0]?.Value)).toMatch(/^PublishQueue/);
    expect(alarm?.Threshold).toBeGreaterThan(840);
  });

  it("watches how far the relay is behind", () => {
    expect(watched(detailed, "IteratorAge")).toEqual([functionNamed(detailed, "relay-events").logicalId]);
  });

  it("tells the operator when one goes off and when it is over, over TLS", () => {
    const [[topicId] = []] = ofType(detailed, "AWS::SNS::Topic");
    expect(ofType(detailed, "AWS::SNS::Subscription").map(([, properties]) => properties)).toEqual([
      expect.objectContaining({
        Protocol: "email",
        Endpoint: "operator@example.com",
        TopicArn: { Ref: topicId },
      }),
    ]);
    for (const { AlarmActions, OKActions } of alarmsOf(detailed)) {
      expect(AlarmActions).toEqual([{ Ref: topicId }]);
      expect(OKActions).toEqual([{ Ref: topicId }]);
    }
    const [[, policy] = []] = ofType(detailed, "AWS::SNS::TopicPolicy");
    expect(policy?.["PolicyDocument"]).toMatchObject({
      Statement: expect.arrayContaining([
        expect.objectContaining({ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }),
        expect.objectContaining({
          Effect: "Allow",
          Action: "sns:Publish",
          Principal: { Service: "cloudwatch.amazonaws.com" },
          Condition: { StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } } },
        }),
      ]),
    });
  });
});
