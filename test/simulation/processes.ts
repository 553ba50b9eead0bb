import type { Random } from "./random.ts";

/** One invocation of one function, or one person at the API: what a crash ends. */
export interface Process {
  readonly id: number;
  readonly name: string;
  /** What its clock shows more than the true time, in ms. */
  readonly skewMs: number;
  /** True time of its start, in ms. */
  readonly startedAt: number;
  /** When its function times out, in true time. */
  readonly endsAt: number;
  /** Its environment was frozen rather than destroyed: it wakes once after its end. */
  readonly wakesAfterEnd: boolean;
  /** The task that it was started for. */
  readonly taskId: string | undefined;
  /** `waking`: it runs on to its next call, whose answer it will not see. */
  state: "running" | "waking" | "dead";
  /** A crash, a stall or a failed call met it since it wrote an intent. */
  isDisturbed: boolean;
  onDeath: (() => void) | undefined;
}

export interface ProcessOptions {
  readonly name: string;
  readonly startedAt: number;
  readonly timeoutMs: number;
  readonly taskId?: string | undefined;
  readonly calm: boolean;
}

/** Clocks of Lambda's hosts are within a second or so of the true time. */
const MAX_SKEW_MS = 2_000;

export function createProcess(id: number, random: Random, options: ProcessOptions): Process {
  const { name, startedAt, timeoutMs, taskId, calm } = options;
  return {
    id,
    name,
    startedAt,
    endsAt: startedAt + timeoutMs,
    skewMs: calm
      ? 0
      : random.chance(0.7)
        ? random.between(-50, 50)
        : random.between(-MAX_SKEW_MS, MAX_SKEW_MS),
    wakesAfterEnd: !calm && random.chance(0.3),
    taskId,
    state: "running",
    isDisturbed: false,
    onDeath: undefined,
  };
}

export function end(process: Process): void {
  if (process.state === "dead") return;
  process.state = "dead";
  process.onDeath?.();
}
