import { randomUUID } from "node:crypto";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import * as z from "zod";
import { operatorId } from "../gateway/caller.ts";
import type { ObjectChange } from "../gateway/service.ts";
import type { Access } from "../iam/access.ts";
import type { LambdaRuntime } from "../lambda/runtime.ts";
import { sqsClient } from "../services/clients.ts";
import { pause } from "../services/delay.ts";
import { readExpression } from "../services/expressions.ts";
import { notRun, readProperties } from "../services/properties.ts";
import { callEvery } from "../services/timer.ts";
import { type ReportFault, WiringFault } from "../services/wiring-fault.ts";
import type { Assembly, Resource } from "../template/assembly.ts";
import { TemplateFault } from "../template/fault.ts";
import { createObjectEvents } from "./object-events.ts";
import { compilePattern, type Matcher } from "./pattern.ts";

/** An event in the envelope of EventBridge. */
export interface BusEvent {
  readonly version: "0";
  readonly id: string;
  readonly "detail-type": string;
  readonly source: string;
  readonly account: string;
  /** ISO 8601, whole seconds. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: unknown;
}

export interface EventBusOptions {
  readonly assembly: Assembly;
  readonly access: Access;
  readonly runtime: Pick<LambdaRuntime, "find" | "invokeAsync">;
  /** Gateway address without a trailing slash. */
  readonly gatewayUrl: string;
  readonly onFault: ReportFault;
  /**
   * Pauses between tries to deliver to a queue that does not answer.
   *
   * @default [100, 1_000, 5_000]
   */
  readonly retryDelaysMs?: readonly number[];
}

export interface EventBus {
  /** Matches an event against every rule and delivers it; resolves when every delivery is made or given up. */
  publish(event: BusEvent): Promise<void>;
  /** Publishes S3's own event for a change of an object, if the bucket sends its events to EventBridge. */
  objectChanged(change: ObjectChange): Promise<void>;
  /** Starts the rules with a schedule. */
  start(): void;
  close(): Promise<void>;
}

const PRINCIPAL = "events.amazonaws.com";
const DEFAULT_RETRY_DELAYS_MS = [100, 1_000, 5_000];

const targetSchema = z.strictObject({
  Arn: z.string(),
  Id: z.string(),
  Input: z.string().optional(),
  InputPath: z
    .string()
    .regex(/^\$(\.[\w-]+)*$/, "only plain paths run here")
    .optional(),
  SqsParameters: z.strictObject({ MessageGroupId: z.string() }).optional(),
  DeadLetterConfig: z.strictObject({ Arn: z.string() }).optional(),
  ...notRun("RetryPolicy"),
});

const ruleProperties = z.strictObject({
  EventPattern: z.record(z.string(), z.unknown()).optional(),
  ScheduleExpression: z.string().optional(),
  State: z.enum(["ENABLED", "DISABLED"]).default("ENABLED"),
  EventBusName: z.literal("default").optional(),
  Targets: z.array(targetSchema).default([]),
  ...notRun("Description", "Name", "Tags"),
});

interface Target extends z.output<typeof targetSchema> {
  readonly kind: "queue" | "function";
  readonly resource: Resource;
}

interface Rule {
  readonly resource: Resource;
  readonly matches: Matcher | undefined;
  readonly everyMs: number | undefined;
  readonly targets: readonly Target[];
}

function readRule(assembly: Assembly, resource: Resource): Rule | undefined {
  const fault = (problem: string) => new TemplateFault(resource.stack, resource.logicalId, problem);
  const { EventPattern, ScheduleExpression, State, Targets } = readProperties(resource, ruleProperties);

  const expression = ScheduleExpression === undefined ? undefined : readExpression(ScheduleExpression);
  if (ScheduleExpression !== undefined && expression?.kind !== "rate") {
    throw fault(`${ScheduleExpression} cannot be run here: only rate() can`);
  }
  let matches: Matcher | undefined;
  try {
    matches = EventPattern && compilePattern(EventPattern);
  } catch (error) {
    throw fault(`its pattern cannot be run here: ${error instanceof Error ? error.message : error}`);
  }
  const targets = Targets.map((target): Target => {
    const found = assembly.byArn(target.Arn);
    if (found?.type === "AWS::SQS::Queue") return { ...target, kind: "queue", resource: found };
    if (found?.type === "AWS::Lambda::Function") return { ...target, kind: "function", resource: found };
    throw fault(`its target ${target.Arn} is no queue and no function of the template`);
  });
  if (State === "DISABLED") return undefined;
  return {
    resource,
    matches,
    everyMs: expression?.kind === "rate" ? expression.everyMs : undefined,
    targets,
  };
}

const inputOf = (target: Target, event: BusEvent): unknown => {
  if (target.Input !== undefined) return JSON.parse(target.Input);
  let value: unknown = event;
  for (const field of target.InputPath?.split(".").slice(1) ?? []) {
    value = (value as Record<string, unknown> | undefined)?.[field];
  }
  return value;
};

