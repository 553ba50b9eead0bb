import type { Assembly, Resource } from "../template/assembly.ts";
import { type Policy, statementsOf, toPolicy } from "./policies.ts";

export interface ResourcePolicies {
  readonly all: readonly Policy[];
  /** The policy that guards this ARN for this action; a role's trust counts for `sts:AssumeRole` alone. */
  of(arn: string, action: string): Policy | undefined;
}

/** Policies that hang on the resource itself: queues, buckets, keys, functions (`Lambda::Permission`) and roles' trust. */
export function createResourcePolicies(assembly: Assembly): ResourcePolicies {
  const policies = new Map<string, Policy>();
  const add = (arn: string, policy: Policy): void => {
    const earlier = policies.get(arn);
    const statements = [
      ...(earlier === undefined ? [] : statementsOf(earlier.document)),
      ...statementsOf(policy.document),
    ];
    policies.set(arn, { ...policy, document: { Version: "2012-10-17", Statement: statements } });
  };
  const byPhysicalId = (type: string, physicalId: unknown): Resource | undefined =>
    assembly.ofType(type).find((resource) => resource.physicalId === physicalId);

  for (const policy of assembly.ofType("AWS::SQS::QueuePolicy")) {
    for (const url of [policy.properties["Queues"]].flat()) {
      const queue = byPhysicalId("AWS::SQS::Queue", url);
      if (queue !== undefined) {
        add(queue.arn, toPolicy(policy, policy.logicalId, policy.properties["PolicyDocument"]));
      }
    }
  }
  for (const policy of assembly.ofType("AWS::S3::BucketPolicy")) {
    const bucket = byPhysicalId("AWS::S3::Bucket", policy.properties["Bucket"]);
    if (bucket !== undefined) {
      add(bucket.arn, toPolicy(policy, policy.logicalId, policy.properties["PolicyDocument"]));
    }
  }
  for (const key of assembly.ofType("AWS::KMS::Key")) {
    add(key.arn, toPolicy(key, "KeyPolicy", key.properties["KeyPolicy"]));
  }
  for (const permission of assembly.ofType("AWS::Lambda::Permission")) {
    const named = String(permission.properties["FunctionName"]);
    const lambda = assembly.byArn(named) ?? byPhysicalId("AWS::Lambda::Function", named);
    if (lambda !== undefined) {
      add(lambda.arn, toPolicy(permission, permission.logicalId, permissionDocument(permission, lambda)));
    }
  }
  for (const role of assembly.ofType("AWS::IAM::Role")) {
    add(role.arn, toPolicy(role, "AssumeRolePolicyDocument", role.properties["AssumeRolePolicyDocument"]));
  }

  return {
    all: [...policies.values()],
    of: (arn, action) => {
      if (arn.startsWith("arn:aws:iam:") && action !== "sts:AssumeRole") {
        return undefined;
      }
      return policies.get(arn.startsWith("arn:aws:s3:::") ? (arn.split("/")[0] ?? arn) : arn);
    },
  };
}

/** The statement that Lambda itself makes of an `AWS::Lambda::Permission`. */
function permissionDocument(permission: Resource, lambda: Resource): Record<string, unknown> {
  const { Action, Principal, SourceArn, SourceAccount } = permission.properties as Record<
    string,
    string | undefined
  >;
  const condition: Record<string, Record<string, string>> = {};
  if (SourceArn !== undefined) {
    condition["ArnLike"] = { "aws:SourceArn": SourceArn };
  }
  if (SourceAccount !== undefined) {
    condition["StringEquals"] = { "aws:SourceAccount": SourceAccount };
  }
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal:
          Principal?.endsWith(".amazonaws.com") === true ? { Service: Principal } : { AWS: Principal ?? "" },
        Action: Action ?? "",
        Resource: lambda.arn,
        ...(Object.keys(condition).length > 0 && { Condition: condition }),
      },
    ],
  };
}
