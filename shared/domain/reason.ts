/** Why something is not on the straight way, in words for a person. Every code is explained in `docs/errors.md`. */
export interface Reason {
  /** Kebab-case and stable: scripts match on it. */
  readonly code: string;
  readonly message: string;
  /** What the reader can do. "Nothing to do" is a remedy too. */
  readonly remedy: string;
}
