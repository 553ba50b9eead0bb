import * as z from "zod";
import { generated, refused, tokensOf } from "./gemini-answers.ts";
import { answerAsModel } from "./gemini-model.ts";
import { type Answer, XProblem } from "./problems.ts";
import { type Message, readBody } from "./request-body.ts";

/** The key of the stand-in: as secret as its address. */
export const SANDBOX_GEMINI_KEY = "sandbox-gemini-key";

/** What it was asked. Google keeps that to itself; here tests look at every byte that leaves. */
export interface WritingAsked {
  readonly model: string;
  readonly instructions: string;
  readonly data: string;
}

export interface GeminiApi {
  /** @param path - without the query, begins with `/v1beta/` */
  handle(request: {
    readonly method: string;
    readonly path: string;
    readonly message: Message;
  }): Promise<Answer>;
  /** The last requests that were well formed, oldest first. */
  asked(): readonly WritingAsked[];
}

const MAX_BODY_BYTES = 1_024 * 1_024;
const KEPT = 1_000;

const part = z.strictObject({ text: z.string().min(1) });
const content = z.strictObject({ role: z.enum(["user", "model"]), parts: z.array(part).min(1) });

/** What JSON schemas may say there. @see https://ai.google.dev/gemini-api/docs/structured-output#json-schema-support */
const KEYWORDS = new Set(
  [
    "$id",
    "$defs",
    "$ref",
    "$anchor",
    "type",
    "format",
    "title",
    "description",
    "enum",
    "items",
    "prefixItems",
  ].concat([
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "anyOf",
    "oneOf",
    "properties",
    "additionalProperties",
    "required",
  ]),
);

const requestBody = z.strictObject({
  contents: z.array(content).min(1),
  systemInstruction: z.strictObject({ role: z.string().optional(), parts: z.array(part).min(1) }).optional(),
  safetySettings: z.array(z.unknown()).max(0).optional(),
  generationConfig: z
    .strictObject({
      maxOutputTokens: z.int().min(1).max(65_536).optional(),
      responseMimeType: z.enum(["text/plain", "application/json"]).optional(),
      responseJsonSchema: z.record(z.string(), z.unknown()).optional(),
    })
    .optional(),
});

const refuse = (...how: Parameters<typeof refused>): XProblem => new XProblem(refused(...how));
const invalid = (message: string) => refuse(400, "INVALID_ARGUMENT", message);

/**
 * The one method of Gemini that Punctual uses, as strict as the real one about key, model, fields and schema.
 *
 * @see https://ai.google.dev/api/generate-content
 */
export function createGeminiApi(): GeminiApi {
  const kept: WritingAsked[] = [];

  return {
    asked: () => [...kept],

    async handle({ method, path, message }) {
      const body = await readBody(message, MAX_BODY_BYTES, "body-too-large");
      const model = /^\/v1beta\/models\/([^/:]+):generateContent$/.exec(path)?.[1];
      if (model === undefined || method !== "POST") throw refuse(404, "NOT_FOUND", "Method not found.");
      checkKey(message.headers["x-goog-api-key"]);
      if (!/^gemini-[a-z0-9.-]+$/.test(model))
        throw refuse(404, "NOT_FOUND", `models/${model} is not found for API version v1beta.`);
      const {
        contents,
        systemInstruction,
        generationConfig = {},
      } = parse(body, message.headers["content-type"]);
      const { responseJsonSchema, responseMimeType, maxOutputTokens = 65_536 } = generationConfig;
      if (responseJsonSchema) {
        if (responseMimeType !== "application/json")
          throw invalid("A response schema needs the response mime type application/json.");
        checkSchema(responseJsonSchema);
      }

      const textOf = ({ parts }: { readonly parts: readonly { readonly text: string }[] }) =>
        parts.map(({ text }) => text).join("");
      const data = contents.map(textOf).join("\n");
      const instructions = systemInstruction ? textOf(systemInstruction) : "";
      kept.push({ model, instructions, data });
      if (kept.length > KEPT) kept.shift();

      const text = answerAsModel(data);
      const isWhole = tokensOf(text) <= maxOutputTokens;
      return generated(isWhole ? text : text.slice(0, maxOutputTokens * 4), {
        prompt: instructions + data,
        model,
        finishReason: isWhole ? "STOP" : "MAX_TOKENS",
      });
    },
  };
}

function checkKey(key: string | string[] | undefined): void {
  if (key === undefined || key === "")
    throw refuse(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.");
  if (key !== SANDBOX_GEMINI_KEY)
    throw refuse(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        reason: "API_KEY_INVALID",
        domain: "googleapis.com",
      },
    ]);
}

function parse(body: Buffer, contentType = ""): z.output<typeof requestBody> {
  if (!/^application\/json\b/i.test(contentType)) throw invalid("The content type must be application/json.");
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw invalid("Invalid JSON payload received.");
  }
  const parsed = requestBody.safeParse(value);
  if (!parsed.success) throw invalid(`Invalid JSON payload received. ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** Below `properties` and `$defs` stand names, everywhere else keywords. */
function checkSchema(schema: unknown, namesFollow = false): void {
  if (Array.isArray(schema)) {
    for (const each of schema) checkSchema(each);
    return;
  }
  if (typeof schema !== "object" || schema === null) return;
  for (const [name, value] of Object.entries(schema)) {
    if (!namesFollow && !KEYWORDS.has(name))
      throw invalid(`The response schema has the unknown keyword "${name}".`);
    checkSchema(value, !namesFollow && (name === "properties" || name === "$defs"));
  }
}
