/** `If-Match` named another version than the one in force. */
export const changedSince = ({ version }: { readonly version: number }) =>
  ({
    problem: "precondition-failed",
    detail: `Version ${version} is in force by now. Read it, and decide again.`,
  }) as const;
