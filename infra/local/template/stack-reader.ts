import type { StackArtifact } from "./artifacts.ts";
import { TemplateFault } from "./fault.ts";
import { isRecord, noValue, type References, resolve } from "./intrinsics.ts";
import { type ParameterValue, readParameter } from "./parameters.ts";
import type { Resource } from "./resource.ts";
import { type Identity, idleTypes, runTypes } from "./resource-types.ts";

/** How one stack reaches the others of its assembly. */
export interface Siblings {
  stack(name: string): StackReader | undefined;
  exported(name: string): string | undefined;
}

interface StackReaderOptions {
  readonly artifact: StackArtifact;
  readonly parameters: Readonly<Record<string, string>>;
  readonly region: string;
  readonly accountId: string;
  readonly endpoint: string;
  readonly apiEndpoint: string;
  readonly siblings: Siblings;
}

/** Resolves one stack on demand: a value is worked out when something asks for it, so order does not matter. */
export class StackReader {
  readonly #options: StackReaderOptions;
  readonly #parameters = new Map<string, ParameterValue>();
  readonly #identities = new Map<string, Identity>();
  /** Names whose value is being worked out, to report a circle instead of overflowing the stack. */
  readonly #open = new Set<string>();

  constructor(options: StackReaderOptions) {
    this.#options = options;
    const { stack, template } = options.artifact;
    for (const [name, declaration] of Object.entries(template.Parameters)) {
      this.#parameters.set(name, readParameter(stack, name, declaration, options.parameters[name]));
    }
  }

  /** @throws TemplateFault */
  resources(): readonly Resource[] {
    const { stack, template } = this.#options.artifact;
    return Object.entries(template.Resources)
      .filter(([logicalId, { Condition }]) => this.#holds(logicalId, Condition))
      .map(([logicalId, { Type, Properties }]) => {
        const { physicalId, arn } = this.#identity(logicalId, logicalId);
        const properties = this.#localize(resolve(Properties, this.#references(logicalId)));
        return {
          logicalId,
          stack,
          type: Type,
          physicalId,
          arn,
          properties: isRecord(properties) ? properties : {},
        };
      });
  }

  outputs(): Readonly<Record<string, string>> {
    const { Outputs } = this.#options.artifact.template;
    const names = Object.keys(Outputs).filter((name) => this.#holds(name, Outputs[name]?.Condition));
    return Object.fromEntries(names.map((name) => [name, this.output(name, name)]));
  }

  output(name: string, asker: string): string {
    const declared = this.#options.artifact.template.Outputs[name];
    if (declared === undefined) {
      throw this.#fault(asker, `asks for the output ${name}, which the stack does not have`);
    }
    return this.#once(`output ${name}`, asker, () =>
      String(this.#localize(resolve(declared.Value, this.#references(name)))),
    );
  }

  exported(exportName: string): string | undefined {
    for (const [name, declared] of Object.entries(this.#options.artifact.template.Outputs)) {
      if (
        declared.Export !== undefined &&
        resolve(declared.Export.Name, this.#references(name)) === exportName
      ) {
        return this.output(name, name);
      }
    }
    return undefined;
  }

  #references(asker: string): References {
    const { siblings, artifact } = this.#options;
    return {
      ref: (name) => this.#ref(name, asker),
      attribute: (logicalId, name) => {
        const value = this.#identity(logicalId, asker).attributes[name];
        if (value === undefined) {
          const type = artifact.template.Resources[logicalId]?.Type ?? "";
          throw this.#fault(
            asker,
            `asks for the attribute ${name} of ${logicalId} (${type}), which is not known here`,
          );
        }
        return value;
      },
      condition: (name) => this.#condition(name, asker),
      mapping: (map, first, second) => {
        const value = artifact.template.Mappings[map]?.[first]?.[second];
        if (value === undefined) {
          throw this.#fault(asker, `finds nothing in the mapping ${map} under ${first}, ${second}`);
        }
        return value;
      },
      importValue: (name) => {
        const value = siblings.exported(name);
        if (value === undefined) {
          throw this.#fault(asker, `imports ${name}, which no stack exports`);
        }
        return value;
      },
      stackOutput: (stackName, outputName) => {
        const stack = siblings.stack(stackName);
        if (stack === undefined) {
          throw this.#fault(
            asker,
            `asks for an output of the stack ${stackName}, which is not in the assembly`,
          );
        }
        return stack.output(outputName, asker);
      },
      fault: (problem) => this.#fault(asker, problem),
    };
  }

  #ref(name: string, asker: string): unknown {
    const { region, accountId, artifact } = this.#options;
    switch (name) {
      case "AWS::NoValue":
        return noValue;
      case "AWS::Region":
        return region;
      case "AWS::AccountId":
        return accountId;
      case "AWS::Partition":
        return "aws";
      case "AWS::URLSuffix":
        return "amazonaws.com";
      case "AWS::StackName":
        return artifact.stack;
      case "AWS::StackId":
        return `arn:aws:cloudformation:${region}:${accountId}:stack/${artifact.stack}/local`;
      default:
        break;
    }
    if (!this.#parameters.has(name)) {
      return this.#identity(name, asker).physicalId;
    }
    const value = this.#parameters.get(name);
    if (value === undefined) {
      throw this.#fault(asker, `uses the parameter ${name}, which only AWS can look up`);
    }
    return value;
  }