/**
 * The default event bus with the template's rules.
 *
 * A delivery that a queue policy or a `Lambda::Permission` does not allow is reported, since EventBridge itself only
 * counts it in a metric.
 *
 * @throws TemplateFault for a pattern, schedule or target that cannot be run here.
 */
export function createEventBus(options: EventBusOptions): EventBus {
  const { assembly, access, runtime, gatewayUrl, onFault } = options;
  const retryDelaysMs = options.retryDelaysMs ?? DEFAULT_RETRY_DELAYS_MS;
  const rules = assembly
    .ofType("AWS::Events::Rule")
    .flatMap((resource) => readRule(assembly, resource) ?? []);
  const objectEvents = createObjectEvents(assembly);
  const queues = sqsClient({ gatewayUrl, region: assembly.region, caller: operatorId });
  const closing = new AbortController();
  const cancels: (() => void)[] = [];
  const delivering = new Set<Promise<void>>();

  async function permitted(rule: Resource, resource: Resource, action: string): Promise<boolean> {
    const principal = { service: PRINCIPAL, sourceArn: rule.arn };
    const decision = await access.check({ principal, action, resource: resource.arn });
    if (decision.allowed) return true;
    onFault(
      new WiringFault(
        rule.logicalId,
        action,
        `${PRINCIPAL} may not reach ${resource.logicalId}: ${decision.message}`,
      ),
    );
    return false;
  }

  async function send(queue: Resource, body: unknown, group: string | undefined): Promise<void> {
    await queues.send(
      new SendMessageCommand({
        QueueUrl: queue.physicalId,
        MessageBody: typeof body === "string" ? body : JSON.stringify(body),
        ...(group !== undefined && { MessageGroupId: group }),
      }),
    );
  }

  async function sendToDeadLetters(rule: Rule, target: Target, event: BusEvent): Promise<void> {
    const dead = target.DeadLetterConfig && assembly.byArn(target.DeadLetterConfig.Arn);
    if (dead && (await permitted(rule.resource, dead, "sqs:SendMessage"))) await send(dead, event, undefined);
  }

  async function deliver(rule: Rule, target: Target, event: BusEvent): Promise<void> {
    const action = target.kind === "queue" ? "sqs:SendMessage" : "lambda:InvokeFunction";
    if (!(await permitted(rule.resource, target.resource, action)))
      return sendToDeadLetters(rule, target, event);
    const input = inputOf(target, event);
    if (target.kind === "function") {
      runtime.invokeAsync(target.resource.logicalId, input);
      return;
    }
    for (let tries = 0; ; tries += 1) {
      try {
        return await send(target.resource, input, target.SqsParameters?.MessageGroupId);
      } catch (error) {
        const delayMs = retryDelaysMs[tries];
        if (delayMs === undefined || closing.signal.aborted) {
          const problem = `${rule.resource.logicalId}: an event did not reach ${target.resource.logicalId}`;
          onFault(new Error(problem, { cause: error }));
          return;
        }
        await pause(delayMs, closing.signal);
      }
    }
  }

  function deliverAll(rule: Rule, event: BusEvent): Promise<void> {
    const work = Promise.all(rule.targets.map((target) => deliver(rule, target, event)))
      .catch((error: unknown) =>
        onFault(new Error(`${rule.resource.logicalId}: an event was not delivered`, { cause: error })),
      )
      .then(() => void delivering.delete(work));
    delivering.add(work);
    return work;
  }

  const wholeSeconds = (at: Date): string => at.toISOString().replace(/\.\d{3}Z$/, "Z");
  const envelope = (
    source: string,
    detailType: string,
    resources: readonly string[],
    detail: unknown,
  ): BusEvent => ({
    version: "0",
    id: randomUUID(),
    "detail-type": detailType,
    source,
    account: assembly.accountId,
    time: wholeSeconds(new Date()),
    region: assembly.region,
    resources,
    detail,
  });

  async function publish(event: BusEvent): Promise<void> {
    await Promise.all(rules.filter((rule) => rule.matches?.(event)).map((rule) => deliverAll(rule, event)));
  }

  return {
    publish,
    async objectChanged(change) {
      const found = objectEvents(change);
      if (found) await publish(envelope("aws.s3", found.detailType, [found.bucketArn], found.detail));
    },
    start() {
      for (const rule of rules) {
        if (rule.everyMs === undefined) continue;
        const tick = () =>
          void deliverAll(rule, envelope("aws.events", "Scheduled Event", [rule.resource.arn], {}));
        cancels.push(callEvery(Date.now() + rule.everyMs, rule.everyMs, tick));
      }
    },
    async close() {
      closing.abort();
      for (const cancel of cancels) cancel();
      await Promise.all(delivering);
      queues.destroy();
    },
  };
}
