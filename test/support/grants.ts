/** What a template grants, in the words in which the local cloud tells what was used. */
import type { LocalCloud } from "#infra/local/cloud.ts";
import type { UsedRight } from "#infra/local/iam/access.ts";
import { statementsOf } from "#infra/local/iam/policies.ts";
import { createResourcePolicies } from "#infra/local/iam/resource-policies.ts";
import { rolePolicies } from "#infra/local/iam/role-policies.ts";

/** One action on one resource, for one function (by its folder), role (by logical id) or service. */
export interface Grant {
  readonly principal: string;
  readonly action: string;
  /** ARN, with `*` and `?` where the policy has them. */
  readonly resource: string;
}

const texts = (value: unknown): string[] =>
  [value].flat().filter((item): item is string => typeof item === "string");

const isAllow = (statement: Readonly<Record<string, unknown>>): boolean => statement["Effect"] === "Allow";

/** Function's logical id → its folder in `functions/`; anything else stays as it is. */
function nameOf(cloud: LocalCloud, principal: string): string {
  return cloud.runtime.find(principal)?.variables["POWERTOOLS_SERVICE_NAME"] ?? principal;
}

/** Everything that the roles of the template may do, and everything that services may do with its resources. */
export function grantsOf(cloud: LocalCloud): readonly Grant[] {
  const { assembly, runtime } = cloud;
  const takers = new Map<string, string>();
  for (const role of assembly.ofType("AWS::IAM::Role")) takers.set(role.arn, role.logicalId);
  for (const { logicalId } of runtime.functions) {
    const role = String(assembly.byLogicalId(logicalId)?.properties["Role"]);
    takers.set(role, nameOf(cloud, logicalId));
  }
  const byRoles = assembly.ofType("AWS::IAM::Role").flatMap((role) =>
    rolePolicies(assembly, role)
      .flatMap(({ document }) => statementsOf(document))
      .filter(isAllow)
      .flatMap((statement) =>
        texts(statement["Action"]).flatMap((action) =>
          texts(statement["Resource"]).map((resource) => ({
            principal: takers.get(role.arn) ?? role.logicalId,
            action,
            resource,
          })),
        ),
      ),
  );
  const policies = createResourcePolicies(assembly);
  const byResources = assembly.resources
    .filter(({ arn }) => arn !== "")
    .flatMap(({ arn, type }) =>
      statementsOf(policies.of(arn, type === "AWS::IAM::Role" ? "sts:AssumeRole" : "")?.document ?? {})
        .filter(isAllow)
        .flatMap((statement) => {
          const { Service } = (statement["Principal"] ?? {}) as { readonly Service?: unknown };
          return texts(Service).flatMap((principal) =>
            texts(statement["Action"]).map((action) => ({ principal, action, resource: arn })),
          );
        }),
    );
  return [...byRoles, ...byResources];
}

/** Does the grant allow what was used? Conditions were judged when it was used. */
export function covers(grant: Grant, used: Grant): boolean {
  const pattern = grant.resource
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return (
    grant.principal === used.principal &&
    grant.action === used.action &&
    new RegExp(`^${pattern}$`, "s").test(used.resource)
  );
}

/** What the cloud saw, with functions by their folder. */
export const usedRights = (cloud: LocalCloud): readonly Grant[] =>
  cloud.used().map((used: UsedRight) => ({ ...used, principal: nameOf(cloud, used.principal) }));