  #identity(logicalId: string, asker: string): Identity {
    const known = this.#identities.get(logicalId);
    if (known !== undefined) {
      return known;
    }
    const { artifact, region, accountId, endpoint, apiEndpoint } = this.#options;
    const declared = artifact.template.Resources[logicalId];
    if (declared === undefined) {
      throw this.#fault(asker, `refers to ${logicalId}, which is not in the template`);
    }
    const identify = runTypes.get(declared.Type) ?? idleTypes.get(declared.Type)?.identify;
    if (identify === undefined) {
      throw this.#fault(logicalId, `the resource type ${declared.Type} is not known here`);
    }
    const identity = this.#once(`name of ${logicalId}`, asker, () =>
      identify({
        stack: artifact.stack,
        logicalId,
        region,
        accountId,
        endpoint,
        apiEndpoint,
        property: (name) => {
          const value = resolve(declared.Properties[name], this.#references(logicalId));
          return value === undefined || value === noValue ? undefined : String(value);
        },
      }),
    );
    this.#identities.set(logicalId, identity);
    return identity;
  }

  #holds(logicalId: string, condition: string | undefined): boolean {
    return condition === undefined || this.#condition(condition, logicalId);
  }

  #condition(name: string, asker: string): boolean {
    const declared = this.#options.artifact.template.Conditions[name];
    if (declared === undefined) {
      throw this.#fault(asker, `uses the condition ${name}, which is not in the template`);
    }
    return this.#once(`condition ${name}`, asker, () => resolve(declared, this.#references(name)) === true);
  }

  /** The API's public address is the local one wherever the template spells it out. */
  #localize(value: unknown): unknown {
    if (typeof value === "string") {
      return value.replaceAll(
        /https:\/\/[a-z0-9]{10}\.execute-api\.[a-z0-9-]+\.amazonaws\.com/g,
        () => this.#options.apiEndpoint,
      );
    }
    if (Array.isArray(value)) {
      return value.map((entry) => this.#localize(entry));
    }
    if (isRecord(value)) {
      return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, this.#localize(entry)]));
    }
    return value;
  }

  #once<Value>(what: string, asker: string, work: () => Value): Value {
    if (this.#open.has(what)) {
      throw this.#fault(asker, `goes in a circle over the ${what}`);
    }
    this.#open.add(what);
    try {
      return work();
    } finally {
      this.#open.delete(what);
    }
  }

  #fault(logicalId: string, problem: string): TemplateFault {
    return new TemplateFault(this.#options.artifact.stack, logicalId, problem);
  }
}
