import type { ProjectId } from "./ids.ts";
import type { Strategy } from "./planning/strategy.ts";
import type { LatePolicy, ReconcilePolicy } from "./task.ts";

/** Of one project: all of them are let go of in one transaction. */
export const MAX_SOURCES = 20;

/** What stands in for a field that a dropped file does not have. Absent: what the project or Punctual says. */
export interface SourceDefaults {
  /** Name of an account of the project, or `any`. */
  readonly account?: string;
  readonly priority?: number;
  readonly language?: string;
  readonly latePolicy?: LatePolicy;
  readonly reconcile?: ReconcilePolicy;
  /** Only for files that name no time and do not recur. */
  readonly strategy?: Strategy;
  readonly reuseMedia?: boolean;
}

/** A folder under `drop/`: whose files they are, and what they do not have to say. */
export interface Source {
  /** Unique in the deployment: all owners share one bucket. */
  readonly folder: string;
  readonly projectId: ProjectId;
  /** False: files that are dropped are left alone until it is on again. */
  readonly enabled: boolean;
  readonly defaults: SourceDefaults;
  /** When it was last looked through for files whose event was lost. */
  readonly lastScanAt?: Date;
  /** Grows by one with every write, a noted scan included. */
  readonly version: number;
}

export const newSource = (folder: string, projectId: ProjectId, defaults: SourceDefaults = {}): Source => ({
  folder,
  projectId,
  enabled: true,
  defaults,
  version: 1,
});
