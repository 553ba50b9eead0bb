export interface Clock {
  now(): Date;
  /** Resolves at `at` or later, never before; at once when it has passed. */
  sleepUntil(at: Date): Promise<void>;
}
