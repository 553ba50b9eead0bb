import { join } from "node:path";
import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Code, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { BUNDLE_DIRECTORY } from "#infra/bundling.ts";
import type { Alarms } from "#infra/constructs/alarms.ts";
import type { DeadLetterQueue } from "#infra/constructs/dead-letter-queue.ts";
import type { Allowance, Grantee } from "#infra/constructs/grantee.ts";

/** Every function there is; a folder of `functions/` each. */
export type FunctionName =
  | "accept-drop"
  | "prepare-post"
  | "publish-post"
  | "sweep-tasks"
  | "expand-recurrences"
  | "relay-events"
  | "deliver-webhook"
  | "serve-api"
  | "connect-account"
  | "authorize-request";

/** What all functions of a deployment have in common. */
export interface FunctionCommons {
  readonly alarms: Alarms;
  readonly logRetention: RetentionDays;

  /**
   * Folder with one bundle per function.
   *
   * @default - the output of `npm run build`
   */
  readonly bundleDirectory?: string;
}

/** Variables that the platform's own libraries read. They are in every function and in no schema. */
export const COMMON_VARIABLES = ["NODE_OPTIONS", "POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL"] as const;

export interface CloudFunctionProps<Environment extends Readonly<Record<string, string>>> {
  readonly name: FunctionName;

  /** For the person who meets it in the console. */
  readonly description: string;

  /** Also the share of a processor: 1,769 MB is one. */
  readonly memoryMb: number;

  readonly timeoutMs: number;

  /** Exactly the variables of the function's `config.ts`. */
  readonly environment: Environment;

  readonly commons: FunctionCommons;

  /**
   * Options of Node on top of the ones that every function has.
   *
   * @default - none
   */
  readonly nodeOptions?: readonly string[];
}

/** How a function is told about failures that nobody waits for. */
export interface AsyncFailures {
  /** Events that waited longer than this are set aside unseen. At least 60 s, at most 6 h. */
  readonly maxEventAgeMs: number;
}

/**
 * One function with a role and a log group of its own. The role may write that log and nothing else until a resource
 * grants more.
 */
export class CloudFunction<
    Environment extends Readonly<Record<string, string>> = Readonly<Record<string, string>>,
  >
  extends Construct
  implements Grantee
{
  readonly lambda: LambdaFunction;
  private readonly role: Role;

  constructor(scope: Construct, id: string, props: CloudFunctionProps<Environment>) {
    super(scope, id);
    const { name, description, memoryMb, timeoutMs, environment, commons, nodeOptions = [] } = props;

    const logGroup = new LogGroup(this, "Logs", {
      retention: commons.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      description: `What ${name} may do`,
    });
    // Not the managed policy that CDK would attach: it may write every log of the account.
    this.allow({
      sid: "OwnLog",
      actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
      resources: [logGroup.logGroupArn],
    });
    this.lambda = new LambdaFunction(this, "Function", {
      description: `${name}: ${description}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: "index.handler",
      code: Code.fromAsset(join(commons.bundleDirectory ?? BUNDLE_DIRECTORY, name)),
      memorySize: memoryMb,
      timeout: Duration.millis(timeoutMs),
      role: this.role,
      logGroup,
      environment: {
        ...environment,
        NODE_OPTIONS: ["--enable-source-maps", ...nodeOptions].join(" "),
        POWERTOOLS_SERVICE_NAME: name,
        POWERTOOLS_LOG_LEVEL: "INFO",
      },
    });
    commons.alarms.watch(this, "Errors", {
      level: "detailed",
      description: `${name} failed`,
      metric: this.lambda.metricErrors({ period: Duration.minutes(5), statistic: "Sum" }),
      threshold: 1,
    });
  }

  get arn(): string {
    return this.lambda.functionArn;
  }

  allow({ sid, actions, resources, conditions, wildcard }: Allowance): void {
    this.role.addToPolicy(
      new PolicyStatement({
        sid,
        actions: [...actions],
        resources: [...resources],
        ...(conditions !== undefined && { conditions }),
      }),
    );
    if (wildcard !== undefined) {
      Validations.of(this.role).acknowledge({
        id: `AwsSolutions-IAM5[${wildcard.finding}]`,
        reason: wildcard.reason,
      });
    }
  }

  /**
   * What Scheduler or EventBridge hand over is tried once: the dead letters keep what failed, and a retry is a new
   * message or the sweeper's. Lambda's own two retries would come minutes late and unannounced.
   *
   * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
   */
  tryAsyncOnce(deadLetters: DeadLetterQueue, { maxEventAgeMs }: AsyncFailures): void {
    deadLetters.allowSend(this);
    this.lambda.configureAsyncInvoke({
      retryAttempts: 0,
      maxEventAge: Duration.millis(maxEventAgeMs),
      // Not `SqsDestination`: it grants more than sending.
      onFailure: { bind: () => ({ destination: deadLetters.arn }) },
    });
  }
}
