/** An answer in the words and the wire format of one AWS service. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Kind = "access-denied" | "throttled" | "not-known";

/** Code and status by service; SDKs map these codes to their error classes and to whether they retry. */
const codes: Readonly<Record<string, Readonly<Record<Kind, readonly [code: string, status: number]>>>> = {
  dynamodb: {
    "access-denied": ["AccessDeniedException", 400],
    throttled: ["ThrottlingException", 400],
    "not-known": ["UnknownOperationException", 400],
  },
  kms: {
    "access-denied": ["AccessDeniedException", 400],
    throttled: ["ThrottlingException", 400],
    "not-known": ["UnknownOperationException", 400],
  },
  s3: {
    "access-denied": ["AccessDenied", 403],
    throttled: ["SlowDown", 503],
    "not-known": ["NotImplemented", 501],
  },
  scheduler: {
    "access-denied": ["AccessDeniedException", 403],
    throttled: ["ThrottlingException", 429],
    "not-known": ["UnknownOperationException", 404],
  },
  sqs: {
    "access-denied": ["AccessDeniedException", 403],
    throttled: ["RequestThrottled", 403],
    "not-known": ["UnsupportedOperation", 400],
  },
};

const anyService: Readonly<Record<Kind, readonly [code: string, status: number]>> = {
  "access-denied": ["AccessDeniedException", 403],
  throttled: ["ThrottlingException", 429],
  "not-known": ["UnknownOperationException", 404],
};

export function refusal(service: string, kind: Kind, message: string): Answer {
  const [code, status] = (codes[service] ?? anyService)[kind];
  return errorAnswer(service, code, status, message);
}

export function errorAnswer(
  service: string,
  code: string,
  status: number,
  message: string,
  more: Readonly<Record<string, unknown>> = {},
): Answer {
  if (service === "s3") {
    const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message><RequestId>local</RequestId><HostId>local</HostId></Error>`;
    return { status, headers: { "content-type": "application/xml" }, body };
  }
  const isRest = service === "scheduler";
  const body = isRest
    ? { Message: message }
    : { __type: `com.amazonaws.${service}#${code}`, message, Message: message, ...more };
  return {
    status,
    headers: {
      "content-type": isRest ? "application/json" : "application/x-amz-json-1.0",
      "x-amzn-errortype": code,
    },
    body: JSON.stringify(body),
  };
}

export const escapeXml = (value: string): string =>
  value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&apos;");

export const unescapeXml = (value: string): string =>
  value
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll(/&#(x?)([0-9a-fA-F]+);/g, (_match, hex: string, digits: string) =>
      String.fromCodePoint(Number.parseInt(digits, hex === "" ? 10 : 16)),
    )
    .replaceAll("&amp;", "&");
