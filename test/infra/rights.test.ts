import { describe, expect, it } from "vitest";
import {
  asList,
  everyStatement,
  FUNCTION_NAMES,
  functionNamed,
  functionsOf,
  ofType,
  propertiesOf,
  referent,
  statementsOfRole,
  synthesize,
} from "./synthesis.ts";

const synthesis = synthesize();
const functions = functionsOf(synthesis);
const allowed = everyStatement(synthesis).filter(({ statement }) => statement.Effect === "Allow");

/** Functions whose role allows the action. */
const mayDo = (action: string): readonly string[] =>
  [...functions.values()].filter(({ actions }) => actions.includes(action)).map(({ name }) => name);

/** Why a statement may name no resource: `<holder's logical id without its hash>: <action>`. */
const WITHOUT_RESOURCE = {
  "CredentialsKey: a key policy is about its own key": (holder: string) => holder === "CredentialsKey",
  "dynamodb:ListStreams: IAM knows no resource for it": (_: string, actions: readonly string[]) =>
    actions.length === 1 && actions[0] === "dynamodb:ListStreams",
};

describe("rights", () => {
  it("gives nobody a wildcard action", () => {
    expect(allowed.length).toBeGreaterThan(0);
    const wild = allowed.filter(({ statement }) =>
      asList(statement.Action).some((action) => action.includes("*")),
    );
    expect(wild).toEqual([]);
  });

  it("names the resource of every right, except where there is none to name", () => {
    const unnamed = allowed.filter(
      ({ holder, statement }) =>
        asList(statement.Resource).includes("*") &&
        !Object.values(WITHOUT_RESOURCE).some((accepts) => accepts(holder, asList(statement.Action))),
    );
    expect(unnamed).toEqual([]);
  });

  it("has no exception that nothing needs", () => {
    for (const accepts of Object.values(WITHOUT_RESOURCE)) {
      expect(
        allowed.some(
          ({ holder, statement }) =>
            asList(statement.Resource).includes("*") && accepts(holder, asList(statement.Action)),
        ),
      ).toBe(true);
    }
  });

  it("has a role of its own for every function, and no rights that hang on roles in other ways", () => {
    const roles = [...functions.values()].map(({ roleId }) => roleId);
    expect([...functions.keys()].sort()).toEqual([...FUNCTION_NAMES].sort());
    expect(new Set(roles).size).toBe(functions.size);
    for (const [, properties] of ofType(synthesis, "AWS::IAM::Role")) {
      expect(properties).not.toHaveProperty("ManagedPolicyArns");
      expect(properties).not.toHaveProperty("Policies");
    }
    for (const [, { Roles }] of ofType(synthesis, "AWS::IAM::Policy")) expect(asList(Roles)).toHaveLength(1);
    expect(ofType(synthesis, "AWS::IAM::ManagedPolicy")).toEqual([]);
  });

  it.each(FUNCTION_NAMES)("lets only Lambda take the role of %s", (name) => {
    const { roleId } = functionNamed(synthesis, name);
    expect(propertiesOf(synthesis, roleId)["AssumeRolePolicyDocument"]).toMatchObject({
      Statement: [{ Action: "sts:AssumeRole", Principal: { Service: "lambda.amazonaws.com" } }],
    });
  });

  it.each(FUNCTION_NAMES)("lets %s write its own log and no other", (name) => {
    const { statements, logicalId } = functionNamed(synthesis, name);
    const { LogGroup } = propertiesOf(synthesis, logicalId)["LoggingConfig"] as { LogGroup: unknown };
    const logs = statements.filter(({ Action }) =>
      asList(Action).some((action) => action.startsWith("logs:")),
    );
    expect(logs.map(({ Resource }) => referent(Resource))).toEqual([referent(LogGroup)]);
  });
});

