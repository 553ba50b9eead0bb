import {
  type GenerationConfig,
  GoogleGenerativeAI,
  GoogleGenerativeAIError,
  GoogleGenerativeAIFetchError,
} from "@google/generative-ai";
import * as z from "zod";
import type { TextWriter, WriterRefusal, WriterUsage } from "#shared/ports/text-writer.ts";
import { err, ok } from "#shared/result.ts";
import { priceTokens } from "./prices.ts";

const API_VERSION = "v1beta";

export interface GeminiTextWriterDeps {
  /** `https://generativelanguage.googleapis.com`, or the http(s) address of a stand-in. */
  readonly endpoint: string;
  /** Undefined: nobody stored one. */
  readonly getKey: () => Promise<string | undefined>;
}

const count = z.int().nonnegative().catch(0);

/** What is read of an answer. Everything else may change. */
const generated = z.object({
  promptFeedback: z.object({ blockReason: z.string().optional() }).optional(),
  candidates: z
    .array(
      z.object({
        finishReason: z.string().optional(),
        content: z
          .object({
            parts: z
              .array(z.object({ text: z.string().optional(), thought: z.boolean().optional() }))
              .optional(),
          })
          .optional(),
      }),
    )
    .optional(),
  usageMetadata: z
    .object({ promptTokenCount: count, candidatesTokenCount: count, thoughtsTokenCount: count })
    .optional(),
});
type Generated = z.output<typeof generated>;

/** Ends of an answer that was stopped for what it says. @see https://ai.google.dev/api/generate-content#FinishReason */
const BLOCKED = new Set(["SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"]);

const details = z.array(
  z.object({
    "@type": z.string().optional(),
    reason: z.string().optional(),
    /** Decimal seconds, such as `45.837906927s`. */
    retryDelay: z.string().optional(),
  }),
);

/**
 * Gemini's `generateContent` with a schema for the answer.
 *
 * No message of the library or of Gemini leaves this module: they may quote the text of a post, and the address.
 *
 * @see https://ai.google.dev/gemini-api/docs/structured-output
 */
export function createGeminiTextWriter({ endpoint, getKey }: GeminiTextWriterDeps): TextWriter {
  return {
    async write(prompt, { model, deadlineMs }) {
      const signal = AbortSignal.timeout(deadlineMs);
      const key = await getKey();
      if (key === undefined) return err({ reason: "not-configured", cause: "no-key" });

      const { $schema: _, ...schema } = z.toJSONSchema(prompt.answer);
      const generationConfig = {
        maxOutputTokens: prompt.maxOutputTokens,
        responseMimeType: "application/json",
        // Younger than the library's types, which pass it through.
        responseJsonSchema: schema,
      } as GenerationConfig;
      let answer: Generated;
      try {
        const { response } = await new GoogleGenerativeAI(key)
          .getGenerativeModel(
            { model, systemInstruction: prompt.instructions, generationConfig },
            { baseUrl: endpoint, apiVersion: API_VERSION },
          )
          .generateContent(prompt.data, { signal });
        const parsed = generated.safeParse(response);
        if (!parsed.success) return err({ reason: "malformed" });
        answer = parsed.data;
      } catch (error) {
        return err(refusalOf(error, signal.aborted));
      }

      const usage = usageOf(answer, model);
      const refuse = (reason: "blocked" | "malformed") => err({ reason, ...(usage && { usage }) });
      const [candidate] = answer.candidates ?? [];
      if (answer.promptFeedback?.blockReason !== undefined || BLOCKED.has(candidate?.finishReason ?? ""))
        return refuse("blocked");
      if (candidate?.finishReason !== "STOP") return refuse("malformed");
      const text = (candidate.content?.parts ?? [])
        .map((part) => (part.thought ? "" : (part.text ?? "")))
        .join("");
      const written = prompt.answer.safeParse(readJson(text));
      if (!written.success) return refuse("malformed");
      return ok({ texts: written.data.texts, usage: usage ?? NOTHING_TOLD });
    },
  };
}

const NOTHING_TOLD: WriterUsage = { inputTokens: 0, outputTokens: 0, costMicros: 0 };

function usageOf({ usageMetadata }: Generated, model: string): WriterUsage | undefined {
  if (!usageMetadata) return undefined;
  const inputTokens = usageMetadata.promptTokenCount;
  const outputTokens = usageMetadata.candidatesTokenCount + usageMetadata.thoughtsTokenCount;
  return { inputTokens, outputTokens, costMicros: priceTokens(model, inputTokens, outputTokens) };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @throws whatever did not come from the library or the network: a bug */
function refusalOf(error: unknown, outOfTime: boolean): WriterRefusal {
  if (outOfTime) return { reason: "too-slow" };
  if (error instanceof GoogleGenerativeAIFetchError) return refusalOfStatus(error);
  // `fetch` failed; a body that was cut (TypeError) or was no JSON (SyntaxError): nobody knows what it said.
  const isOfNetwork =
    error instanceof GoogleGenerativeAIError || error instanceof TypeError || error instanceof SyntaxError;
  if (!isOfNetwork) throw error;
  return { reason: "unavailable" };
}

function refusalOfStatus({ status = 0, errorDetails }: GoogleGenerativeAIFetchError): WriterRefusal {
  const parsed = details.safeParse(errorDetails);
  const told = parsed.success ? parsed.data : [];
  if (status === 429) {
    const retryAfterMs = delayOf(told.find(({ retryDelay }) => retryDelay !== undefined)?.retryDelay);
    return { reason: "rate-limited", ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }
  if (status === 401 || status === 403 || told.some(({ reason }) => reason === "API_KEY_INVALID"))
    return { reason: "not-configured", cause: "key-refused" };
  if (status >= 400 && status < 500 && status !== 408 && status !== 499)
    return { reason: "not-configured", cause: "request-refused" };
  return { reason: "unavailable" };
}

function delayOf(text: string | undefined): number | undefined {
  const seconds = /^(\d{1,6}(?:\.\d{1,9})?)s$/.exec(text ?? "")?.[1];
  return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1_000);
}
