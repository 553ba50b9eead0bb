/**
 * Whatever a careless change takes out of the template, the run on this machine fails and says where: AWS would drop
 * an event in silence, or count a metric that nobody looks at.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { operate, type Patient, statementsIn } from "#test/support/assembly.ts";
import { FAST, startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { waitFor } from "#test/support/wait-for.ts";

const PHOTO = readFileSync(join(import.meta.dirname, "../../infra/local/samples/harbour.jpg"));
const inSeconds = (seconds: number) =>
  `${new Date(Math.ceil(Date.now() / 1_000 + seconds) * 1_000).toISOString().slice(0, 19)}Z`;

const published = async (punctual: TestPunctual, base: string): Promise<boolean> =>
  (await punctual.outcome(base))?.status === "published";

/** What a person does, and whether it came to the end that they expect. */
interface Flow {
  begin(punctual: TestPunctual): Promise<void>;
  isDone(punctual: TestPunctual): Promise<boolean>;
}

const FLOWS = {
  text: {
    begin: (punctual) => punctual.put("text.txt", "Only words"),
    isDone: (punctual) => published(punctual, "text"),
  },
  scheduled: {
    begin: (punctual) =>
      punctual.put("later.md", `---\npublishAt: ${inSeconds(8)}\nmedia: []\n---\nA little later\n`),
    isDone: (punctual) => published(punctual, "later"),
  },
  photo: {
    async begin(punctual) {
      await punctual.put("photo.jpg", PHOTO);
      await punctual.put("photo.md", "---\nmedia: [photo.jpg]\n---\nWords and a photo\n");
    },
    isDone: (punctual) => published(punctual, "photo"),
  },
  api: {
    async begin(punctual) {
      await punctual.api("/scheduling/tasks", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ text: "By the API", publishAt: inSeconds(3_600) }),
      });
      await punctual.api("/scheduling/tasks");
    },
    async isDone(punctual) {
      const answer = await punctual.api("/scheduling/tasks");
      if (!answer.ok) return false;
      const { items } = (await answer.json()) as { items: unknown[] };
      return items.length > 0;
    },
  },
} as const satisfies Record<string, Flow>;

/** Breaks the template, and tells what the message has to name: the function or resource, and what it lacks. */
type Break = (patient: Patient) => readonly string[];

/** Takes one action from the role of a function. */
const without =
  (name: string, action: string, where?: RegExp): Break =>
  (patient) => {
    patient.forbid(patient.roleOf(name)[0], action, where);
    return [patient.lambda(name)[0], action];
  };

const withoutVariable =
  (name: string, variable: string): Break =>
  (patient) => {
    delete patient.variables(name)[variable];
    return [patient.lambda(name)[0], variable];
  };

/** Takes the permission to call a function, of the one who calls it. */
/** @param of - a part of what it is for, where a function has several */
const withoutPermission =
  (name: string, caller: string, of = ""): Break =>
  (patient) => {
    const [lambda] = patient.lambda(name);
    const [permission] = patient.find(
      "AWS::Lambda::Permission",
      new RegExp(`"FunctionName":\\{"Fn::GetAtt":\\["${lambda}".*"Principal":"${caller}".*${of}`),
    );
    patient.remove(permission);
    return [lambda, "AWS::Lambda::Permission", caller];
  };

