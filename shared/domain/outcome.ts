import type { Drop } from "./drop.ts";
import type { Content, Task } from "./task.ts";

/** What became of everything dropped under one base name, as it was read together. */
export interface Outcome {
  readonly drop: Drop;
  /** Absent while there is no task. */
  readonly post?: {
    readonly task: Task;
    /** Of the revision in force. */
    readonly content: Content;
    /** Name of the account, as people know it. */
    readonly account: string;
    /** Of the project: IANA name. */
    readonly timeZone: string;
  };
}

/** Versions of a drop and of its task (0: none). */
export interface OutcomeVersion {
  readonly drop: number;
  readonly task: number;
}

/** Where the outcome of everything dropped as `base` is written. Both parts come from `parseDropKey`. */
export const outcomeKey = (project: string, base: string): string => `outcome/${project}/${base}.json`;

export const formatVersion = ({ drop, task }: OutcomeVersion): string => `${drop}.${task}`;

/** Undefined for anything that `formatVersion` never wrote. */
export function parseVersion(text: string | undefined): OutcomeVersion | undefined {
  const [, drop, task] = /^(\d{1,15})\.(\d{1,15})$/.exec(text ?? "") ?? [];
  return drop === undefined ? undefined : { drop: Number(drop), task: Number(task) };
}

/**
 * Whether `a` was read later than `b`. A drop changes its task only together with its own version, so versions of
 * two tasks are never compared.
 */
export const isNewer = (a: OutcomeVersion, b: OutcomeVersion): boolean =>
  a.drop > b.drop || (a.drop === b.drop && a.task > b.task);

export const versionOf = ({ drop, post }: Outcome): OutcomeVersion => ({
  drop: drop.version,
  task: post?.task.version ?? 0,
});
