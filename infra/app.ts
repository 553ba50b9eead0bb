import {
  App,
  type AppProps,
  DefaultStackSynthesizer,
  type IReusableStackSynthesizer,
  Tags,
  Validations,
} from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { readSettings, SettingsError } from "#infra/settings.ts";
import { DataStack } from "#infra/stacks/data-stack.ts";
import { ServiceStack } from "#infra/stacks/service-stack.ts";

/** The stage whose stacks have no suffix. */
const DEFAULT_STAGE = "main";

export interface PunctualAppProps {
  /**
   * Where the cloud assembly goes.
   *
   * @default - `CDK_OUTDIR`, which the CDK command line sets, or `cdk.out`
   */
  readonly outdir?: string;

  /**
   * Context as `-c name=value` would give it.
   *
   * @default - only what the CDK command line passes
   */
  readonly context?: Readonly<Record<string, unknown>>;

  /**
   * Folder with one bundle per function.
   *
   * @default - the output of `npm run build`
   */
  readonly bundleDirectory?: string;
}

/**
 * Everything that Punctual is in AWS. Findings of cdk-nag and of CloudFormation's own rules stop the synthesis; what is
 * accepted is acknowledged, with its reason, on the construct that it concerns.
 */
export class PunctualApp extends App {
  readonly data: DataStack;
  readonly service: ServiceStack;

  constructor({ outdir, context, bundleDirectory }: PunctualAppProps = {}) {
    super({
      // No resource that only reports to AWS which constructs are used.
      analyticsReporting: false,
      ...(outdir !== undefined && { outdir }),
      ...(context !== undefined && { context }),
      // The CDK command line checks the bootstrap version itself. (CDK's own types disagree on `undefined` here.)
      defaultStackSynthesizer: new DefaultStackSynthesizer({
        generateBootstrapVersionRule: false,
      }) as IReusableStackSynthesizer,
      // Not in `cdk.json`, so that a test that builds the app is held to the same rules.
      postCliContext: POST_CLI_CONTEXT,
    } satisfies AppProps);

    const settings = readSettings(this.node);
    const suffix = settings.stage === DEFAULT_STAGE ? "" : `-${settings.stage}`;
    const env = {
      ...(settings.account !== undefined && { account: settings.account }),
      ...(settings.region !== undefined && { region: settings.region }),
    };

    this.data = new DataStack(this, "PunctualData", { stackName: `PunctualData${suffix}`, env, settings });
    this.service = new ServiceStack(this, "PunctualService", {
      stackName: `PunctualService${suffix}`,
      env,
      settings,
      data: this.data,
      ...(bundleDirectory !== undefined && { bundleDirectory }),
    });
    Tags.of(this).add("application", "punctual");
    Tags.of(this).add("stage", settings.stage);
    Validations.of(this).addPlugins(new AwsSolutionsChecks(this));
  }
}

const POST_CLI_CONTEXT = {
  // Findings of CloudFormation's rules are errors.
  "@aws-cdk/core:validateAgainstDefaultRules": true,
  // `Fn::ImportValue`: CloudFormation then refuses to delete the data while the service uses it.
  "@aws-cdk/core:defaultCrossStackReferences": "strong",
  // API Gateway wants the ARN of the log group itself.
  "@aws-cdk/aws-apigateway:logGroupDestinationArnWithoutWildcard": true,
};

if (import.meta.main) {
  try {
    new PunctualApp().synth();
  } catch (error) {
    // The message says all; a stack trace below it would hide it.
    if (!(error instanceof SettingsError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
