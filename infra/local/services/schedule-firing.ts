import { createHash, randomUUID } from "node:crypto";
import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { Access } from "../iam/access.ts";
import type { LambdaRuntime } from "../lambda/runtime.ts";
import type { Assembly, Resource } from "../template/assembly.ts";
import type { Schedule } from "./schedule-schema.ts";
import { type ReportFault, WiringFault } from "./wiring-fault.ts";

/**
 * How long after its instant a schedule fires. `exact`: at once. Otherwise anywhere within so many milliseconds, as in
 * AWS, but the same for the same seed and schedule.
 */
export type Firing = "exact" | { readonly withinMs: number; readonly seed: number };

const PRINCIPAL = "scheduler.amazonaws.com";

/** Delay of one schedule: deterministic, so that a run can be repeated. */
export function firingDelayMs(
  firing: Firing,
  schedule: Pick<Schedule, "Arn" | "ScheduleExpression">,
): number {
  if (firing === "exact") return 0;
  const digest = createHash("sha256")
    .update(`${firing.seed} ${schedule.Arn} ${schedule.ScheduleExpression}`)
    .digest();
  return Math.floor((digest.readUInt32BE(0) / 2 ** 32) * firing.withinMs);
}

export interface FiringDeps {
  readonly assembly: Assembly;
  readonly access: Access;
  readonly runtime: Pick<LambdaRuntime, "find" | "invokeAsync">;
  readonly queues: SQSClient;
  readonly onFault: ReportFault;
}

/** May the Scheduler take the role of a schedule? Undefined: yes. */
export async function trustProblem(
  { access, assembly }: Pick<FiringDeps, "access" | "assembly">,
  { Target, GroupName }: Pick<Schedule, "Target" | "GroupName">,
): Promise<string | undefined> {
  if (!assembly.byArn(Target.RoleArn)) return `the role ${Target.RoleArn} does not exist`;
  // AWS names the group, not the schedule, as the source.
  const sourceArn = `arn:aws:scheduler:${assembly.region}:${assembly.accountId}:schedule-group/${GroupName}`;
  const principal = { service: PRINCIPAL, sourceArn };
  const decision = await access.check({ principal, action: "sts:AssumeRole", resource: Target.RoleArn });
  return decision.allowed ? undefined : decision.message;
}

/** Fills in the words that Scheduler replaces in an input. */
const fillIn = (input: string, schedule: Schedule, dueAt: number, executionId: string): string =>
  input
    .replaceAll("<aws.scheduler.schedule-arn>", schedule.Arn)
    .replaceAll("<aws.scheduler.scheduled-time>", new Date(dueAt).toISOString().replace(/\.\d{3}Z$/, "Z"))
    .replaceAll("<aws.scheduler.execution-id>", executionId)
    .replaceAll("<aws.scheduler.attempt-number>", "1");

const defaultInput = (schedule: Schedule, dueAt: number, executionId: string, assembly: Assembly) => ({
  version: "0",
  id: executionId,
  "detail-type": "Scheduled Event",
  source: "aws.scheduler",
  account: assembly.accountId,
  time: new Date(dueAt).toISOString().replace(/\.\d{3}Z$/, "Z"),
  region: assembly.region,
  resources: [schedule.Arn],
  detail: "{}",
});

/**
 * Fires a schedule: takes its role, then does with the role's rights what the target needs. What fails is reported with
 * the name of the role or target, and the event goes to the schedule's dead-letter queue if it has one.
 */
export async function fire(deps: FiringDeps, schedule: Schedule, dueAt: number): Promise<void> {
  const { assembly, access, runtime, queues, onFault } = deps;
  const { Target } = schedule;
  const executionId = randomUUID();
  const role = assembly.byArn(Target.RoleArn);
  const roleName = role?.logicalId ?? Target.RoleArn;
  const event: unknown =
    Target.Input === undefined
      ? defaultInput(schedule, dueAt, executionId, assembly)
      : fillIn(Target.Input, schedule, dueAt, executionId);
  const text = typeof event === "string" ? event : JSON.stringify(event);

  const allowed = async (action: string, resource: string): Promise<boolean> => {
    const principal = { role: Target.RoleArn };
    const decision = await access.check({ principal, action, resource });
    if (decision.allowed) return true;
    onFault(
      new WiringFault(
        roleName,
        action,
        `schedule ${schedule.Name} cannot reach ${resource}: ${decision.message}`,
      ),
    );
    return false;
  };
  const send = (queue: Resource, group: string | undefined) =>
    queues.send(
      new SendMessageCommand({
        QueueUrl: queue.physicalId,
        MessageBody: text,
        ...(group !== undefined && { MessageGroupId: group }),
      }),
    );

  async function handOver(): Promise<boolean> {
    const problem = await trustProblem(deps, schedule);
    if (problem !== undefined) {
      const detail = `schedule ${schedule.Name}: ${PRINCIPAL} cannot take the role: ${problem}`;
      onFault(new WiringFault(roleName, "sts:AssumeRole", detail));
      return false;
    }
    const lambda = Target.Arn.startsWith("arn:aws:lambda:");
    if (!(await allowed(lambda ? "lambda:InvokeFunction" : "sqs:SendMessage", Target.Arn))) return false;
    if (lambda) {
      runtime.invokeAsync(Target.Arn, JSON.parse(text));
      return true;
    }
    const queue = assembly.byArn(Target.Arn);
    if (!queue) throw new Error(`${Target.Arn} is not in the template`);
    await send(queue, Target.SqsParameters?.MessageGroupId);
    return true;
  }

  try {
    if (await handOver()) return;
  } catch (error) {
    onFault(new Error(`schedule ${schedule.Name} could not reach ${Target.Arn}`, { cause: error }));
  }
  const dead = Target.DeadLetterConfig && assembly.byArn(Target.DeadLetterConfig.Arn);
  if (!dead || !(await allowed("sqs:SendMessage", dead.arn))) return;
  await send(dead, undefined).catch((error: unknown) =>
    onFault(new Error(`schedule ${schedule.Name} could not reach its dead-letter queue`, { cause: error })),
  );
}
