import type { Drop } from "#shared/domain/drop.ts";
import type { Result } from "#shared/result.ts";

/** What was dropped and what became of it. Passes `test/contracts/drop-store.ts`. */
export interface DropStore {
  get(project: string, base: string): Promise<Drop | undefined>;

  /** Replaces the drop whose version is one less (version 1: none). A drop and its task are written by `TaskStore`. */
  save(next: Drop): Promise<Result<void, { readonly reason: "stale" }>>;

  /** Remembers that the sidecar of `base` lists `file`, so that the arrival of the file finds it. Repeatable. */
  expect(project: string, file: string, base: string, at: Date): Promise<void>;

  /** Base names whose sidecars list `file`. */
  expectedBy(project: string, file: string): Promise<readonly string[]>;
}
