/** Everything that must differ from call to call, so that simulations can repeat it. */
export interface Entropy {
  /** ULID: sorts by creation. */
  newId(): string;
  /** In [0, 1). */
  random(): number;
}
