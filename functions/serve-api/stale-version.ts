import type { StaleVersion } from "#shared/usecases/change-own-account.ts";

/** `If-Match` named another version than the one in force. */
export const changedSince = ({ version }: StaleVersion) =>
  ({
    problem: "precondition-failed",
    detail: `Version ${version} is in force by now. Read it, and decide again.`,
  }) as const;
