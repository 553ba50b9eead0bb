import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as z from "zod";
import { TemplateFault } from "./fault.ts";
import { parameterSchema } from "./parameters.ts";

const resourceSchema = z.object({
  Type: z.string(),
  Condition: z.string().optional(),
  Properties: z.record(z.string(), z.unknown()).default({}),
});

const outputSchema = z.object({
  Value: z.unknown(),
  Condition: z.string().optional(),
  Export: z.object({ Name: z.unknown() }).optional(),
});

/** The sections that are read, and the ones that change nothing here (`Rules` only checks the bootstrap version). */
const templateSchema = z.strictObject({
  AWSTemplateFormatVersion: z.string().optional(),
  Description: z.string().optional(),
  Metadata: z.unknown().optional(),
  Rules: z.unknown().optional(),
  Parameters: z.record(z.string(), parameterSchema).default({}),
  Mappings: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))).default({}),
  Conditions: z.record(z.string(), z.unknown()).default({}),
  Resources: z.record(z.string(), resourceSchema).default({}),
  Outputs: z.record(z.string(), outputSchema).default({}),
});

const manifestSchema = z.object({
  artifacts: z
    .record(
      z.string(),
      z.object({
        type: z.string(),
        properties: z
          .object({
            templateFile: z.string().optional(),
            stackName: z.string().optional(),
            directoryName: z.string().optional(),
            file: z.string().optional(),
          })
          .default({}),
      }),
    )
    .default({}),
});

const assetsSchema = z.object({
  files: z
    .record(
      z.string(),
      z.object({ source: z.object({ path: z.string().optional(), packaging: z.string().optional() }) }),
    )
    .default({}),
});

export type Template = z.infer<typeof templateSchema>;

export interface StackArtifact {
  /** The stack's name. */
  readonly stack: string;
  readonly template: Template;
  /** Asset hash → absolute path. */
  readonly assets: ReadonlyMap<string, string>;
}

/** Reads the stacks of a cloud assembly and of the assemblies nested in it (stages), in the manifest's order. */
export function readStacks(directory: string): readonly StackArtifact[] {
  const manifest = readJson(join(directory, "manifest.json"), manifestSchema, directory);
  const artifacts = Object.entries(manifest.artifacts);
  const assets = new Map<string, string>();
  for (const [, artifact] of artifacts) {
    if (artifact.type === "cdk:asset-manifest" && artifact.properties.file !== undefined) {
      const { files } = readJson(join(directory, artifact.properties.file), assetsSchema, directory);
      for (const [hash, { source }] of Object.entries(files)) {
        if (source.path !== undefined) {
          assets.set(hash, resolve(directory, source.path));
        }
      }
    }
  }
  return artifacts.flatMap(([name, { type, properties }]) => {
    if (type === "cdk:cloud-assembly" && properties.directoryName !== undefined) {
      return readStacks(join(directory, properties.directoryName));
    }
    if (type !== "aws:cloudformation:stack" || properties.templateFile === undefined) {
      return [];
    }
    const stack = properties.stackName ?? name;
    return [
      { stack, template: readJson(join(directory, properties.templateFile), templateSchema, stack), assets },
    ];
  });
}

function readJson<Schema extends z.ZodType>(file: string, schema: Schema, stack: string): z.infer<Schema> {
  if (!existsSync(file)) {
    throw new TemplateFault(stack, "assembly", `${file} does not exist; synthesize the app first`);
  }
  const parsed = schema.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (!parsed.success) {
    throw new TemplateFault(stack, "template", `cannot be read:\n${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}
