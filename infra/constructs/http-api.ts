import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import {
  CorsHttpMethod,
  type CorsPreflightOptions,
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  HttpStage,
  LogGroupLogDestination,
} from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaAuthorizer, HttpLambdaResponseType } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { ALARM_PERIOD, type Alarms } from "#infra/constructs/alarms.ts";
import type { CloudFunction } from "#infra/constructs/cloud-function.ts";
import type { RouteShape } from "#shared/contract/routes/route-shape.ts";
import { ROUTES } from "#shared/contract/routes.ts";
import { TIMING } from "#shared/domain/timing.ts";

/** Far above what people do, far below what would cost money or starve publishers of concurrency. */
const THROTTLE = { rateLimit: 50, burstLimit: 100 };

/** Those that differ from the one route of all others: nobody has to say who they are, or another function answers. */
const OTHER_ROUTES = Object.values(ROUTES)
  .map((route): RouteShape => route)
  .filter(({ scope, servedBy }) => scope === "public" || servedBy !== undefined);

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

/** What a page of another origin may send, and read of an answer. */
const CORS: CorsPreflightOptions = {
  allowMethods: [
    CorsHttpMethod.GET,
    CorsHttpMethod.HEAD,
    CorsHttpMethod.POST,
    CorsHttpMethod.PUT,
    CorsHttpMethod.PATCH,
    CorsHttpMethod.DELETE,
  ],
  allowHeaders: ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match"],
  exposeHeaders: [
    "allow",
    "etag",
    "idempotency-replayed",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "x-request-id",
  ],
  maxAge: Duration.hours(1),
};

export interface ApiProps {
  readonly serveApi: CloudFunction;
  readonly authorizeRequest: CloudFunction;
  readonly alarms: Alarms;
  readonly logRetention: RetentionDays;

  /**
   * Answers the routes that say so.
   *
   * @default - they are answered with 404
   */
  readonly connectAccount?: CloudFunction;

  /**
   * Origins whose pages may use the API from a browser.
   *
   * @default - none
   */
  readonly corsOrigins?: readonly string[];
}

/** Before a path, for whoever signed in: a route of its own, since a route has one authorizer and that looks at one thing. */
const CONSOLE = "/console";

/** The HTTP API: behind a key or a session, but for the routes that say they are public. */
export class Api extends Construct {
  private readonly api: HttpApi;

  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id);
    const { serveApi, authorizeRequest, connectAccount, alarms, logRetention, corsOrigins = [] } = props;
    this.api = new HttpApi(this, "HttpApi", {
      description: "Punctual",
      createDefaultStage: false,
      ...(corsOrigins.length > 0 && { corsPreflight: { ...CORS, allowOrigins: [...corsOrigins] } }),
      defaultAuthorizer: new HttpLambdaAuthorizer("Authorizer", authorizeRequest.lambda, {
        responseTypes: [HttpLambdaResponseType.SIMPLE],
        // A request without it is refused before any function runs.
        identitySource: ["$request.header.Authorization"],
        resultsCacheTtl: Duration.millis(TIMING.authorize.cacheMs),
      }),
    });
    const bySession = new HttpLambdaAuthorizer("SessionAuthorizer", authorizeRequest.lambda, {
      responseTypes: [HttpLambdaResponseType.SIMPLE],
      identitySource: ["$request.header.Cookie"],
      // Who signs out is out, and every change is looked at for the header that a form of another site cannot send.
      resultsCacheTtl: Duration.seconds(0),
    });
    const integrations = {
      "serve-api": new HttpLambdaIntegration("Integration", serveApi.lambda),
      "connect-account": connectAccount && new HttpLambdaIntegration("Connect", connectAccount.lambda),
    };
    this.api.addRoutes({
      path: "/api/v1/{proxy+}",
      methods: [HttpMethod.ANY],
      integration: integrations["serve-api"],
    });
    this.api.addRoutes({
      path: `${CONSOLE}/api/v1/{proxy+}`,
      methods: [HttpMethod.ANY],
      integration: integrations["serve-api"],
      authorizer: bySession,
    });
    for (const { method, path, scope: needed, servedBy = "serve-api" } of OTHER_ROUTES) {
      const integration = integrations[servedBy];
      if (!integration) continue;
      const methods = method === "GET" ? [HttpMethod.GET, HttpMethod.HEAD] : [HttpMethod[method]];
      const routes = this.api.addRoutes({
        path,
        methods,
        integration,
        ...(needed === "public" && { authorizer: new HttpNoneAuthorizer() }),
      });
      if (needed !== "public") {
        this.api.addRoutes({ path: `${CONSOLE}${path}`, methods, integration, authorizer: bySession });
        continue;
      }
      for (const route of routes)
        Validations.of(route).acknowledge({
          id: "AwsSolutions-APIG4",
          reason: "It says itself that it is public: see its route in shared/contract.",
        });
    }

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
