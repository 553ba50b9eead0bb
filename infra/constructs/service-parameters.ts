import { CfnParameter } from "aws-cdk-lib";
import { Construct } from "constructs";
import { PREPARE_LEADS_MS, TIMING } from "#shared/domain/timing.ts";

const DEFAULT_SETTLE_SECONDS = 20;
const DEFAULT_UPLOAD_CONCURRENCY = 4;

/** Longer than this, and a publisher that holds from the earliest start has no time left to post. */
const MAX_HOLD_LEAD_SECONDS =
  (TIMING.publish.timeoutMs - TIMING.publish.minRemainingMs - TIMING.publish.holdSlackMs) / 1_000;

/**
 * What a deployment may set without another template: `cdk deploy --parameters PunctualService:XEndpoint=…`. Each one
 * fills a variable of the functions that need it, and the defaults are what production runs with.
 */
export class ServiceParameters extends Construct {
  readonly xEndpoint: CfnParameter;
  readonly xWebsite: CfnParameter;
  readonly holdLeadSeconds: CfnParameter;
  readonly nearLimitSeconds: CfnParameter;
  readonly prepareLeads: CfnParameter;
  readonly settleSeconds: CfnParameter;
  readonly uploadConcurrency: CfnParameter;
  readonly geminiEndpoint: CfnParameter;
  readonly geminiModel: CfnParameter;
  readonly allowLoopbackWebhooks: CfnParameter;

  constructor(scope: Construct, id: string) {
    super(scope, id);

    this.xEndpoint = this.parameter("XEndpoint", {
      type: "String",
      description:
        "Where X is: scheme and host, without a path. Requests are signed for api.x.com in any case.",
      default: "https://api.x.com",
      allowedPattern: "https?://[^/\\s]+",
      constraintDescription: "must be http:// or https:// and a host, without a path",
    });
    this.xWebsite = this.parameter("XWebsite", {
      type: "String",
      description: "Where people let an app act for their account: scheme and host, without a path.",
      default: "https://x.com",
      allowedPattern: "https?://[^/\\s]+",
      constraintDescription: "must be http:// or https:// and a host, without a path",
    });
    this.holdLeadSeconds = this.parameter("HoldLeadSeconds", {
      type: "Number",
      description: "How long before the slot Scheduler wakes the publisher; it is accurate to 60 s.",
      default: TIMING.publish.holdLeadMs / 1_000,
      minValue: 0,
      maxValue: MAX_HOLD_LEAD_SECONDS,
    });
    this.nearLimitSeconds = this.parameter("NearLimitSeconds", {
      type: "Number",
      description: "What is to wake sooner than this goes through the queue and not through Scheduler.",
      default: TIMING.nearLimitMs / 1_000,
      minValue: 0,
      maxValue: TIMING.maxQueueDelayMs / 1_000,
    });
    this.prepareLeads = this.parameter("PrepareLeads", {
      type: "String",
      description: "How many seconds before the publisher wakes media start to upload, by kind.",
      default: Object.entries(PREPARE_LEADS_MS)
        .map(([kind, leadMs]) => `${kind}=${leadMs / 1_000}`)
        .join(","),
      allowedPattern: "photo=\\d+,gif=\\d+,video=\\d+,large=\\d+",
      constraintDescription: "must be photo=…,gif=…,video=…,large=… in whole seconds",
    });
    this.settleSeconds = this.parameter("SettleSeconds", {
      type: "Number",
      description: "How long after the last file of a name undeclared media may still come.",
      default: DEFAULT_SETTLE_SECONDS,
      minValue: 0,
      maxValue: TIMING.maxQueueDelayMs / 1_000,
    });
    this.uploadConcurrency = this.parameter("UploadConcurrency", {
      type: "Number",
      description: "Segments of one medium that are uploaded at the same time.",
      default: DEFAULT_UPLOAD_CONCURRENCY,
      minValue: 1,
      maxValue: 16,
    });
    this.geminiEndpoint = this.parameter("GeminiEndpoint", {
      type: "String",
      description: "Where Gemini is: scheme and host, without a path.",
      default: "https://generativelanguage.googleapis.com",
      allowedPattern: "https?://[^/\\s]+",
      constraintDescription: "must be http:// or https:// and a host, without a path",
    });
    this.geminiModel = this.parameter("GeminiModel", {
      type: "String",
      description: "Which of Gemini's models writes texts, unless a post names another.",
      default: "gemini-3.5-flash-lite",
      allowedPattern: "gemini-[a-z0-9][a-z0-9.-]{0,60}",
      constraintDescription: "must be the name of a Gemini model",
    });
    this.allowLoopbackWebhooks = this.parameter("AllowLoopbackWebhooks", {
      type: "String",
      description: "Whether webhooks may lead to the machine that calls them: for development only.",
      default: "false",
      allowedValues: ["true", "false"],
    });
  }

  private parameter(name: string, props: ConstructorParameters<typeof CfnParameter>[2]): CfnParameter {
    const parameter = new CfnParameter(this, name, props);
    parameter.overrideLogicalId(name);
    return parameter;
  }
}
