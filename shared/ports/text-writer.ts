import type { Prompt } from "#shared/domain/content/prompt.ts";
import type { Result } from "#shared/result.ts";

/** What a request took; numbers only, for logs. */
export interface WriterUsage {
  readonly inputTokens: number;
  /** With what the model thought. */
  readonly outputTokens: number;
  /** In millionths of a US dollar. */
  readonly costMicros: number;
}

export interface WriterAnswer {
  readonly texts: readonly string[];
  readonly usage: WriterUsage;
}

/** Nothing usable came. What was used all the same is paid for. */
export type WriterRefusal = {
  readonly usage?: WriterUsage;
} /** The model will not say this, or not answer this. */ & (
  | { readonly reason: "blocked" }
  /** Cut off, no JSON, or JSON of another shape. */
  | { readonly reason: "malformed" }
  | { readonly reason: "rate-limited"; readonly retryAfterMs?: number }
  | { readonly reason: "unavailable" }
  | { readonly reason: "too-slow" }
  /** A person has to change something: there is no key, it is refused, or the model does not exist. */
  | { readonly reason: "not-configured"; readonly cause: "no-key" | "key-refused" | "request-refused" }
);

/** A language model. Every implementation passes `test/contracts/text-writer.ts`. */
export interface TextWriter {
  /**
   * Makes one request, and repeats nothing.
   *
   * @param deadlineMs - for the whole answer, connection included
   */
  write(
    prompt: Prompt,
    options: { readonly model: string; readonly deadlineMs: number },
  ): Promise<Result<WriterAnswer, WriterRefusal>>;
}