/** What only shows while it runs: the flow that does not end. */
const RUNNING: readonly (readonly [title: string, flow: keyof typeof FLOWS, broken: Break])[] = [
  ["accept-drop without its right to write items", "text", without("accept-drop", "dynamodb:PutItem")],
  [
    "accept-drop without its right to make schedules",
    "scheduled",
    without("accept-drop", "scheduler:CreateSchedule"),
  ],
  [
    "accept-drop without its right to hand the role to Scheduler",
    "scheduled",
    without("accept-drop", "iam:PassRole"),
  ],
  ["publish-post without its right to open credentials", "text", without("publish-post", "kms:Decrypt")],
  ["prepare-post without its right to read media", "photo", without("prepare-post", "s3:GetObject")],
  ["relay-events without its right to write outcomes", "text", without("relay-events", "s3:PutObject")],
  [
    "authorize-request without its right to look keys up",
    "api",
    without("authorize-request", "dynamodb:GetItem"),
  ],
  ["serve-api without its right to write items", "api", without("serve-api", "dynamodb:PutItem")],
  ["serve-api without its right to use an index", "api", without("serve-api", "dynamodb:Query", /Indexes/)],
  [
    "a bucket that may be listed in another folder only",
    "text",
    (patient) => {
      const [role] = patient.roleOf("accept-drop");
      const list = patient.statementsOf(role).find(({ Action }) => Action === "s3:ListBucket");
      if (list?.Condition === undefined) throw new Error("the right to list has no condition");
      list.Condition = { StringLikeIfExists: { "s3:prefix": "elsewhere/*" } };
      return [patient.lambda("accept-drop")[0], "s3:ListBucket", "s3:prefix=drop/"];
    },
  ],
  [
    "the queue of dropped files without the policy for its rule",
    "text",
    (patient) => {
      const [rule] = patient.find("AWS::Events::Rule", /"Object Created"/);
      const [, { Properties }] = patient.find("AWS::SQS::QueuePolicy", /"EventsOfOneRule"/);
      const statements = statementsIn(Properties, "PolicyDocument");
      statements.splice(
        statements.findIndex(({ Sid }) => Sid === "EventsOfOneRule"),
        1,
      );
      const [{ Ref: queue }] = Properties["Queues"] as [{ Ref: string }];
      return [rule, queue, "sqs:SendMessage", "AWS::SQS::QueuePolicy"];
    },
  ],
  [
    "the queue of dropped files with a policy for another rule",
    "text",
    (patient) => {
      const [rule] = patient.find("AWS::Events::Rule", /"Object Created"/);
      const [, { Properties }] = patient.find("AWS::SQS::QueuePolicy", /"EventsOfOneRule"/);
      const statement = statementsIn(Properties, "PolicyDocument").find(
        ({ Sid }) => Sid === "EventsOfOneRule",
      );
      const [other] = patient.find("AWS::Events::Rule", /"rate\(1 minute\)"/);
      if (statement)
        statement.Condition = { ArnEquals: { "aws:SourceArn": { "Fn::GetAtt": [other, "Arn"] } } };
      return [rule, "sqs:SendMessage", "AWS::SQS::QueuePolicy"];
    },
  ],
  [
    "an API that may not call its function",
    "api",
    withoutPermission("serve-api", "apigateway.amazonaws.com", String.raw`"/\*/\*/api/v1/\{proxy\+\}"`),
  ],
  [
    "an API that may not call its authorizer",
    "api",
    withoutPermission("authorize-request", "apigateway.amazonaws.com", `"ApiHttpApiAuthorizer`),
  ],
  [
    "a role that Scheduler may not take",
    "scheduled",
    (patient) => {
      const [role, { Properties }] = patient.schedulerRole();
      const [statement] = statementsIn(Properties, "AssumeRolePolicyDocument");
      if (statement) statement.Principal = { Service: "events.amazonaws.com" };
      return [role, "sts:AssumeRole", "scheduler.amazonaws.com", "AssumeRolePolicyDocument"];
    },
  ],
  [
    "a role of Scheduler for another group of schedules",
    "scheduled",
    (patient) => {
      const [role, { Properties }] = patient.schedulerRole();
      const [statement] = statementsIn(Properties, "AssumeRolePolicyDocument");
      const [rule] = patient.find("AWS::Events::Rule", /"Object Created"/);
      if (statement)
        statement.Condition = { StringEquals: { "aws:SourceArn": { "Fn::GetAtt": [rule, "Arn"] } } };
      return [role, "sts:AssumeRole", "AssumeRolePolicyDocument"];
    },
  ],
  [
    "a role of Scheduler that may not call publish-post",
    "scheduled",
    (patient) => {
      const [role] = patient.schedulerRole();
      const [lambda] = patient.lambda("publish-post");
      patient.forbid(role, "lambda:InvokeFunction", new RegExp(lambda));
      return [role, "lambda:InvokeFunction", lambda];
    },
  ],
  [
    "a role of a function that Lambda may not take",
    "api",
    (patient) => {
      const [role, { Properties }] = patient.roleOf("serve-api");
      const [statement] = statementsIn(Properties, "AssumeRolePolicyDocument");
      if (statement) statement.Principal = { Service: "ec2.amazonaws.com" };
      return [role, "sts:AssumeRole", "lambda.amazonaws.com"];
    },
  ],
  [
    "a key whose policy lets nobody use it",
    "text",
    (patient) => {
      const [key, { Properties }] = patient.find("AWS::KMS::Key", /./);
      const statements = statementsIn(Properties, "KeyPolicy");
      statements.splice(
        statements.findIndex(({ Action }) => Action.includes("kms:Decrypt")),
        1,
      );
      return [patient.lambda("publish-post")[0], "kms:Decrypt", key];
    },
  ],
  ["accept-drop without the name of the table", "text", withoutVariable("accept-drop", "TABLE_NAME")],
  ["publish-post without the address of X", "text", withoutVariable("publish-post", "X_ENDPOINT")],
  ["serve-api without its stage", "api", withoutVariable("serve-api", "STAGE")],
  [
    "a function whose handler is not in its bundle",
    "text",
    (patient) => {
      const [id, { Properties }] = patient.lambda("publish-post");
      Properties["Handler"] = "index.main";
      return [id, "Runtime.HandlerNotFound", "main"];
    },
  ],
  [
    "a function with the bundle of another",
    "text",
    (patient) => {
      const [id, { Properties }] = patient.lambda("accept-drop");
      Properties["Code"] = patient.lambda("relay-events")[1].Properties["Code"];
      return [id];
    },
  ],
];

