/** Surgery on synthesized templates: what a careless change of the infrastructure would leave behind. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { synthesize } from "#infra/local/synthesize.ts";

const ROOT = join(import.meta.dirname, "../..");

interface Statement {
  Sid?: string;
  Effect: "Allow" | "Deny";
  Action: string | string[];
  Resource?: unknown;
  Principal?: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}

interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
}

interface Template {
  Parameters?: Record<string, Record<string, unknown>>;
  Resources: Record<string, Resource>;
  Outputs?: Record<string, unknown>;
}

let synthesized: Promise<string> | undefined;

const TEMPLATE_FILE = /\.template\.json$/;

/** Templates by file name, as they are written in a cloud assembly. */
export function readTemplates(directory: string): Map<string, string> {
  const files = readdirSync(directory).filter((file) => TEMPLATE_FILE.test(file));
  return new Map(files.sort().map((file) => [file, readFileSync(join(directory, file), "utf8")]));
}

interface AssemblyCopy {
  readonly directory: string;
  discard(): void;
}

/** The project's assembly with other templates; code is shared with the original. */
async function copyAssembly(
  rewrite: (templates: ReadonlyMap<string, string>) => ReadonlyMap<string, string>,
): Promise<AssemblyCopy> {
  // Once for a whole file of tests: what they compare must not change while somebody edits a source.
  synthesized ??= synthesize(ROOT);
  const original = await synthesized;
  const directory = mkdtempSync(join(tmpdir(), "punctual-assembly-"));
  const discard = () => rmSync(directory, { recursive: true, force: true });
  try {
    for (const entry of readdirSync(original, { withFileTypes: true })) {
      const [from, to] = [join(original, entry.name), join(directory, entry.name)];
      if (entry.isDirectory()) symlinkSync(from, to);
      else cpSync(from, to);
    }
    for (const [file, text] of rewrite(readTemplates(original))) writeFileSync(join(directory, file), text);
    return { directory, discard };
  } catch (error) {
    discard();
    throw error;
  }
}

