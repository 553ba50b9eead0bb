import { Duration, Stack } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  Metric,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Construct } from "constructs";
import type { MeasureName } from "#shared/domain/measures.ts";

/** `essential` alone says of everything that is lost; `detailed` also says why, earlier, for $0.10 a month each. */
export type AlarmLevel = "essential" | "detailed";

export interface AlarmsProps {
  readonly level: AlarmLevel;

  /**
   * Who is told when an alarm goes off, and when it is over.
   *
   * @default - nobody: alarms show in the console only
   */
  readonly email?: string;
}

export interface Watch {
  /**
   * The lowest level that has this alarm.
   *
   * @default essential
   */
  readonly level?: AlarmLevel;

  /** What happened, and what to look at: it is the text of the e-mail. */
  readonly description: string;

  readonly metric: IMetric;

  /** Goes off at this value and above. */
  readonly threshold: number;

  /**
   * Periods of the metric in a row that must reach the threshold.
   *
   * @default 1
   */
  readonly periods?: number;
}

/** Who is told of what. Without an e-mail address there is no topic, and an alarm is a red line in the console. */
export class Alarms extends Construct {
  private readonly level: AlarmLevel;
  private readonly topic: Topic | undefined;

  constructor(scope: Construct, id: string, { level, email }: AlarmsProps) {
    super(scope, id);
    this.level = level;
    if (email === undefined) return;

    this.topic = new Topic(this, "Topic", { displayName: "Punctual alarms", enforceSSL: true });
    this.topic.addSubscription(new EmailSubscription(email));
    // A policy of one's own replaces the one that lets the account's alarms publish.
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        sid: "AlarmsOfThisAccount",
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["sns:Publish"],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
    );
  }

  /** Adds an alarm under `scope`, unless the level has none for it. Silence counts as health. */
  watch(scope: Construct, id: string, watch: Watch): void {
    const { level = "essential", description, metric, threshold, periods = 1 } = watch;
    if (level === "detailed" && this.level === "essential") return;
    const alarm = new Alarm(scope, `${id}Alarm`, {
      alarmDescription: description,
      metric,
      threshold,
      evaluationPeriods: periods,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    if (this.topic === undefined) return;
    const tell = new SnsAction(this.topic);
    alarm.addAlarmAction(tell);
    alarm.addOkAction(tell);
  }
}

/** Alarms look at five minutes at a time: what they watch is worked off by queues, and a minute more changes nothing. */
export const ALARM_PERIOD = Duration.minutes(5);

/** Where the functions of a stack put their measures: two stages of one AWS account never share a metric. */
export const metricsNamespace = (scope: Construct): string => Stack.of(scope).stackName;

/** One of Punctual's own metrics, as the functions of the stack emit it. */
export const ownMetric = (scope: Construct, name: MeasureName, statistic: string): Metric =>
  new Metric({ namespace: metricsNamespace(scope), metricName: name, statistic, period: ALARM_PERIOD });