/** What stops the start. */
const STARTING: readonly (readonly [title: string, broken: Break])[] = [
  ["publish-post without its right to receive messages", without("publish-post", "sqs:ReceiveMessage")],
  ["prepare-post without its right to delete messages", without("prepare-post", "sqs:DeleteMessage")],
  ["relay-events without its right to read the stream", without("relay-events", "dynamodb:GetRecords")],
  ["relay-events without its right to send dead letters", without("relay-events", "sqs:SendMessage")],
  [
    "a role of a polled function that Lambda may not take",
    (patient) => {
      const [role, { Properties }] = patient.roleOf("accept-drop");
      const [statement] = statementsIn(Properties, "AssumeRolePolicyDocument");
      if (statement) statement.Principal = { Service: "ec2.amazonaws.com" };
      return [role, "sts:AssumeRole", "lambda.amazonaws.com"];
    },
  ],
  [
    "a handler whose file is not in the bundle",
    (patient) => {
      const [id, { Properties }] = patient.lambda("sweep-tasks");
      Properties["Handler"] = "main.handler";
      return [id, "main.mjs"];
    },
  ],
  [
    "code that is not among the assets",
    (patient) => {
      const [id, { Properties }] = patient.lambda("serve-api");
      (Properties["Code"] as Record<string, unknown>)["S3Key"] = `${"0".repeat(64)}.zip`;
      return [id, "0".repeat(64)];
    },
  ],
  [
    "a resource type that is not known",
    (patient) => {
      patient.service.Resources["Planted"] = { Type: "AWS::SES::EmailIdentity", Properties: {} };
      return ["Planted", "AWS::SES::EmailIdentity"];
    },
  ],
  [
    "an intrinsic that is not known",
    (patient) => {
      const [id, { Properties }] = patient.lambda("accept-drop");
      Properties["Description"] = { "Fn::Cidr": ["10.0.0.0/16", 1] };
      return [id, "Fn::Cidr"];
    },
  ],
  [
    "an attribute that is not known",
    (patient) => {
      const [queue] = patient.find("AWS::SQS::QueuePolicy", /"EventsOfOneRule"/);
      patient.variables("publish-post")["X_ENDPOINT"] = { "Fn::GetAtt": [queue, "Colour"] };
      return [patient.lambda("publish-post")[0], "Colour"];
    },
  ],
  [
    "a reference to nothing",
    (patient) => {
      patient.variables("publish-post")["X_ENDPOINT"] = { Ref: "Nothing" };
      return [patient.lambda("publish-post")[0], "Nothing"];
    },
  ],
  [
    "a parameter of a type that is not known",
    (patient) => {
      patient.service.Parameters = { ...patient.service.Parameters, Planted: { Type: "AWS::EC2::VPC::Id" } };
      return ["Planted", "AWS::EC2::VPC::Id"];
    },
  ],
  [
    "a parameter that has no value",
    (patient) => {
      patient.service.Parameters = { ...patient.service.Parameters, Planted: { Type: "String" } };
      return ["Planted", "no default"];
    },
  ],
  [
    "a setting of a function that is not known",
    (patient) => {
      const [id, { Properties }] = patient.lambda("accept-drop");
      Properties["SnapStart"] = { ApplyOn: "PublishedVersions" };
      return [id, "SnapStart"];
    },
  ],
  [
    "a condition on a key that nothing supplies",
    (patient) => {
      const [role] = patient.roleOf("accept-drop");
      const [statement] = patient.statementsOf(role);
      if (statement)
        statement.Condition = { StringEqualsIfExists: { "aws:RequestedRegion": "eu-central-1" } };
      return ["aws:RequestedRegion"];
    },
  ],
];

