import { describe, expect, it } from "vitest";
import { ofType, propertiesOf, synthesize } from "./synthesis.ts";

const synthesis = synthesize();

/** CloudFormation replaces whatever changes its logical id, and an empty table is not the table. */
const STATEFUL = {
  TaskTable: "AWS::DynamoDB::Table",
  DropBucket: "AWS::S3::Bucket",
  CredentialsKey: "AWS::KMS::Key",
  TaskScheduleGroup: "AWS::Scheduler::ScheduleGroup",
};

/** Types that hold something which a deploy cannot bring back. */
const STATEFUL_TYPES = new Set([
  ...Object.values(STATEFUL),
  "AWS::SecretsManager::Secret",
  "AWS::SSM::Parameter",
]);

describe("what must outlive every deploy", () => {
  it("keeps its logical ids", () => {
    const stateful = Object.entries(synthesis.resources)
      .filter(([, { Type }]) => STATEFUL_TYPES.has(Type))
      .map(([logicalId, { Type }]) => [logicalId, Type]);
    expect(Object.fromEntries(stateful)).toEqual(STATEFUL);
  });

  it.each(["TaskTable", "DropBucket", "CredentialsKey"])(
    "stays when its stack goes or replaces it: %s",
    (id) => {
      expect(synthesis.data.Resources[id]).toMatchObject({
        DeletionPolicy: "Retain",
        UpdateReplacePolicy: "Retain",
      });
    },
  );

  it("stands in a stack that cannot be deleted by mistake, apart from all that works on it", () => {
    expect(synthesis.app.data.terminationProtection).toBe(true);
    expect(
      Object.values(synthesis.data.Resources)
        .map(({ Type }) => Type)
        .sort(),
    ).toEqual(["AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::S3::Bucket", "AWS::S3::BucketPolicy"]);
  });

  it("has no physical name, so that a second deployment fits beside the first", () => {
    /** API Gateway wants a name to show, and does not ask for it to be unique; a policy's is within its role. */
    const shown = new Set(["AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Authorizer", "AWS::IAM::Policy"]);
    const named = Object.entries(synthesis.resources).filter(
      ([, { Type, Properties = {} }]) =>
        !shown.has(Type) &&
        Object.keys(Properties).some((property) =>
          /^(Name|(Table|Bucket|Queue|Role|Rule|Alarm|LogGroup|Group|Topic|Alias)Name)$/.test(property),
        ),
    );
    expect(named.map(([logicalId]) => logicalId)).toEqual([]);
    for (const [, properties] of ofType(synthesis, "AWS::Lambda::Function")) {
      expect(properties).not.toHaveProperty("FunctionName");
    }
  });
});

describe("the table", () => {
  const table = propertiesOf(synthesis, "TaskTable");

  it("is paid by request, restorable to the second, and refuses to be deleted", () => {
    expect(table).toMatchObject({
      BillingMode: "PAY_PER_REQUEST",
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      DeletionProtectionEnabled: true,
    });
  });

  it("forgets by expiresAt and streams old and new images", () => {
    expect(table).toMatchObject({
      TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
      StreamSpecification: { StreamViewType: "NEW_AND_OLD_IMAGES" },
    });
  });

  it("has five sparse indexes with string keys, and the sweeper's holds keys only", () => {
    const keys = (prefix: string) => [
      { AttributeName: `${prefix}Pk`, KeyType: "HASH" },
      { AttributeName: `${prefix}Sk`, KeyType: "RANGE" },
    ];
    const all = { ProjectionType: "ALL" };
    expect(table["KeySchema"]).toEqual([
      { AttributeName: "pk", KeyType: "HASH" },
      { AttributeName: "sk", KeyType: "RANGE" },
    ]);
    expect(table["GlobalSecondaryIndexes"]).toEqual([
      { IndexName: "byStatus", KeySchema: keys("status"), Projection: all },
      { IndexName: "byProject", KeySchema: keys("project"), Projection: all },
      { IndexName: "byAccount", KeySchema: keys("account"), Projection: all },
      { IndexName: "byOwner", KeySchema: keys("owner"), Projection: all },
      { IndexName: "wake", KeySchema: keys("wake"), Projection: { ProjectionType: "KEYS_ONLY" } },
    ]);
    for (const { AttributeType } of table["AttributeDefinitions"] as { AttributeType: string }[]) {
      expect(AttributeType).toBe("S");
    }
  });
});

describe("the bucket", () => {
  const bucket = propertiesOf(synthesis, "DropBucket");

  it("is closed to the public, owned by its account, and encrypted", () => {
    expect(bucket).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
      },
    });
  });

  it("tells EventBridge of every object, without a custom resource", () => {
    expect(bucket["NotificationConfiguration"]).toEqual({
      EventBridgeConfiguration: { EventBridgeEnabled: true },
    });
  });

  it("drops abandoned uploads after a day, and never a file unless the stage says so", () => {
    const rules = (context: Record<string, unknown>) => {
      const bucket = propertiesOf(synthesize({ context }), "DropBucket");
      return (bucket["LifecycleConfiguration"] as { Rules: unknown }).Rules;
    };
    const abandoned = expect.objectContaining({
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
      Status: "Enabled",
    });
    expect(rules({})).toEqual([abandoned]);
    expect(rules({ dropRetentionDays: "90" })).toEqual([
      abandoned,
      expect.objectContaining({ ExpirationInDays: 90, Prefix: "drop/" }),
    ]);
  });
});

describe("the key of the credentials", () => {
  const key = propertiesOf(synthesis, "CredentialsKey");
  const { Statement: statements } = key["KeyPolicy"] as {
    Statement: { Action: string[]; Condition?: unknown }[];
  };

  it("is the only one, and rotates", () => {
    expect(ofType(synthesis, "AWS::KMS::Key")).toHaveLength(1);
    expect(key).toMatchObject({ EnableKeyRotation: true, PendingWindowInDays: 30 });
  });

  it("opens nothing unless the account that the credentials belong to is named", () => {
    const uses = statements.filter(({ Action }) => Action.some((action) => /crypt|DataKey/.test(action)));
    expect(uses).toEqual([
      expect.objectContaining({
        Action: ["kms:Decrypt", "kms:GenerateDataKey"],
        Condition: { Null: { "kms:EncryptionContext:accountId": "false" } },
      }),
    ]);
  });

  it("can still be looked after by the AWS account, which a deploy and its undoing need", () => {
    const actions = statements.flatMap(({ Action }) => Action);
    expect(actions).toEqual(
      expect.arrayContaining(["kms:PutKeyPolicy", "kms:DescribeKey", "kms:ScheduleKeyDeletion"]),
    );
    expect(actions).not.toContain("kms:CreateGrant");
  });
});
