import type { InputError } from "#shared/contract/problem.ts";
import { quote, quoteAll } from "#shared/domain/words.ts";

/** @param where - the place of the request that names it */
export const unknownProject = (name: string, known: readonly string[], where: Partial<InputError>) => {
  const detail =
    known.length > 0
      ? `There is no project ${quote(name)}. There is ${quoteAll(known)}.`
      : `There is no project ${quote(name)}, nor any other: POST /api/v1/projects makes the first.`;
  return { problem: "unknown-project", detail, errors: [{ ...where, detail }] } as const;
};
