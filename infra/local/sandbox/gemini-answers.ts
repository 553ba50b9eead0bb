/**
 * Answers of Gemini for scripts: `addFault({ match: { path: GEMINI_PATH }, action: geminiAnswers.blocked() })`. What is no
 * matter of Gemini (a delay, a cut body, a lost connection) is a fault like any other.
 *
 * @see https://ai.google.dev/api/generate-content
 */

/** Every request to write. */
export const GEMINI_PATH = /^\/v1beta\/models\/[^/]+:generateContent$/;

/** About four characters to a token, as Google says of English. */
export const tokensOf = (text: string): number => Math.ceil(text.length / 4);

interface GeminiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** What a model said, in Gemini's shape. */
export const generated = (
  text: string,
  {
    prompt = "",
    model = "gemini-sandbox",
    finishReason = "STOP",
  }: { readonly prompt?: string; readonly model?: string; readonly finishReason?: string } = {},
): GeminiAnswer => ({
  status: 200,
  body: {
    candidates: [{ content: { parts: [{ text }], role: "model" }, finishReason, index: 0 }],
    usageMetadata: usage(tokensOf(prompt), tokensOf(text)),
    modelVersion: model,
    responseId: "sandbox",
  },
});

const usage = (promptTokenCount: number, candidatesTokenCount: number) => ({
  promptTokenCount,
  candidatesTokenCount,
  totalTokenCount: promptTokenCount + candidatesTokenCount,
});

/** Google's form of a refusal. */
export const refused = (
  code: number,
  status: string,
  message: string,
  details: readonly Readonly<Record<string, unknown>>[] = [],
): GeminiAnswer => ({
  status: code,
  body: { error: { code, message, status, ...(details.length > 0 && { details }) } },
});

export const geminiAnswers = {
  /** These texts, whatever was asked: also what a model says that obeys the text of a post. */
  texts: (...texts: readonly string[]): GeminiAnswer =>
    generated(JSON.stringify({ texts }), { prompt: "x".repeat(800) }),
  /** The prompt was not answered at all. */
  blocked: (): GeminiAnswer => ({
    status: 200,
    body: {
      promptFeedback: { blockReason: "PROHIBITED_CONTENT" },
      usageMetadata: { promptTokenCount: 200, totalTokenCount: 200 },
    },
  }),
  /** The answer began, and was stopped for what it said. */
  stopped: (): GeminiAnswer => ({
    status: 200,
    body: { candidates: [{ finishReason: "SAFETY", index: 0 }], usageMetadata: usage(200, 0) },
  }),
  malformed: (): GeminiAnswer => generated('Sure! Here is your post: {"texts": ["Kites'),
  /** JSON, but not what was asked for. */
  otherShape: (): GeminiAnswer => generated('{"text":"Kites"}'),
  /** The answer was longer than it may be. */
  cutShort: (): GeminiAnswer => generated('{"texts":["Kites', { finishReason: "MAX_TOKENS" }),
  rateLimited: (seconds?: number): GeminiAnswer =>
    refused(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", [
      { "@type": "type.googleapis.com/google.rpc.Help", links: [] },
      ...(seconds === undefined
        ? []
        : [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${seconds}s` }]),
    ]),
  broken: (): GeminiAnswer => refused(500, "INTERNAL", "An internal error has occurred."),
  overloaded: (): GeminiAnswer => refused(503, "UNAVAILABLE", "The model is overloaded."),
};
