import * as z from "zod";
import { type Project, projectVersionOf } from "#shared/domain/account.ts";
import { DEFAULT_PROJECT_WEIGHT } from "#shared/domain/fairness.ts";
import { NAME_PATTERN } from "#shared/domain/names.ts";
import { DEFAULT_PRESET, PRESET_NAMES } from "#shared/domain/planning/presets.ts";
import { nameField } from "#shared/domain/post-fields.ts";
import type { Reason } from "#shared/domain/reason.ts";

export const projectPath = z.strictObject({ name: nameField });

/** Of what is made: it goes into keys, folders and addresses. */
export const newNameField = z
  .string()
  .regex(NAME_PATTERN, "1 to 63 lower-case letters, digits and hyphens, no hyphen at an end");

const MAX_ACCOUNTS = 100;
const accountNames = z
  .array(nameField)
  .min(1)
  .max(MAX_ACCOUNTS)
  .refine((names) => new Set(names).size === names.length, "name each account once");

/** Body of a new project. */
export const createProjectBody = z.strictObject({
  name: newNameField.meta({
    description: "Unique for the owner. The folder drop/<name>/ is its first source.",
  }),
  timeZone: z
    .string()
    .min(1)
    .max(100)
    .meta({ description: "IANA name: times without a zone are read in it." }),
  accounts: accountNames.meta({ description: "Names of the accounts that it posts with." }),
  defaultAccount: nameField.optional().meta({ description: "Absent: the first of the accounts." }),
  preset: z
    .enum(PRESET_NAMES)
    .default(DEFAULT_PRESET)
    .meta({ description: "The policy that it starts with. `open` has no rules." }),
});

/** Body of a change. Zone, weight and rules belong to its policy. */
export const updateProjectBody = z
  .strictObject({
    accounts: accountNames.optional().meta({ description: "All of them." }),
    defaultAccount: nameField.optional(),
  })
  .refine((body) => Object.keys(body).length > 0, "name what is to change");

export const projectView = z.strictObject({
  name: z.string(),
  timeZone: z.string(),
  accounts: z.array(z.string()),
  defaultAccount: z.string(),
  sources: z.array(z.string()).meta({ description: "Folders under drop/; see /api/v1/sources." }),
  weight: z.int().positive().meta({ description: "Share of the capacity when it is short, 1 to 10." }),
  policyVersion: z.int().nonnegative().meta({ description: "0: nobody has saved a policy." }),
  version: z.int().positive(),
});
export type ProjectView = z.output<typeof projectView>;

export const projectList = z.strictObject({ items: z.array(projectView) });

export const projectCreated = projectView.extend({
  job: z.string().optional().meta({ description: "Name of the job that keeps its daily minimum." }),
  /** What works less than it could, and what to do about it. */
  warnings: z.array(z.strictObject({ code: z.string(), message: z.string(), remedy: z.string() })),
});

interface ShownProject {
  readonly project: Project;
  readonly accounts: readonly string[];
  readonly defaultAccount: string;
  readonly sources: readonly string[];
}

export const toProjectView = ({ project, accounts, defaultAccount, sources }: ShownProject): ProjectView => ({
  name: project.name,
  timeZone: project.timeZone,
  accounts: [...accounts],
  defaultAccount,
  sources: [...sources],
  weight: project.weight ?? DEFAULT_PROJECT_WEIGHT,
  policyVersion: project.policyVersion ?? 0,
  version: projectVersionOf(project),
});

export const toProjectCreated = ({
  job,
  warnings,
  ...shown
}: ShownProject & { readonly job?: string; readonly warnings: readonly Reason[] }): z.output<
  typeof projectCreated
> => ({
  ...toProjectView(shown),
  ...(job !== undefined && { job }),
  warnings: warnings.map(({ code, message, remedy }) => ({ code, message, remedy })),
});
