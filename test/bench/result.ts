/** Last line of every bench. */
export interface BenchResult {
  readonly name: string;
  readonly figures: Readonly<Record<string, unknown>>;
  readonly targets: Readonly<Record<string, number>>;
  readonly met: Readonly<Record<string, boolean>>;
}
