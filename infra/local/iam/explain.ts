import { getDenialReasons, type RunSimulationResults } from "@cloud-copilot/iam-simulate";
import type { Assembly, Resource } from "../template/assembly.ts";
import type { Policy } from "./policies.ts";
import type { AccessRequest } from "./request.ts";

interface Refusal {
  readonly assembly: Assembly;
  readonly request: AccessRequest;
  readonly role: Resource | undefined;
  readonly result: RunSimulationResults;
  readonly identityPolicies: readonly Policy[];
  readonly resourcePolicy: Policy | undefined;
}

/** AWS's own sentence first, since code and people search for it; then what in the template would allow the request. */
export function explainRefusal(refusal: Refusal): string {
  const { request, result } = refusal;
  const sentence = `User: ${callerArn(refusal)} is not authorized to perform: ${request.action} on resource: ${request.resource}`;
  if (result.resultType === "error") {
    return `${sentence}. ${policyProblem(refusal)}`;
  }
  const denials = result.resultType === "single" ? getDenialReasons(result.result.analysis) : [];
  const explicit = denials.find((denial) => denial.denialType === "Explicit");
  if (explicit !== undefined) {
    const holder =
      explicit.policyType === "resource"
        ? refusal.resourcePolicy
        : refusal.identityPolicies.find((policy) => policy.name === explicit.policyIdentifier);
    const statement = explicit.statementId ?? `number ${explicit.statementIndex}`;
    const kind = explicit.policyType === "resource" ? "a resource-based policy" : "an identity-based policy";
    return `${sentence} with an explicit deny in ${kind}. ${callerName(refusal)}: remove or narrow the statement ${statement} of ${placeOf(holder)}.`;
  }
  return `${sentence} because no policy allows the ${request.action} action. ${remedy(refusal)}`;
}

function callerArn({ assembly, request, role }: Refusal): string {
  const { principal } = request;
  if (principal !== "operator" && "service" in principal) {
    return principal.service;
  }
  const session = principal !== "operator" && "function" in principal ? principal.function : "local";
  return `arn:aws:sts::${assembly.accountId}:assumed-role/${role?.physicalId ?? "none"}/${session}`;
}

function callerName({ request, role }: Refusal): string {
  const { principal } = request;
  if (principal === "operator") {
    return "The operator";
  }
  if ("service" in principal) {
    return `The service ${principal.service}${principal.sourceArn === undefined ? "" : ` (for ${principal.sourceArn})`}`;
  }
  return "function" in principal
    ? `Function ${principal.function}`
    : `Role ${role?.logicalId ?? principal.role}`;
}

function remedy(refusal: Refusal): string {
  const { request, role } = refusal;
  const { principal, action, resource } = request;
  if (principal !== "operator" && "service" in principal) {
    return `${callerName(refusal)} needs ${serviceRemedy(refusal, principal)}.`;
  }
  const conditions = Object.entries(request.context ?? {}).map(
    ([key, value]) => `${key}=${[value].flat().join(",")}`,
  );
  const under = conditions.length === 0 ? "" : `, valid for ${conditions.join(" and ")}`;
  const keyNote =
    resource.startsWith("arn:aws:kms:") && refusal.resourcePolicy !== undefined
      ? `; the key's own policy (${placeOf(refusal.resourcePolicy)}) must allow it too`
      : "";
  const statement = JSON.stringify({ Effect: "Allow", Action: action, Resource: resource });
  return `${callerName(refusal)}: add ${statement}${under} to a policy of the role ${role === undefined ? "?" : `${role.stack}/${role.logicalId}`}${keyNote}.`;
}

function serviceRemedy({ assembly, request }: Refusal, principal: { service: string }): string {
  const { action, resource } = request;
  const target = assembly.byArn(
    resource.startsWith("arn:aws:s3:::") ? (resource.split("/")[0] ?? "") : resource,
  );
  const name = target === undefined ? resource : `${target.stack}/${target.logicalId}`;
  switch (target?.type) {
    case "AWS::IAM::Role":
      return `a statement for the principal ${principal.service} in the trust policy (AssumeRolePolicyDocument) of the role ${name}`;
    case "AWS::Lambda::Function":
      return `an AWS::Lambda::Permission on the function ${name} for the principal ${principal.service}`;
    case "AWS::SQS::Queue":
      return `a statement that allows ${action} in an AWS::SQS::QueuePolicy of the queue ${name}`;
    default:
      return `a statement that allows ${action} in the policy of ${name}`;
  }
}

function policyProblem({ result, identityPolicies, resourcePolicy, request }: Refusal): string {
  const errors = result.resultType === "error" ? result.errors : undefined;
  const broken = [
    ...Object.entries(errors?.identityPolicyErrors ?? {}).map(([name, found]) => ({
      holder: identityPolicies.find((policy) => policy.name === name),
      found,
    })),
    ...(errors?.resourcePolicyErrors === undefined
      ? []
      : [{ holder: resourcePolicy, found: errors.resourcePolicyErrors }]),
  ];
  if (broken.length === 0) {
    return `IAM cannot judge ${request.action} on ${request.resource}: ${errors?.message ?? "unknown"}.`;
  }
  return broken
    .map(({ holder, found }) => {
      const problems = found.map((problem) => `${problem.message} at ${problem.path}`).join("; ");
      return `The policy in ${placeOf(holder)} is not valid: ${problems}.`;
    })
    .join(" ");
}

function placeOf(policy: Policy | undefined): string {
  return policy === undefined ? "the template" : `${policy.stack}/${policy.logicalId}`;
}
