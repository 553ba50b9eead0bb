import { SQSClient } from "@aws-sdk/client-sqs";

export interface GatewayClientOptions {
  /** Gateway address, without a trailing slash. */
  readonly gatewayUrl: string;
  readonly region: string;
  /** In whose name: the logical id of a function, or `operatorId`. */
  readonly caller: string;
}

/** Settings of an SDK client that talks to the gateway in somebody's name. The secret is never checked, only the id. */
export const gatewayClient = ({ gatewayUrl, region, caller }: GatewayClientOptions) => ({
  endpoint: gatewayUrl,
  region,
  credentials: { accessKeyId: caller, secretAccessKey: "local" },
});

export const sqsClient = (options: GatewayClientOptions): SQSClient => new SQSClient(gatewayClient(options));

/** AWS's own words for "you may not", in every protocol. */
export const isAccessDenied = (error: unknown): error is Error =>
  error instanceof Error && /AccessDenied|NotAuthorized|UnrecognizedClient/.test(error.name);
