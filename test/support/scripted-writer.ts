import type { Prompt } from "#shared/domain/content/prompt.ts";
import type { TextWriter, WriterRefusal } from "#shared/ports/text-writer.ts";
import { err, ok } from "#shared/result.ts";

export const USAGE = { inputTokens: 300, outputTokens: 40, costMicros: 190 };

export type WriterTurn = readonly string[] | WriterRefusal;

/** A model that says what the test tells it to, one turn after the other, and then nothing more. */
export function scriptedWriter(...turns: WriterTurn[]) {
  const left = [...turns];
  const asked: { readonly prompt: Prompt; readonly model: string; readonly deadlineMs: number }[] = [];
  const writer: TextWriter = {
    async write(prompt, options) {
      asked.push({ prompt, ...options });
      const turn = left.shift();
      if (!turn) throw new RangeError("the model was asked more often than the test says");
      return "reason" in turn ? err(turn) : ok({ texts: turn, usage: USAGE });
    },
  };
  return { ...writer, asked, script: (...more: WriterTurn[]) => left.push(...more) };
}
