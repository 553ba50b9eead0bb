import type { IncomingHttpHeaders } from "node:http";

/** Access key id of the person who deploys: everything is allowed, as it is for an administrator on AWS. */
export const operatorId = "OPERATOR";

export interface Caller {
  /** Access key id: the logical id of a function, or {@link operatorId}. */
  readonly id: string;
  /** Service of the credential scope, such as `sqs`. */
  readonly service: string;
}

/**
 * Reads who calls from the signature's credential scope. Signatures are not verified: an access key id here is a name,
 * not a secret.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 */
export function readCaller(headers: IncomingHttpHeaders, query: URLSearchParams): Caller | undefined {
  const header = /Credential=([^,\s]+)/.exec(headers.authorization ?? "")?.[1];
  return parseScope(header ?? query.get("X-Amz-Credential") ?? "");
}

/** Splits `<access key id>/<date>/<region>/<service>/aws4_request`. */
export function parseScope(scope: string): Caller | undefined {
  const [id, , , service, terminator] = scope.split("/");
  if (id === undefined || id === "" || service === undefined || terminator !== "aws4_request") {
    return undefined;
  }
  return { id, service };
}
