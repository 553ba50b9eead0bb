import * as z from "zod";
import { STRATEGIES } from "#shared/domain/planning/strategy.ts";
import {
  languageField,
  latePolicyField,
  nameField,
  priorityField,
  reconcileField,
} from "#shared/domain/post-fields.ts";
import type { Source, SourceDefaults } from "#shared/domain/source.ts";
import { instantInWords } from "#shared/domain/words.ts";
import { latePolicyView } from "./policy-view.ts";
import { newNameField } from "./project-view.ts";

export const sourcePath = z.strictObject({ name: nameField });

/** Fields as a file's front matter has them, for files that do not have them. */
const defaultsBody = z.strictObject({
  account: nameField.optional().meta({ description: "An account of the project, or any." }),
  priority: priorityField.optional(),
  language: languageField.optional(),
  latePolicy: latePolicyField.optional(),
  reconcile: reconcileField.optional(),
  strategy: z
    .enum(STRATEGIES)
    .optional()
    .meta({ description: "Only for files that name no time and do not recur." }),
  reuseMedia: z.boolean().optional(),
});

export const createSourceBody = z.strictObject({
  name: newNameField.meta({ description: "The folder drop/<name>/; unique in the deployment." }),
  project: nameField,
  defaults: defaultsBody.default({}),
  enabled: z.boolean().default(true),
});

export const updateSourceBody = z
  .strictObject({
    defaults: defaultsBody.optional().meta({ description: "All of them: what is not named has none." }),
    enabled: z.boolean().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, "name what is to change");

/** A folder under `drop/`, and what its files do not have to say. */
export const sourceView = z.strictObject({
  name: z.string(),
  project: z.string(),
  enabled: z.boolean().meta({ description: "false: files that are dropped wait until it is on again." }),
  defaults: z.strictObject({
    account: z.string().optional(),
    priority: z.int().optional(),
    language: z.string().optional(),
    latePolicy: z.strictObject({ postWithin: z.string(), then: z.enum(["missed", "hold"]) }).optional(),
    reconcile: z.enum(["repost", "hold"]).optional(),
    strategy: z.enum(STRATEGIES).optional(),
    reuseMedia: z.boolean().optional(),
  }),
  lastScanAt: z.iso
    .datetime()
    .optional()
    .meta({ description: "When it was last looked through for files whose event was lost." }),
  version: z.int().positive(),
});
export type SourceView = z.output<typeof sourceView>;

export const sourceList = z.strictObject({ items: z.array(sourceView) });

/** Fields that are there: `undefined` is none. */
export const toSourceDefaults = (given: z.output<typeof defaultsBody>): SourceDefaults =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));

export const toSourceView = ({
  source: { folder, enabled, defaults, lastScanAt, version },
  project,
}: {
  readonly source: Source;
  readonly project: { readonly name: string };
}): SourceView => {
  const { latePolicy, ...plain } = defaults;
  return {
    name: folder,
    project: project.name,
    enabled,
    defaults: { ...plain, ...(latePolicy && { latePolicy: latePolicyView(latePolicy) }) },
    ...(lastScanAt && { lastScanAt: instantInWords(lastScanAt) }),
    version,
  };
};
