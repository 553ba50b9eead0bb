import * as z from "zod";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body: Buffer;
}

const REFUSALS = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  413: "Request Entity Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const;

/** API Gateway's own answers: no function was reached, or none that could answer. */
export const refusal = (status: keyof typeof REFUSALS): HttpAnswer => ({
  status,
  headers: { "content-type": "application/json" },
  cookies: [],
  body: Buffer.from(JSON.stringify({ message: REFUSALS[status] })),
});

const structured = z.object({
  statusCode: z.coerce.number().int().min(100).max(599),
  headers: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  cookies: z.array(z.string()).default([]),
  body: z.string().default(""),
  isBase64Encoded: z.boolean().default(false),
});

/**
 * Reads a function's answer in payload format 2.0; undefined when API Gateway would not understand it.
 *
 * An answer without a status code is a body by itself.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function readAnswer(payload: unknown): HttpAnswer | undefined {
  if (typeof payload !== "object" || payload === null || !("statusCode" in payload)) {
    const body = Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload ?? null));
    return { status: 200, headers: { "content-type": "application/json" }, cookies: [], body };
  }
  const parsed = structured.safeParse(payload);
  if (!parsed.success) return undefined;
  const { statusCode, headers, cookies, body, isBase64Encoded } = parsed.data;
  const lowerCase = Object.entries(headers).map(
    ([name, value]) => [name.toLowerCase(), String(value)] as const,
  );
  return {
    status: statusCode,
    headers: { "content-type": "text/plain;charset=utf-8", ...Object.fromEntries(lowerCase) },
    cookies,
    body: Buffer.from(body, isBase64Encoded ? "base64" : "utf8"),
  };
}