describe("rights on the table", () => {
  it("lets no function scan it", () => {
    expect(JSON.stringify(synthesis.resources)).not.toContain("dynamodb:Scan");
    expect(mayDo("dynamodb:GetItem").toSorted()).toEqual([...FUNCTION_NAMES].sort());
  });

  it("keeps PartiQL, which can scan, to nobody", () => {
    expect(allowed.flatMap(({ statement }) => asList(statement.Action)).join(" ")).not.toMatch(/PartiQL/);
  });

  it("lets only those who look for what is due read the index of it", () => {
    const readers = [...functions.values()].filter(({ statements }) =>
      JSON.stringify(statements).includes("/index/wake"),
    );
    expect(readers.map(({ name }) => name).sort()).toEqual(["expand-recurrences", "sweep-tasks"]);
  });

  it("lets no function change the table itself", () => {
    const actions = allowed
      .flatMap(({ statement }) => asList(statement.Action))
      .filter((action) => action.startsWith("dynamodb:"));
    expect(actions.filter((action) => /Table|Backup|TimeToLive|Tag/.test(action))).toEqual([]);
  });
});

describe("rights on files", () => {
  it("lets nobody delete or overwrite what was dropped", () => {
    const changes = allowed.filter(({ statement }) =>
      asList(statement.Action).some((action) => /^s3:(Put|Delete)/.test(action)),
    );
    expect(changes.length).toBeGreaterThan(0);
    for (const { statement } of changes)
      expect(JSON.stringify(statement.Resource)).toMatch(/"\/(outcome|media)\/\*"/);
  });

  it("lets only the relay write outcomes, and it cannot read drops", () => {
    const writers = [...functions.values()].filter(({ statements }) =>
      JSON.stringify(statements).includes("outcome/*"),
    );
    expect(writers.map(({ name }) => name)).toEqual(["relay-events"]);
    expect(JSON.stringify(functionNamed(synthesis, "relay-events").statements)).not.toContain("drop/");
  });

  it("lets only those who read media read drops", () => {
    const readers = [...functions.values()].filter(({ statements }) =>
      JSON.stringify(statements).includes("drop/*"),
    );
    expect(readers.map(({ name }) => name).sort()).toEqual(["accept-drop", "prepare-post"]);
  });

  it("lets the API alone sign uploads, and delete what was uploaded with whoever inspects it", () => {
    const actionsOn = (name: (typeof FUNCTION_NAMES)[number]) =>
      functionNamed(synthesis, name)
        .statements.filter(({ Resource }) => JSON.stringify(Resource).includes('"/media/*"'))
        .flatMap(({ Action }) => asList(Action))
        .toSorted();
    expect(actionsOn("serve-api")).toEqual(["s3:DeleteObject", "s3:PutObject"]);
    expect(actionsOn("accept-drop")).toEqual(["s3:DeleteObject", "s3:GetObject"]);
    expect(actionsOn("prepare-post")).toEqual(["s3:GetObject"]);
    expect(mayDo("s3:PutObject").toSorted()).toEqual(["relay-events", "serve-api"]);
    expect(mayDo("s3:DeleteObject").toSorted()).toEqual(["accept-drop", "serve-api"]);
  });

  it("lists one folder at most, and lets S3 answer 404 rather than 403 for what is not there", () => {
    for (const { statement } of allowed.filter(({ statement: { Action } }) =>
      asList(Action).includes("s3:ListBucket"),
    )) {
      const prefix = statement.Condition?.["StringLikeIfExists"]?.["s3:prefix"];
      expect(["drop/*", "outcome/*", "media/*"]).toContain(prefix);
    }
    expect(mayDo("s3:ListBucket").toSorted()).toEqual(mayDo("s3:GetObject").toSorted());
  });
});

describe("rights on credentials", () => {
  const SECRETS_OF_WEBHOOKS = { StringLike: { "kms:EncryptionContext:accountId": "webhook:*" } };

  it("lets only those who talk to X open them, and whoever calls webhooks their secrets only", () => {
    const talking = ["connect-account", "prepare-post", "publish-post"];
    expect(mayDo("kms:GenerateDataKey").toSorted()).toEqual(talking);
    expect(mayDo("kms:Decrypt").toSorted()).toEqual([...talking, "deliver-webhook"].toSorted());
    const opens = functionNamed(synthesis, "deliver-webhook").statements.filter(({ Action }) =>
      asList(Action).some((action) => action.startsWith("kms:")),
    );
    expect(opens.map(({ Action, Condition }) => [Action, Condition])).toEqual([
      ["kms:Decrypt", SECRETS_OF_WEBHOOKS],
    ]);
    const others = [...functions.values()].flatMap(({ actions }) =>
      actions.filter((each) => /^kms:/.test(each)),
    );
    expect(new Set(others)).toEqual(new Set(["kms:Decrypt", "kms:GenerateDataKey"]));
  });
});

