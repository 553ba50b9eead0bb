import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import { HttpApi, HttpMethod, HttpStage, LogGroupLogDestination } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaAuthorizer, HttpLambdaResponseType } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { ALARM_PERIOD, type Alarms } from "#infra/constructs/alarms.ts";
import type { CloudFunction } from "#infra/constructs/cloud-function.ts";
import { TIMING } from "#shared/domain/timing.ts";

/** Far above what people do, far below what would cost money or starve publishers of concurrency. */
const THROTTLE = { rateLimit: 50, burstLimit: 100 };

/** One JSON object per request: enough to follow it into the function's log, and neither key nor body. */
const ACCESS_LOG = {
  requestId: "$context.requestId",
  time: "$context.requestTimeEpoch",
  ip: "$context.identity.sourceIp",
  method: "$context.httpMethod",
  path: "$context.path",
  route: "$context.routeKey",
  status: "$context.status",
  latencyMs: "$context.responseLatency",
  bytes: "$context.responseLength",
  authorizerStatus: "$context.authorizer.status",
  error: "$context.error.message",
  integrationError: "$context.integrationErrorMessage",
};

export interface ApiProps {
  readonly serveApi: CloudFunction;
  readonly authorizeRequest: CloudFunction;
  readonly alarms: Alarms;
  readonly logRetention: RetentionDays;
}

/** The HTTP API: one route, behind a key without exception. */
export class Api extends Construct {
  private readonly api: HttpApi;

  constructor(scope: Construct, id: string, { serveApi, authorizeRequest, alarms, logRetention }: ApiProps) {
    super(scope, id);
    this.api = new HttpApi(this, "HttpApi", {
      description: "Punctual",
      createDefaultStage: false,
      defaultAuthorizer: new HttpLambdaAuthorizer("Authorizer", authorizeRequest.lambda, {
        responseTypes: [HttpLambdaResponseType.SIMPLE],
        // A request without it is refused before any function runs.
        identitySource: ["$request.header.Authorization"],
        resultsCacheTtl: Duration.millis(TIMING.authorize.cacheMs),
      }),
    });
    this.api.addRoutes({
      path: "/api/v1/{proxy+}",
      methods: [HttpMethod.ANY],
      integration: new HttpLambdaIntegration("Integration", serveApi.lambda),
    });

    const logGroup = new LogGroup(this, "AccessLogs", {
      retention: logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const stage = new HttpStage(this, "Stage", {
      httpApi: this.api,
      autoDeploy: true,
      throttle: THROTTLE,
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup),
        format: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG)),
      },
    });
    alarms.watch(this, "Failures", {
      description:
        "Requests fail with 5xx. The access log has their ids; the same ids are in the function's log.",
      metric: stage.metricServerError({ period: ALARM_PERIOD, statistic: "Sum" }),
      threshold: 1,
    });
  }

  /** `https://…`, without a slash at the end. */
  get url(): string {
    return this.api.apiEndpoint;
  }
}
