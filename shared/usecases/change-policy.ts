import type { Project } from "#shared/domain/account.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import { checkPolicy, type PolicyFinding, refusalsIn } from "#shared/domain/planning/check-policy.ts";
import { applyPreset, type PresetName } from "#shared/domain/planning/presets.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { findProject, type UnknownProject } from "./find-project.ts";

/** Everything that people set of a project, in one. */
type Wish = Policy & Pick<Project, "weight" | "timeZone">;

export interface PolicyChange {
  /** What it starts from. Zone and weight stay as they are; see `applyPreset` for what else a preset leaves alone. */
  readonly from: "current" | "nothing" | { readonly preset: PresetName };
  /** `undefined` takes a rule away; what is left out stays as it is. */
  readonly set: { readonly [Key in keyof Wish]?: Wish[Key] | undefined };
  /** The version that the change was decided on. Absent: whichever is in force. */
  readonly version?: number;
  /** Who changes it. */
  readonly by: string;
}

export interface ChangedPolicy {
  readonly before: Project;
  readonly after: Project;
  /** What works, but not as far as it says. */
  readonly warnings: readonly PolicyFinding[];
}

export type ChangePolicyRefusal =
  | UnknownProject
  /** Somebody changed it since. @see version - the one in force */
  | { readonly reason: "stale"; readonly version: number }
  /** It cannot be kept. */
  | { readonly reason: "refused"; readonly findings: readonly PolicyFinding[] };

export type ChangePolicy = (
  ownerId: OwnerId,
  project: string,
  change: PolicyChange,
) => Promise<Result<ChangedPolicy, ChangePolicyRefusal>>;

export interface ChangePolicyDeps {
  readonly accounts: Pick<AccountStore, "getProjectByFolder" | "listProjects" | "getProject" | "savePolicy">;
  readonly clock: Pick<Clock, "now">;
}

const versionOfPolicy = ({ policyVersion = 0 }: Pick<Project, "policyVersion">): number => policyVersion;

/**
 * Changes what a project allows itself, from the next post on. What cannot be kept is refused, but a freeze never is.
 * Saving what is in force already changes nothing, so it is safe to repeat.
 */
export function createChangePolicy({ accounts, clock }: ChangePolicyDeps): ChangePolicy {
  async function changeOnce(
    before: Project,
    { from, set, version, by }: PolicyChange,
  ): Promise<Result<ChangedPolicy, ChangePolicyRefusal>> {
    const after = apply(before, baseOf(before.policy ?? {}, from), set);
    const findings = checkPolicy({ ...after, policy: after.policy ?? {} });
    const warnings = findings.filter(({ severity }) => severity === "warns");
    if (isSame(before, after)) return ok({ before, after: before, warnings });
    const seen = versionOfPolicy(before);
    if (version !== undefined && version !== seen) return err({ reason: "stale", version: seen });
    const refusals = isOnlyFreeze(from, set) ? [] : refusalsIn(findings);
    if (refusals.length > 0) return err({ reason: "refused", findings: refusals });

    const { timeZone, weight, policy = {} } = after;
    const next = { version: seen + 1, policy, timeZone, ...(weight !== undefined && { weight }) };
    const saved = await accounts.savePolicy(before.id, { ...next, savedAt: clock.now(), savedBy: by });
    if (!saved.ok) return err({ reason: "stale", version: seen + 1 });
    return ok({ before, after: { ...after, policyVersion: next.version }, warnings });
  }

  return async (ownerId, name, change) => {
    const found = await findProject(accounts, ownerId, name);
    if (!found.ok) return found;
    for (let project = found.value; ; ) {
      const changed = await changeOnce(project, change);
      if (changed.ok || changed.error.reason !== "stale" || change.version !== undefined) return changed;
      // Somebody else was faster: their change stays, and ours goes on top.
      project = (await accounts.getProject(project.id)) ?? project;
    }
  };
}

function baseOf(current: Policy, from: PolicyChange["from"]): Policy {
  if (from === "current") return current;
  return from === "nothing" ? {} : applyPreset(current, from.preset);
}

function apply(project: Project, base: Policy, set: PolicyChange["set"]): Project {
  const { policy: _policy, timeZone: oldZone, weight: oldWeight, ...kept } = project;
  const wished = { ...(oldWeight !== undefined && { weight: oldWeight }), ...base, ...set };
  const {
    timeZone = oldZone,
    weight,
    ...policy
  } = Object.fromEntries(
    Object.entries(wished).filter(([, value]) => value !== undefined),
  ) as unknown as Partial<Wish>;
  return {
    ...kept,
    timeZone,
    ...(Object.keys(policy).length > 0 && { policy }),
    ...(weight !== undefined && { weight }),
  };
}

/** Whoever has to stop everything has no time for arithmetic. */
const isOnlyFreeze = (from: PolicyChange["from"], set: PolicyChange["set"]): boolean =>
  from === "current" && Object.keys(set).every((name) => name === "frozen");

const isSame = (before: Project, after: Project): boolean => canonical(before) === canonical(after);

/** Equal for equal values, whatever the order of their fields. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
