import { join } from "node:path";
import type * as z from "zod";
import { operatorId } from "../gateway/caller.ts";
import type { Service, ServiceRequest, ServiceResponse } from "../gateway/service.ts";
import type { Access } from "../iam/access.ts";
import type { LambdaRuntime } from "../lambda/runtime.ts";
import type { Assembly } from "../template/assembly.ts";
import { TemplateFault } from "../template/fault.ts";
import { sqsClient } from "./clients.ts";
import { readExpression } from "./expressions.ts";
import { openJournal } from "./journal.ts";
import { readProperties } from "./properties.ts";
import { type Firing, fire, firingDelayMs, trustProblem } from "./schedule-firing.ts";
import { type Schedule, scheduleBody, scheduleName, scheduleProperties } from "./schedule-schema.ts";
import { callAt, callEvery } from "./timer.ts";
import { type ReportFault, WiringFault } from "./wiring-fault.ts";

export type { Firing } from "./schedule-firing.ts";

export interface SchedulerOptions {
  readonly assembly: Assembly;
  readonly access: Access;
  readonly runtime: Pick<LambdaRuntime, "find" | "invokeAsync">;
  /** Gateway address without a trailing slash. */
  readonly gatewayUrl: string;
  readonly onFault: ReportFault;
  /** @default "exact" */
  readonly firing?: Firing;
  /**
   * Folder for the schedules that the functions create.
   *
   * @default - none: they are forgotten when the scheduler closes
   */
  readonly stateDir?: string;
}

export interface Scheduler {
  /** The REST API of EventBridge Scheduler. */
  readonly service: Service;
  /** Starts to fire: the template's own schedules, and what was due while the cloud was down. */
  start(): void;
  /** Schedules that exist now, the template's own included. */
  list(): readonly Schedule[];
  /** Stops to fire; what is being fired is waited for. */
  close(): Promise<void>;
}

type ErrorName = "ValidationException" | "ConflictException" | "ResourceNotFoundException";
const STATUS: Readonly<Record<ErrorName, number>> = {
  ValidationException: 400,
  ConflictException: 409,
  ResourceNotFoundException: 404,
};

/** Ends a request with one of the API's own errors. */
class ApiError extends Error {
  override readonly name: ErrorName;

  constructor(name: ErrorName, message: string) {
    super(message);
    this.name = name;
  }
}

const respond = (status: number, body: unknown, headers: Record<string, string> = {}): ServiceResponse => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

