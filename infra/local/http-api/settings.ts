import * as z from "zod";
import type { LambdaRuntime } from "../lambda/runtime.ts";
import type { FunctionSettings } from "../lambda/settings.ts";
import { cfnBoolean, cfnNumber, notRun, readProperties } from "../services/properties.ts";
import type { Assembly, Resource } from "../template/assembly.ts";
import { TemplateFault } from "../template/fault.ts";
import { type RoutePattern, readRouteKey } from "./routes.ts";

export interface IntegrationSettings {
  readonly resource: Resource;
  readonly lambda: FunctionSettings;
  readonly timeoutMs: number;
}

export interface AuthorizerSettings {
  readonly resource: Resource;
  readonly lambda: FunctionSettings;
  /** Such as `$request.header.Authorization`. */
  readonly identitySources: readonly string[];
  readonly cacheMs: number;
}

export interface RouteSettings extends RoutePattern {
  readonly resource: Resource;
  readonly integration: IntegrationSettings;
  readonly authorizer: AuthorizerSettings | undefined;
}

export interface CorsSettings {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposed: readonly string[];
  readonly credentials: boolean;
  readonly maxAgeSeconds: number | undefined;
}

export interface HttpApiSettings {
  readonly resource: Resource;
  readonly routes: readonly RouteSettings[];
  /** `$default` is served without a prefix, every other stage below its name. */
  readonly stage: string;
  readonly stageVariables: Readonly<Record<string, string>>;
  readonly cors: CorsSettings | undefined;
}

/** Properties of stages that are accepted and have no effect on this machine. */
const STAGE_PROPERTIES_NOT_RUN = ["AccessLogSettings", "DefaultRouteSettings", "RouteSettings"] as const;

const list = z.array(z.string()).default([]);

const apiProperties = z.strictObject({
  ProtocolType: z.literal("HTTP"),
  CorsConfiguration: z
    .strictObject({
      AllowOrigins: list,
      AllowMethods: list,
      AllowHeaders: list,
      ExposeHeaders: list,
      AllowCredentials: cfnBoolean.default(false),
      MaxAge: cfnNumber.optional(),
    })
    .optional(),
  ...notRun("Name", "Description", "Tags", "DisableExecuteApiEndpoint", "IpAddressType", "Version"),
});

const routeProperties = z.strictObject({
  ApiId: z.string(),
  RouteKey: z.string(),
  Target: z.string().startsWith("integrations/"),
  AuthorizationType: z.enum(["NONE", "CUSTOM"]).default("NONE"),
  AuthorizerId: z.string().optional(),
  ...notRun("OperationName"),
});

/** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const MAX_INTEGRATION_MS = 30_000;

const integrationProperties = z.strictObject({
  ApiId: z.string(),
  IntegrationType: z.literal("AWS_PROXY"),
  IntegrationUri: z.string(),
  PayloadFormatVersion: z.literal("2.0"),
  TimeoutInMillis: cfnNumber.pipe(z.int().min(50).max(MAX_INTEGRATION_MS)).default(MAX_INTEGRATION_MS),
  ...notRun("IntegrationMethod", "Description", "ConnectionType"),
});

const authorizerProperties = z.strictObject({
  ApiId: z.string(),
  AuthorizerType: z.literal("REQUEST"),
  AuthorizerUri: z.string(),
  AuthorizerPayloadFormatVersion: z.literal("2.0"),
  EnableSimpleResponses: cfnBoolean.refine((simple) => simple, "only simple responses run here"),
  IdentitySource: z
    .array(z.string().regex(/^\$(request\.(header|querystring)|context|stageVariables)\.[\w$-]+$/))
    .default([]),
  AuthorizerResultTtlInSeconds: cfnNumber.default(0),
  ...notRun("Name"),
});

const stageProperties = z.strictObject({
  ApiId: z.string(),
  StageName: z.string(),
  AutoDeploy: cfnBoolean.refine((on) => on, "only stages that deploy themselves run here"),
  StageVariables: z.record(z.string(), z.string()).default({}),
  ...notRun(...STAGE_PROPERTIES_NOT_RUN, "Description", "Tags"),
});

/** ARN inside `arn:aws:apigateway:<region>:lambda:path/2015-03-31/functions/<arn>/invocations`, or the ARN itself. */
const functionArn = (uri: string): string => /\/functions\/(arn:[^/]+)\/invocations$/.exec(uri)?.[1] ?? uri;