describe("rights on schedules", () => {
  const [scheduleGroup] = ofType(synthesis, "AWS::Scheduler::ScheduleGroup").map(([logicalId]) => logicalId);
  const roles = ofType(synthesis, "AWS::IAM::Role").filter(([, { AssumeRolePolicyDocument }]) =>
    JSON.stringify(AssumeRolePolicyDocument).includes("scheduler.amazonaws.com"),
  );
  const [roleId = "", role = {}] = roles[0] ?? [];

  it("has one role for Scheduler, which starts the two functions of a task and does nothing else", () => {
    expect(roles).toHaveLength(1);
    const statements = statementsOfRole(synthesis, roleId);
    expect(new Set(statements.flatMap(({ Action }) => asList(Action)))).toEqual(
      new Set(["lambda:InvokeFunction"]),
    );
    expect(statements.flatMap(({ Resource }) => asList(Resource).map(referent)).sort()).toEqual(
      [
        functionNamed(synthesis, "prepare-post").logicalId,
        functionNamed(synthesis, "publish-post").logicalId,
      ].sort(),
    );
  });

  it("trusts Scheduler only on behalf of this group in this account", () => {
    expect(role["AssumeRolePolicyDocument"]).toEqual({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: "sts:AssumeRole",
          Principal: { Service: "scheduler.amazonaws.com" },
          Condition: {
            StringEquals: {
              "aws:SourceAccount": { Ref: "AWS::AccountId" },
              "aws:SourceArn": { "Fn::GetAtt": [scheduleGroup, "Arn"] },
            },
          },
        },
      ],
    });
  });

  it("lets functions pass that role to Scheduler alone", () => {
    const passes = allowed.filter(({ statement }) => asList(statement.Action).includes("iam:PassRole"));
    expect(passes.length).toBeGreaterThan(0);
    for (const { statement } of passes) {
      expect(referent(statement.Resource)).toBe(roleId);
      expect(statement.Condition).toEqual({
        StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" },
      });
    }
  });

  it("lets functions touch the schedules of tasks in this group only", () => {
    const schedules = allowed.filter(({ statement }) =>
      asList(statement.Action).some((action) => action.startsWith("scheduler:")),
    );
    expect(schedules.length).toBeGreaterThan(0);
    for (const { statement } of schedules) {
      expect(JSON.stringify(statement.Resource)).toContain(
        `":schedule/",${JSON.stringify({ Ref: scheduleGroup })},"/t-*"`,
      );
    }
  });
});

describe("rights on queues", () => {
  const { statements } = functionNamed(synthesis, "serve-api");
  const queues = ofType(synthesis, "AWS::SQS::Queue");
  const deadLettersOf = (name: string) =>
    queues.find(([logicalId]) => logicalId.startsWith(`${name}DeadLetters`))?.[0];

  it("lets the API take messages away from dead letters that have a queue, and from nowhere else", () => {
    const takes = statements.filter(({ Action }) => asList(Action).includes("sqs:ReceiveMessage"));
    expect(takes.flatMap(({ Resource }) => asList(Resource).map(referent)).toSorted()).toEqual(
      ["Intake", "Prepare", "Publish", "Webhooks"].map(deadLettersOf).toSorted(),
    );
    for (const { Action } of takes)
      expect(asList(Action)).toEqual(["sqs:ReceiveMessage", "sqs:DeleteMessage"]);
  });

  it("lets it count the messages of every queue that it tells of", () => {
    const looks = statements.filter(({ Action }) => asList(Action).includes("sqs:GetQueueAttributes"));
    const seen = looks.flatMap(({ Resource }) => asList(Resource).map(referent));
    for (const name of ["Intake", "Prepare", "Publish", "Webhooks", "Background"])
      expect(seen).toContain(deadLettersOf(name));
    for (const { Action } of looks) expect(asList(Action)).toEqual(["sqs:GetQueueAttributes"]);
  });
});

describe("the authorizer", () => {
  it("looks up keys, sessions and users, notes uses and denials, and can do nothing else", () => {
    const { actions } = functionNamed(synthesis, "authorize-request");
    expect(actions.toSorted()).toEqual([
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:UpdateItem",
      "logs:CreateLogStream",
      "logs:PutLogEvents",
    ]);
  });
});
