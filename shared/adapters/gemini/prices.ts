/** US dollars for a million tokens; what a model thinks counts as output. */
interface Price {
  readonly input: number;
  readonly output: number;
}

/** @see https://ai.google.dev/gemini-api/docs/pricing read in November 2026 */
const PRICES: Readonly<Record<string, Price>> = {
  "gemini-3.1-flash-lite": { input: 0.25, output: 1.5 },
  "gemini-3.5-flash-lite": { input: 0.3, output: 2.5 },
  "gemini-3.5-flash": { input: 1.5, output: 9 },
  "gemini-3.6-flash": { input: 1.5, output: 7.5 },
};

/** A model that is not listed costs no less than any that is. */
const DEAREST: Price = {
  input: Math.max(...Object.values(PRICES).map(({ input }) => input)),
  output: Math.max(...Object.values(PRICES).map(({ output }) => output)),
};

/** In millionths of a US dollar, rounded up: dollars for a million tokens are millionths for one. */
export function priceTokens(model: string, inputTokens: number, outputTokens: number): number {
  const { input, output } = PRICES[model] ?? DEAREST;
  return Math.ceil(inputTokens * input + outputTokens * output);
}