/**
 * Reads the template's HTTP API; undefined when it has none.
 *
 * @throws TemplateFault for a second API or stage, and for anything else that cannot be run here.
 */
export function readHttpApi(
  assembly: Assembly,
  runtime: Pick<LambdaRuntime, "find">,
): HttpApiSettings | undefined {
  const fault = (resource: Resource, problem: string) =>
    new TemplateFault(resource.stack, resource.logicalId, problem);
  const [resource, second] = assembly.ofType("AWS::ApiGatewayV2::Api");
  if (!resource) return undefined;
  if (second) throw fault(second, "only one HTTP API can be run here");

  const lambdaOf = (owner: Resource, uri: string): FunctionSettings => {
    const lambda = runtime.find(functionArn(uri));
    if (!lambda) throw fault(owner, `its function ${uri} is not in the template`);
    return lambda;
  };
  const referred = (owner: Resource, type: string, id: string): Resource => {
    const found = assembly.ofType(type).find(({ physicalId }) => physicalId === id);
    if (!found) throw fault(owner, `${type} ${id} is not in the template`);
    return found;
  };

  const integrationOf = (route: Resource, target: string): IntegrationSettings => {
    const found = referred(route, "AWS::ApiGatewayV2::Integration", target.slice("integrations/".length));
    const { IntegrationUri, TimeoutInMillis } = readProperties(found, integrationProperties);
    return { resource: found, lambda: lambdaOf(found, IntegrationUri), timeoutMs: TimeoutInMillis };
  };
  // One object per authorizer, however many routes use it: they share its cache.
  const authorizers = new Map<string, AuthorizerSettings>();
  const authorizerOf = (route: Resource, id: string | undefined): AuthorizerSettings => {
    if (id === undefined) throw fault(route, "AuthorizationType CUSTOM needs an AuthorizerId");
    const known = authorizers.get(id) ?? readAuthorizer(route, id);
    authorizers.set(id, known);
    return known;
  };
  const readAuthorizer = (route: Resource, id: string): AuthorizerSettings => {
    const found = referred(route, "AWS::ApiGatewayV2::Authorizer", id);
    const properties = readProperties(found, authorizerProperties);
    return {
      resource: found,
      lambda: lambdaOf(found, properties.AuthorizerUri),
      identitySources: properties.IdentitySource,
      // Without identity sources there is no key to cache under, and API Gateway does not cache.
      cacheMs: properties.IdentitySource.length === 0 ? 0 : properties.AuthorizerResultTtlInSeconds * 1_000,
    };
  };

  const { CorsConfiguration: cors } = readProperties(resource, apiProperties);
  const routes = assembly.ofType("AWS::ApiGatewayV2::Route").map((route): RouteSettings => {
    const properties = readProperties(route, routeProperties);
    const pattern = readRouteKey(properties.RouteKey);
    if (!pattern) throw fault(route, `${properties.RouteKey} is no route key`);
    return {
      ...pattern,
      resource: route,
      integration: integrationOf(route, properties.Target),
      authorizer:
        properties.AuthorizationType === "CUSTOM" ? authorizerOf(route, properties.AuthorizerId) : undefined,
    };
  });

  const [stage, other] = assembly.ofType("AWS::ApiGatewayV2::Stage");
  if (!stage) throw fault(resource, "it has no stage, so nobody can call it");
  if (other) throw fault(other, "only one stage can be run here");
  const { StageName, StageVariables } = readProperties(stage, stageProperties);
  return {
    resource,
    routes,
    stage: StageName,
    stageVariables: StageVariables,
    cors: cors && {
      origins: cors.AllowOrigins,
      methods: cors.AllowMethods,
      headers: cors.AllowHeaders,
      exposed: cors.ExposeHeaders,
      credentials: cors.AllowCredentials,
      maxAgeSeconds: cors.MaxAge,
    },
  };
}