const keyOf = (group: string, name: string): string => `${group}/${name}`;

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ApiError("ValidationException", `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
}

function readBody({ body }: ServiceRequest): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    throw new ApiError("ValidationException", "the body is not JSON");
  }
}

/** The API answers instants in seconds. */
const described = ({ createdAt, modifiedAt, completedAt, clientToken, ...schedule }: Schedule) => ({
  ...schedule,
  CreationDate: createdAt / 1_000,
  LastModificationDate: modifiedAt / 1_000,
});

/** Is `body` what the stored schedule says already? Then a repeated create with the same token is answered again. */
const sameAs = (schedule: Schedule, clientToken: string | undefined): boolean =>
  clientToken !== undefined && schedule.clientToken === clientToken;

/**
 * EventBridge Scheduler: the real REST API, the template's `AWS::Scheduler::Schedule` resources, and the firing itself
 * with the role of each schedule.
 *
 * Never fires before the instant. Like AWS it fires at least once: a crash between firing and deleting fires again.
 */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { assembly, access, runtime, gatewayUrl, onFault, firing = "exact" } = options;
  const file = options.stateDir === undefined ? undefined : join(options.stateDir, "schedules.jsonl");
  const journal = openJournal<Schedule>(file);
  const queues = sqsClient({ gatewayUrl, region: assembly.region, caller: operatorId });
  const groups = new Set([
    "default",
    ...assembly.ofType("AWS::Scheduler::ScheduleGroup").map(({ physicalId }) => physicalId),
  ]);
  const cancels = new Map<string, () => void>();
  const firingNow = new Set<Promise<void>>();
  let started = false;
  let closed = false;

  const arnOf = (group: string, name: string): string =>
    `arn:aws:scheduler:${assembly.region}:${assembly.accountId}:schedule/${group}/${name}`;

  const declared = assembly.ofType("AWS::Scheduler::Schedule").map((resource): Schedule => {
    const { Name, ...properties } = readProperties(resource, scheduleProperties);
    if (!readExpression(properties.ScheduleExpression, properties.ScheduleExpressionTimezone)) {
      const problem = `${properties.ScheduleExpression} cannot be run here: only at() and rate() can`;
      throw new TemplateFault(resource.stack, resource.logicalId, problem);
    }
    if (!groups.has(properties.GroupName)) {
      throw new TemplateFault(
        resource.stack,
        resource.logicalId,
        `its group ${properties.GroupName} does not exist`,
      );
    }
    const name = Name ?? resource.physicalId;
    const now = Date.now();
    return {
      ...properties,
      Name: name,
      Arn: arnOf(properties.GroupName, name),
      createdAt: now,
      modifiedAt: now,
    };
  });

  const all = (): readonly Schedule[] => [...declared, ...journal.entries.values()];

  /** Template schedules are found like others, but only the template changes them. */
  function existing(group: string, name: string): Schedule {
    if (!groups.has(group))
      throw new ApiError("ResourceNotFoundException", `Schedule group ${group} does not exist.`);
    const found = all().find((schedule) => schedule.GroupName === group && schedule.Name === name);
    if (!found) throw new ApiError("ResourceNotFoundException", `Schedule ${name} does not exist.`);
    return found;
  }

  async function completed(schedule: Schedule): Promise<void> {
    const key = keyOf(schedule.GroupName, schedule.Name);
    // Replaced or deleted while it fired: that one has its own life.
    if (journal.entries.get(key) !== schedule) return;
    if (schedule.ActionAfterCompletion === "DELETE") await journal.delete(key);
    else await journal.set(key, { ...schedule, completedAt: Date.now() });
  }

  function fireNow(schedule: Schedule, dueAt: number, once: boolean): void {
    const work = fire({ assembly, access, runtime, queues, onFault }, schedule, dueAt)
      .then(() => (once ? completed(schedule) : undefined))
      .catch((error: unknown) => {
        if (!closed) onFault(new Error(`schedule ${schedule.Name} could not be fired`, { cause: error }));
      })
      .finally(() => firingNow.delete(work));
    firingNow.add(work);
  }

  function arm(schedule: Schedule): void {
    const key = keyOf(schedule.GroupName, schedule.Name);
    cancels.get(key)?.();
    cancels.delete(key);
    if (!started || closed || schedule.State === "DISABLED" || schedule.completedAt !== undefined) return;
    const expression = readExpression(schedule.ScheduleExpression, schedule.ScheduleExpressionTimezone);
    const delayMs = firingDelayMs(firing, schedule);
    if (expression?.kind === "at") {
      const { atMs } = expression;
      cancels.set(
        key,
        callAt(atMs + delayMs, () => {
          cancels.delete(key);
          fireNow(schedule, atMs, true);
        }),
      );
    } else if (expression) {
      // A rate without a start date begins at once.
      const tick = () => fireNow(schedule, Date.now() - delayMs, false);
      cancels.set(key, callEvery(Date.now() + delayMs, expression.everyMs, tick));
    }
  }

  /** @throws ApiError for whatever AWS would refuse. */
  async function check(body: z.output<typeof scheduleBody>): Promise<void> {
    const expression = readExpression(body.ScheduleExpression, body.ScheduleExpressionTimezone);
    if (!expression) {
      throw new ApiError("ValidationException", `Invalid Schedule Expression ${body.ScheduleExpression}.`);
    }
    if (expression.kind === "at" && expression.atMs <= Date.now()) {
      throw new ApiError(
        "ValidationException",
        `Invalid Schedule Expression ${body.ScheduleExpression}: it is in the past.`,
      );
    }
    if (body.Target.Input !== undefined && body.Target.Arn.startsWith("arn:aws:lambda:")) {
      try {
        JSON.parse(body.Target.Input);
      } catch {
        throw new ApiError("ValidationException", "Invalid input: a Lambda target wants JSON.");
      }
    }
    if (!groups.has(body.GroupName)) {
      throw new ApiError("ResourceNotFoundException", `Schedule group ${body.GroupName} does not exist.`);
    }
    const problem = await trustProblem({ access, assembly }, body);
    if (problem === undefined) return;
    const role = assembly.byArn(body.Target.RoleArn)?.logicalId ?? body.Target.RoleArn;
    onFault(
      new WiringFault(role, "sts:AssumeRole", `scheduler.amazonaws.com cannot take the role: ${problem}`),
    );
    throw new ApiError(
      "ValidationException",
      "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
    );
  }

  async function create(name: string, request: ServiceRequest): Promise<ServiceResponse> {
    const { ClientToken, ...body } = parse(scheduleBody, readBody(request));
    parse(scheduleName, name);
    await check(body);
    const key = keyOf(body.GroupName, name);
    const taken = all().find((schedule) => keyOf(schedule.GroupName, schedule.Name) === key);
    if (taken && sameAs(taken, ClientToken)) return respond(200, { ScheduleArn: taken.Arn });
    if (taken) throw new ApiError("ConflictException", `Schedule ${name} already exists.`);
    const now = Date.now();
    const schedule: Schedule = {
      ...body,
      Name: name,
      Arn: arnOf(body.GroupName, name),
      createdAt: now,
      modifiedAt: now,
      ...(ClientToken !== undefined && { clientToken: ClientToken }),
    };
    await journal.set(key, schedule);
    arm(schedule);
    return respond(200, { ScheduleArn: schedule.Arn });
  }

  /** Everything that the caller leaves out goes back to its default, as in AWS. */
  async function update(name: string, request: ServiceRequest): Promise<ServiceResponse> {
    const { ClientToken, ...body } = parse(scheduleBody, readBody(request));
    const { Arn, createdAt } = existing(body.GroupName, name);
    await check(body);
    const schedule: Schedule = { ...body, Name: name, Arn, createdAt, modifiedAt: Date.now() };
    await journal.set(keyOf(body.GroupName, name), schedule);
    arm(schedule);
    return respond(200, { ScheduleArn: Arn });
  }

  async function remove(name: string, { query }: ServiceRequest): Promise<ServiceResponse> {
    const key = keyOf(query.get("groupName") ?? "default", name);
    existing(query.get("groupName") ?? "default", name);
    cancels.get(key)?.();
    cancels.delete(key);
    await journal.delete(key);
    return respond(200, {});
  }

  function page({ query }: ServiceRequest): ServiceResponse {
    const [group, prefix, state] = ["ScheduleGroup", "NamePrefix", "State"].map((name) => query.get(name));
    const limit = Number(query.get("MaxResults") ?? 100);
    if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
      throw new ApiError("ValidationException", "MaxResults must be between 1 and 100.");
    }
    const after = Buffer.from(query.get("NextToken") ?? "", "base64url").toString();
    const found = all()
      .filter((schedule) => !group || schedule.GroupName === group)
      .filter((schedule) => !prefix || schedule.Name.startsWith(prefix))
      .filter((schedule) => !state || schedule.State === state)
      .sort((a, b) => (a.Arn < b.Arn ? -1 : 1))
      .filter(({ Arn }) => Arn > after);
    const last = found.length > limit ? found[limit - 1]?.Arn : undefined;
    return respond(200, {
      Schedules: found.slice(0, limit).map((schedule) => {
        const { Arn, Name, GroupName, State, CreationDate, LastModificationDate, Target } =
          described(schedule);
        return {
          Arn,
          Name,
          GroupName,
          State,
          CreationDate,
          LastModificationDate,
          Target: { Arn: Target.Arn },
        };
      }),
      ...(last !== undefined && { NextToken: Buffer.from(last).toString("base64url") }),
    });
  }

  async function route(request: ServiceRequest): Promise<ServiceResponse> {
    const [, area, encoded, ...others] = request.path.split("/");
    if (area !== "schedules" || others.length > 0)
      return respond(404, { Message: `no such path: ${request.path}` });
    if (encoded === undefined || encoded === "") return page(request);
    const name = decodeURIComponent(encoded);
    switch (request.method) {
      case "POST":
        return create(name, request);
      case "GET":
        return respond(200, described(existing(request.query.get("groupName") ?? "default", name)));
      case "PUT":
        return update(name, request);
      case "DELETE":
        return remove(name, request);
      default:
        return respond(405, { Message: `${request.method} is not allowed` });
    }
  }

  return {
    async service(request) {
      try {
        return await route(request);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return respond(STATUS[error.name], { Message: error.message }, { "x-amzn-errortype": error.name });
      }
    },
    start() {
      started = true;
      for (const schedule of all()) arm(schedule);
    },
    list: all,
    async close() {
      closed = true;
      for (const cancel of cancels.values()) cancel();
      cancels.clear();
      await Promise.all(firingNow);
      await journal.flush();
      queues.destroy();
    },
  };
}
