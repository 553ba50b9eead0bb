import type { Assembly, Resource } from "../template/assembly.ts";
import { TemplateFault } from "../template/fault.ts";
import { isRecord } from "../template/intrinsics.ts";
import { type Policy, toPolicy } from "./policies.ts";

/** The AWS managed policies that a role may name; any other would have to be guessed. */
const managedByAws: ReadonlyMap<string, Readonly<Record<string, unknown>>> = new Map([
  [
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
          Resource: "*",
        },
      ],
    },
  ],
]);

/** Everything that grants or denies a role something: inline, attached by name, and managed. */
export function rolePolicies(assembly: Assembly, role: Resource): readonly Policy[] {
  if (role.properties["PermissionsBoundary"] !== undefined) {
    throw new TemplateFault(role.stack, role.logicalId, "a permissions boundary is not known here");
  }
  const inline = listOf(role.properties["Policies"])
    .filter(isRecord)
    .map((policy) => toPolicy(role, String(policy["PolicyName"]), policy["PolicyDocument"]));
  const attached = [...assembly.ofType("AWS::IAM::Policy"), ...assembly.ofType("AWS::IAM::ManagedPolicy")]
    .filter((policy) => listOf(policy.properties["Roles"]).includes(role.physicalId))
    .map((policy) => toPolicy(policy, policy.logicalId, policy.properties["PolicyDocument"]));
  const managed = listOf(role.properties["ManagedPolicyArns"])
    .map(String)
    .map((arn) => managedPolicy(assembly, role, arn));
  return [...inline, ...attached, ...managed];
}

function managedPolicy(assembly: Assembly, role: Resource, arn: string): Policy {
  const own = assembly.byArn(arn);
  if (own !== undefined) {
    return toPolicy(own, own.logicalId, own.properties["PolicyDocument"]);
  }
  const document = managedByAws.get(arn);
  if (document === undefined) {
    throw new TemplateFault(role.stack, role.logicalId, `the managed policy ${arn} is not known here`);
  }
  return toPolicy(role, arn, document);
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
