import type { Counter } from "./context.ts";
import { maybeDone } from "./failures.ts";

/**
 * Makes a request under an `Idempotency-Key` that the command knows. When nobody can say what became of it, the key is told
 * on the error output: with it the command can be repeated, and does its work once.
 *
 * @param given - of `--idempotency-key`
 */
export async function callOnce<Answer>(
  given: string | undefined,
  { surroundings }: Counter,
  call: (key: string) => Promise<Answer>,
): Promise<Answer> {
  const key = given ?? surroundings.newKey();
  try {
    return await call(key);
  } catch (error) {
    if (maybeDone(error)) surroundings.err(safeToRepeat(key));
    throw error;
  }
}

export const safeToRepeat = (key: string): string => `Safe to repeat: --idempotency-key ${key}`;