const namesAll = (text: string, words: readonly string[]): boolean =>
  words.every((word) => text.includes(word));

interface Broken {
  readonly punctual: TestPunctual;
  /** What has to be named. */
  readonly words: readonly string[];
  close(): Promise<void>;
}

/** Starts on a copy of the template that was operated on; its code is loaded until it is closed. */
async function startBroken(operation: Break): Promise<Broken> {
  let words: readonly string[] = [];
  const copy = await operate((patient) => {
    words = operation(patient);
  });
  try {
    const punctual = await startPunctual({ assembly: copy.directory });
    const close = () => punctual.close().finally(() => copy.discard());
    return { punctual, words, close };
  } catch (error) {
    copy.discard();
    throw new StartStopped(words, error as Error);
  }
}

class StartStopped extends Error {
  override readonly name = "StartStopped";
  readonly words: readonly string[];
  readonly fault: Error;

  constructor(words: readonly string[], fault: Error) {
    super(fault.message, { cause: fault });
    this.words = words;
    this.fault = fault;
  }
}

/** Waits for a report with all these words, and shows the others when there is none. */
async function reportWith(
  punctual: TestPunctual,
  words: readonly string[],
  deadlineMs: number,
): Promise<string> {
  const lines = () => punctual.cloud.reports().map(({ subject, message }) => `${subject} ${message}`);
  return waitFor(
    `a report with ${words.join(", ")}`,
    () => lines().find((line) => namesAll(line, words)),
    deadlineMs,
  ).catch((cause: unknown) => {
    throw new Error(`the reports are: ${lines().join("\n") || "none"}`, { cause });
  });
}

describe("the template as it is", () => {
  let whole: Broken;
  beforeAll(async () => {
    whole = await startBroken(() => []);
  });
  afterAll(() => whole?.close());

  it.each(Object.keys(FLOWS) as (keyof typeof FLOWS)[])("lets the flow %s come to its end", async (name) => {
    const { punctual } = whole;
    await FLOWS[name].begin(punctual);
    await waitFor(`the end of ${name}`, async () =>
      (await FLOWS[name].isDone(punctual)) ? true : undefined,
    );
    expect(punctual.cloud.reports()).toEqual([]);
  });
});

describe("the run names", () => {
  // The rule ticks once a minute: it runs beside the others, and is looked at last.
  const sweepless = Promise.withResolvers<Broken>();
  sweepless.promise.catch(() => {});
  beforeAll(() => {
    startBroken(withoutPermission("sweep-tasks", "events.amazonaws.com")).then(
      sweepless.resolve,
      sweepless.reject,
    );
  });
  afterAll(async () => (await sweepless.promise).close());

  it.each(RUNNING)("%s", async (_, name, operation) => {
    const { punctual, words, close } = await startBroken(operation);
    try {
      await FLOWS[name].begin(punctual);
      await reportWith(punctual, words, 30_000);
      expect(await FLOWS[name].isDone(punctual)).toBe(false);
    } finally {
      await close();
    }
  });

  it("a rule that may not call the sweeper", async () => {
    const { punctual, words } = await sweepless.promise;
    const [rule = ""] = punctual.cloud.assembly
      .ofType("AWS::Events::Rule")
      .flatMap(({ logicalId, properties }) =>
        properties["ScheduleExpression"] === "rate(1 minute)" ? logicalId : [],
      );
    await reportWith(punctual, [rule, ...words], 90_000);
  });
});

describe("the start stops at", () => {
  it.each(STARTING)("%s", async (_, operation) => {
    const stopped = await startBroken(operation).then(
      async ({ close }) => {
        await close();
        throw new Error("it started");
      },
      (error: unknown) => error,
    );
    if (!(stopped instanceof StartStopped)) throw stopped;
    const { fault, words } = stopped;
    expect(fault.name).toMatch(/^(Template|Wiring)Fault$/);
    expect(namesAll(fault.message, words), `${fault.message}\nshould name ${words.join(", ")}`).toBe(true);
  });

  it("a value for a parameter that no stack declares", async () => {
    await expect(startPunctual({ parameters: { ...FAST, Planted: "1" } })).rejects.toMatchObject({
      name: "TemplateFault",
      message: expect.stringContaining("Planted"),
    });
  });
});
