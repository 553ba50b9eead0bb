import { runSimulation } from "@cloud-copilot/iam-simulate";
import type { Assembly, Resource } from "../template/assembly.ts";
import { explainRefusal } from "./explain.ts";
import { forSimulator, refuseUnknownConditions, simulatorKey } from "./policies.ts";
import type { AccessDecision, AccessRequest, Principal } from "./request.ts";
import { createResourcePolicies } from "./resource-policies.ts";
import { rolePolicies } from "./role-policies.ts";

export type { AccessDecision, AccessRequest, Principal } from "./request.ts";

export interface UsedRight {
  /** Logical id of the function or role, or the service's name. */
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
}

/**
 * Decides from the template alone: role policies, and the policy of the resource itself (queue, bucket and key
 * policies, `AWS::Lambda::Permission` for `lambda:InvokeFunction`, a role's trust for `sts:AssumeRole`).
 */
export interface Access {
  check(request: AccessRequest): Promise<AccessDecision>;
  /** Every distinct right that was asked for and allowed, operator excepted. */
  used(): readonly UsedRight[];
}

/** Decisions are kept because one costs about a millisecond; object keys make the number of distinct ones unbounded. */
const keptDecisions = 20_000;

/**
 * @throws TemplateFault on a policy that cannot be judged here: an unknown managed policy, a permissions boundary, or
 * a condition key that no part of the local cloud supplies.
 */
export function createAccess(assembly: Assembly): Access {
  const roles = new Map(assembly.ofType("AWS::IAM::Role").map((role) => [role.arn, role]));
  const identity = new Map([...roles].map(([arn, role]) => [arn, rolePolicies(assembly, role)]));
  const resourcePolicies = createResourcePolicies(assembly);
  refuseUnknownConditions([...identity.values()].flat());
  refuseUnknownConditions(resourcePolicies.all);
  const decisions = new Map<string, Promise<AccessDecision>>();
  const used = new Map<string, UsedRight>();

  const roleOf = (principal: Principal): Resource | undefined => {
    if (principal === "operator" || "service" in principal) {
      return undefined;
    }
    return roles.get("role" in principal ? principal.role : functionRole(assembly, principal.function));
  };

  async function decide(request: AccessRequest): Promise<AccessDecision> {
    const { principal, action, resource } = request;
    const role = roleOf(principal);
    if (principal !== "operator" && !("service" in principal) && role === undefined) {
      const who = "role" in principal ? `role ${principal.role}` : `function ${principal.function}`;
      return { allowed: false, message: `The ${who} has no role in the template, so ${action} is refused.` };
    }
    if (principal !== "operator" && "function" in principal && role !== undefined) {
      const trust = await check({
        principal: { service: "lambda.amazonaws.com" },
        action: "sts:AssumeRole",
        resource: role.arn,
      });
      if (!trust.allowed) {
        return trust;
      }
    }
    const resourcePolicy = resourcePolicies.of(resource, action);
    const identityPolicies = role === undefined ? [] : (identity.get(role.arn) ?? []);
    const result = await runSimulation(
      {
        request: {
          principal: role?.arn ?? serviceOf(principal),
          action,
          resource: { resource, accountId: assembly.accountId },
          contextVariables: contextOf(request, role, assembly),
        },
        identityPolicies: identityPolicies.map(({ name, document }) => ({
          name,
          policy: forSimulator(document),
        })),
        serviceControlPolicies: [],
        resourceControlPolicies: [],
        ...(resourcePolicy !== undefined && { resourcePolicy: forSimulator(resourcePolicy.document) }),
      },
      {},
    );
    if (result.resultType !== "error" && result.overallResult === "Allowed") {
      return { allowed: true };
    }
    return {
      allowed: false,
      message: explainRefusal({ assembly, request, role, result, identityPolicies, resourcePolicy }),
    };
  }

  async function check(request: AccessRequest): Promise<AccessDecision> {
    if (request.principal === "operator") {
      return { allowed: true };
    }
    const question = JSON.stringify([request.principal, request.action, request.resource, request.context]);
    let decision = decisions.get(question);
    if (decision === undefined) {
      if (decisions.size >= keptDecisions) {
        decisions.clear();
      }
      decision = decide(request);
      decisions.set(question, decision);
    }
    const answer = await decision;
    if (answer.allowed) {
      const { action, resource } = request;
      const right = { principal: nameOf(request.principal, roleOf(request.principal)), action, resource };
      used.set(JSON.stringify(right), right);
    }
    return answer;
  }

  return { check, used: () => [...used.values()] };
}

const serviceOf = (principal: Principal): string =>
  principal !== "operator" && "service" in principal ? principal.service : "";

function functionRole(assembly: Assembly, logicalId: string): string {
  const lambda = assembly.byLogicalId(logicalId);
  return lambda?.type === "AWS::Lambda::Function" ? String(lambda.properties["Role"]) : "";
}

function nameOf(principal: Principal, role: Resource | undefined): string {
  if (principal === "operator") {
    return principal;
  }
  if ("service" in principal) {
    return principal.service;
  }
  return "function" in principal ? principal.function : (role?.logicalId ?? principal.role);
}

/** The keys every request carries on AWS. The laptop stands in for TLS: nothing here leaves the machine. */
function contextOf(
  request: AccessRequest,
  role: Resource | undefined,
  assembly: Assembly,
): Record<string, string | string[]> {
  const context: Record<string, string | string[]> = { "aws:SecureTransport": "true" };
  if (request.action.startsWith("s3:")) {
    context["s3:TlsVersion"] = "1.3";
  }
  if (role !== undefined) {
    context["aws:PrincipalArn"] = role.arn;
    context["aws:PrincipalAccount"] = assembly.accountId;
  }
  const { principal } = request;
  if (principal !== "operator" && "service" in principal) {
    context["aws:PrincipalIsAWSService"] = "true";
    context["aws:SourceAccount"] = assembly.accountId;
    if (principal.sourceArn !== undefined) {
      context["aws:SourceArn"] = principal.sourceArn;
    }
  }
  for (const [key, value] of Object.entries(request.context ?? {})) {
    context[simulatorKey(key)] = typeof value === "string" ? value : [...value];
  }
  return context;
}
