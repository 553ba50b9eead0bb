/**
 * What the caller of a failed operation may do.
 *
 * - `never`: the same call fails again; a person must change something.
 * - `backoff`: nothing took effect; safe to repeat later.
 * - `check-first`: it may have taken effect; look before repeating.
 */
export type Retry = "never" | "backoff" | "check-first";

export interface FaultOptions extends ErrorOptions {
  /** Identifiers, counts and codes only: details are logged, so no token and no text of a post. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Base of everything unexpected that Punctual throws. Expected refusals are `Result`s. */
export abstract class Fault extends Error {
  /** Stable, kebab-case, documented in `docs/errors.md`: alarms and clients match on it. */
  abstract readonly code: string;
  abstract readonly retry: Retry;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, { details = {}, ...options }: FaultOptions = {}) {
    super(message, options);
    this.details = details;
  }
}

/** Deployed or called wrongly: a person must change something. */
export class ConfigurationFault extends Fault {
  override readonly name = "ConfigurationFault";
  readonly code = "configuration";
  readonly retry = "never";
}

/** A dependency refused or did not answer, and nothing took effect. */
export class DependencyFault extends Fault {
  override readonly name = "DependencyFault";
  readonly code = "dependency-unavailable";
  readonly retry = "backoff";
}

/** A message that no version of Punctual could have sent. Repeating it cannot help: it goes to the dead letters. */
export class MalformedMessageFault extends Fault {
  override readonly name = "MalformedMessageFault";
  readonly code = "malformed-message";
  readonly retry = "never";
}
