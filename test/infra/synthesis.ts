import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PunctualApp } from "#infra/app.ts";
import type { FunctionName } from "#infra/constructs/cloud-function.ts";

export const FUNCTION_NAMES = [
  "accept-drop",
  "authorize-request",
  "connect-account",
  "deliver-webhook",
  "expand-recurrences",
  "prepare-post",
  "publish-post",
  "relay-events",
  "serve-api",
  "sweep-tasks",
] as const satisfies readonly FunctionName[];

export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface Template {
  readonly Parameters?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
}

export interface Synthesis {
  readonly app: PunctualApp;
  readonly data: Template;
  readonly service: Template;
  /** The files as they are deployed. */
  readonly bytes: { readonly data: string; readonly service: string };
  /** Resources of both stacks. */
  readonly resources: Readonly<Record<string, Resource>>;
}

export interface SynthesisOptions {
  readonly context?: Readonly<Record<string, unknown>>;
  /** Adds to the app before it is synthesized. */
  readonly plant?: (app: PunctualApp) => void;
}

/** The report of the validations, when they stopped the synthesis. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly report: string;

  constructor(report: string, options: ErrorOptions) {
    super("the synthesis was refused", options);
    this.report = report;
  }
}

/**
 * Synthesizes the whole app with its validations. What a function does is not in the template, so an empty module
 * stands in for each bundle; `bundles.test.ts` is about the real ones.
 *
 * @throws Refused when a validation found something
 */
export function synthesize({ context = {}, plant }: SynthesisOptions = {}): Synthesis {
  const directory = mkdtempSync(join(tmpdir(), "punctual-synth-"));
  try {
    const bundleDirectory = join(directory, "bundles");
    for (const name of FUNCTION_NAMES) {
      mkdirSync(join(bundleDirectory, name), { recursive: true });
      writeFileSync(join(bundleDirectory, name, "index.mjs"), "export const handler = async () => {};\n");
    }
    const outdir = join(directory, "cdk.out");
    const app = new PunctualApp({ outdir, context, bundleDirectory });
    plant?.(app);
    try {
      app.synth();
    } catch (error) {
      throw new Refused(readFileSync(join(outdir, "validation-report.json"), "utf8"), { cause: error });
    }
    const bytes = {
      data: readFileSync(join(outdir, app.data.templateFile), "utf8"),
      service: readFileSync(join(outdir, app.service.templateFile), "utf8"),
    };
    const data = JSON.parse(bytes.data) as Template;
    const service = JSON.parse(bytes.service) as Template;
    return { app, data, service, bytes, resources: { ...data.Resources, ...service.Resources } };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Logical id and properties of every resource of a type. */
export function ofType(
  { resources }: Synthesis,
  type: string,
): readonly (readonly [logicalId: string, properties: Record<string, unknown>])[] {
  return Object.entries(resources)
    .filter(([, resource]) => resource.Type === type)
    .map(([logicalId, { Properties = {} }]) => [logicalId, Properties] as const);
}

/** Properties of one resource; fails when there is no such resource. */
export function propertiesOf({ resources }: Synthesis, logicalId: string): Readonly<Record<string, unknown>> {
  const resource = resources[logicalId];
  if (resource === undefined) throw new Error(`no resource ${logicalId} in the template`);
  return resource.Properties ?? {};
}

export interface Statement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | readonly string[];
  readonly Resource?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface Document {
  readonly Statement: readonly Statement[];
}

export const asList = <Item>(value: Item | readonly Item[] | undefined): readonly Item[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as Item];

/** The logical id that `Ref` or `Fn::GetAtt` names; fails for anything else. */
export function referent(value: unknown): string {
  const { Ref, "Fn::GetAtt": getAtt } = value as { Ref?: string; "Fn::GetAtt"?: readonly [string, string] };
  const logicalId = Ref ?? getAtt?.[0];
  if (logicalId === undefined) throw new Error(`no reference: ${JSON.stringify(value)}`);
  return logicalId;
}

export interface DeployedFunction {
  readonly name: string;
  readonly logicalId: string;
  readonly roleId: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly variables: Readonly<Record<string, unknown>>;
  /** What its role allows. */
  readonly statements: readonly Statement[];
  readonly actions: readonly string[];
}

/** Every function of the template with the rights of its role, by the name of its folder. */
export function functionsOf(synthesis: Synthesis): ReadonlyMap<string, DeployedFunction> {
  return new Map(
    ofType(synthesis, "AWS::Lambda::Function").map(([logicalId, properties]) => {
      const { Variables: variables } = properties["Environment"] as { Variables: Record<string, unknown> };
      const roleId = referent(properties["Role"]);
      const statements = statementsOfRole(synthesis, roleId);
      const name = String(variables["POWERTOOLS_SERVICE_NAME"]);
      return [
        name,
        {
          name,
          logicalId,
          roleId,
          timeoutMs: Number(properties["Timeout"]) * 1_000,
          memoryMb: Number(properties["MemorySize"]),
          variables,
          statements,
          actions: statements.flatMap(({ Action }) => asList(Action)),
        },
      ] as const;
    }),
  );
}

export function functionNamed(synthesis: Synthesis, name: FunctionName): DeployedFunction {
  const found = functionsOf(synthesis).get(name);
  if (found === undefined) throw new Error(`no function ${name} in the template`);
  return found;
}

export function statementsOfRole(synthesis: Synthesis, roleId: string): readonly Statement[] {
  return ofType(synthesis, "AWS::IAM::Policy")
    .filter(([, { Roles }]) => asList(Roles).some((role) => referent(role) === roleId))
    .flatMap(([, { PolicyDocument }]) => (PolicyDocument as Document).Statement);
}

/** Every statement of every policy there is, with the resource that holds it: roles, trusts, queues, bucket, key. */
export function everyStatement({
  resources,
}: Synthesis): readonly { readonly holder: string; readonly statement: Statement }[] {
  return Object.entries(resources).flatMap(([holder, { Properties = {} }]) =>
    ["PolicyDocument", "AssumeRolePolicyDocument", "KeyPolicy"].flatMap((name) =>
      ((Properties[name] as Document | undefined)?.Statement ?? []).map((statement) => ({
        holder,
        statement,
      })),
    ),
  );
}