const asList = <Item>(value: Item | Item[] | undefined): Item[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

/** Every stack's template at once. What is looked for must be there: an operation that meets nothing proves nothing. */
export class Patient {
  private readonly templates: ReadonlyMap<string, Template>;

  constructor(templates: ReadonlyMap<string, Template>) {
    this.templates = templates;
  }

  /** The template of the stack with all functions. */
  get service(): Template {
    return this.the("template with functions", [...this.templates.values()], ({ Resources }) =>
      Object.values(Resources).some(({ Type }) => Type === "AWS::Lambda::Function"),
    );
  }

  /** Logical id and resource of a type. */
  all(type: string): [id: string, resource: Resource][] {
    return [...this.templates.values()]
      .flatMap(({ Resources }) => Object.entries(Resources))
      .filter(([, { Type }]) => Type === type);
  }

  /** The one resource of a type whose JSON matches. */
  find(type: string, pattern: RegExp): [id: string, resource: Resource] {
    return this.the(`${type} with ${pattern}`, this.all(type), (found) =>
      pattern.test(JSON.stringify(found)),
    );
  }

  remove(id: string): void {
    const { Resources } = this.the(`template with ${id}`, [...this.templates.values()], (template) =>
      Object.hasOwn(template.Resources, id),
    );
    delete Resources[id];
  }

  /** @param name - of its folder in `functions/` */
  lambda(name: string): [id: string, resource: Resource] {
    return this.find("AWS::Lambda::Function", new RegExp(`"POWERTOOLS_SERVICE_NAME":"${name}"`));
  }

  variables(name: string): Record<string, unknown> {
    const [, { Properties }] = this.lambda(name);
    return (Properties["Environment"] as { Variables: Record<string, unknown> }).Variables;
  }

  roleOf(name: string): [id: string, resource: Resource] {
    const [, { Properties }] = this.lambda(name);
    const [id] = (Properties["Role"] as { "Fn::GetAtt": [string] })["Fn::GetAtt"];
    return this.the(`role ${id}`, this.all("AWS::IAM::Role"), ([roleId]) => roleId === id);
  }

  /** The role that EventBridge Scheduler takes. */
  schedulerRole(): [id: string, resource: Resource] {
    return this.find("AWS::IAM::Role", /"Service":"scheduler\.amazonaws\.com"/);
  }

  /** Statements of the policies that are attached to a role; to be changed in place. */
  statementsOf(roleId: string): Statement[] {
    return this.all("AWS::IAM::Policy")
      .filter(([, { Properties }]) =>
        (Properties["Roles"] as { Ref: string }[]).some(({ Ref }) => Ref === roleId),
      )
      .flatMap(([, { Properties }]) => statementsIn(Properties, "PolicyDocument"));
  }

  /** Takes one action from a role, wherever it is granted or only where the statement's JSON matches. */
  forbid(roleId: string, action: string, where = /./): void {
    const granting = this.statementsOf(roleId).filter(
      (statement) => asList(statement.Action).includes(action) && where.test(JSON.stringify(statement)),
    );
    if (granting.length === 0) throw new Error(`${roleId} has no right ${action} ${where}`);
    for (const statement of granting) {
      const left = asList(statement.Action).filter((each) => each !== action);
      // An action that nobody asks for keeps a statement valid that has lost its only one.
      statement.Action = left.length > 0 ? left : ["sts:GetCallerIdentity"];
    }
  }

  private the<Item>(what: string, items: readonly Item[], fits: (item: Item) => boolean): Item {
    const found = items.filter(fits);
    if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} times: ${what}`);
    return found[0];
  }
}

/** Statements of one policy document; to be changed in place. */
export const statementsIn = (properties: Record<string, unknown>, document: string): Statement[] =>
  (properties[document] as { Statement: Statement[] }).Statement;

/** A copy of the project's assembly, operated on. */
export function operate(operation: (patient: Patient) => void): Promise<AssemblyCopy> {
  return copyAssembly((texts) => {
    const templates = new Map([...texts].map(([file, text]) => [file, JSON.parse(text) as Template]));
    operation(new Patient(templates));
    return new Map([...templates].map(([file, template]) => [file, JSON.stringify(template, null, 1)]));
  });
}

export interface Renamed extends AssemblyCopy {
  /** Old logical id → new one. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * A copy in which no logical id of a resource is what it was, nor the name of an export that is made of one. The
 * parameters and outputs keep their names: they are what a person types and reads.
 */
export async function renameEverything(): Promise<Renamed> {
  const names = new Map<string, string>();
  const copy = await copyAssembly((texts) => {
    const templates = [...texts].map(([file, text]) => [file, JSON.parse(text) as Template] as const);
    for (const [, { Resources }] of templates)
      for (const id of Object.keys(Resources)) names.set(id, `Renamed${String(names.size).padStart(3, "0")}`);
    return new Map(
      templates.map(([file, template]) => [
        file,
        JSON.stringify(
          {
            ...template,
            Resources: Object.fromEntries(
              Object.entries(template.Resources).map(([id, resource]) => [
                names.get(id),
                renameReferences(resource, names),
              ]),
            ),
            Outputs: renameReferences(template.Outputs ?? {}, names),
          },
          null,
          1,
        ),
      ]),
    );
  });
  return { ...copy, names };
}

function renameReferences(value: unknown, names: ReadonlyMap<string, string>): unknown {
  const renamed = (id: string): string => names.get(id) ?? id;
  const withAttribute = (text: string): string => text.replace(/^[^.]+/, (id) => renamed(id));
  const inText = (text: string): string =>
    text.replace(
      /\$\{([^!}.]+)((?:\.[^}]+)?)\}/g,
      (_, id: string, rest: string) => `\${${renamed(id)}${rest}}`,
    );
  if (Array.isArray(value)) return value.map((item) => renameReferences(item, names));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key === "Ref" && typeof inner === "string") return [key, renamed(inner)];
      if (key === "Fn::GetAtt")
        return [
          key,
          Array.isArray(inner)
            ? [renamed(String(inner[0])), ...inner.slice(1)]
            : withAttribute(String(inner)),
        ];
      if (key === "Fn::Sub") {
        if (typeof inner === "string") return [key, inText(inner)];
        const [text, given] = inner as [string, Record<string, unknown>];
        return [key, [inText(text), renameReferences(given, names)]];
      }
      if (key === "DependsOn")
        return [key, Array.isArray(inner) ? inner.map((id) => renamed(String(id))) : renamed(String(inner))];
      if (key === "Fn::ImportValue" || (key === "Export" && typeof inner === "object"))
        return [key, renameExport(inner, names)];
      return [key, renameReferences(inner, names)];
    }),
  );
}

/** CDK makes the names of exports of the logical ids. */
function renameExport(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === "string")
    return [...names].reduce((text, [from, to]) => text.replaceAll(from, to), value);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, renameExport(inner, names)]));
}
