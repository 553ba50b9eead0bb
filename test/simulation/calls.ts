import { DependencyFault } from "#shared/errors.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { type CallFault, type CallKind, type Fault, MENUS } from "./faults.ts";
import type { Kernel } from "./kernel.ts";
import { createProcess, end, type Process, type ProcessOptions } from "./processes.ts";
import type { Random } from "./random.ts";

/** How the simulation treats a method of a port. */
export interface MethodSpec<Args extends readonly unknown[]> {
  /** By the arguments, where a write may be a transaction. */
  readonly kind: CallKind | ((...args: Args) => CallKind);
  /** The task that the call is about; absent: the one that its worker was started for. */
  readonly taskOf?: (...args: Args) => string | undefined;
  /** What a reader of an index may see instead: an older truth. */
  readonly stale?: (fresh: unknown, ...args: Args) => unknown;
  /** What the caller sees when its own repeat met its own condition. Absent: what the first try answered. */
  readonly repeated?: () => unknown;
}

/** Every method of a port, so that none escapes. */
export type PortSpec<Port> = {
  readonly [Name in keyof Port]-?: Port[Name] extends (...args: infer Args) => Promise<unknown>
    ? MethodSpec<Args>
    : never;
};

/** What is told about a call, for coverage and for the history. */
export interface CallWatch {
  fault(fault: Fault, taskId: string | undefined, process: Process | undefined): void;
  /** Only asked for a history. */
  readonly call?: (process: Process, name: string, args: readonly unknown[], answer: string) => void;
}

export interface CallsOptions {
  readonly kernel: Kernel;
  /** Order and duration of every await. */
  readonly latencies: Random;
  readonly faults: Random;
  /** Multiplies every rate; 0 from the instant at which faults stop. */
  readonly severity: () => number;
  readonly watch: CallWatch;
}

/** Whose turn it is, and what can happen to whatever it awaits. */
export interface Calls {
  /** The process whose code runs now; undefined: nobody's (the world itself). */
  running(): Process | undefined;
  /** The clock that the running process sees. */
  readonly clock: Clock;
  /** A port as seen through a network that fails. */
  wrap<Port extends object>(name: string, port: Port, spec: PortSpec<Port>): Port;
  /** Starts a process. `done` is told how it ended, unless it crashed; then `died` is, some time. */
  start(
    options: Omit<ProcessOptions, "calm" | "startedAt">,
    run: (process: Process) => Promise<unknown>,
    ends: { readonly done: (failed: unknown) => void; readonly died: () => void },
  ): void;
  /** A call that answers for itself: whatever it does, its worker may die or stall around it. */
  ask<Answer>(
    name: string,
    kind: CallKind,
    taskId: string | undefined,
    begin: (answer: (value: Answer, atMs: number) => void) => void,
  ): Promise<Answer>;
}

/** New each time: one that all wait for would keep every dead process in memory. */
const never = (): Promise<never> => new Promise(() => {});

/** Latencies of a request and its answer, in ms. */
const LATENCY_MS: Readonly<Record<CallKind, readonly [number, number]>> = {
  read: [1, 12],
  index: [2, 20],
  write: [2, 15],
  transaction: [3, 30],
  send: [3, 25],
  sleep: [0, 8],
  platform: [30, 400],
};
/** An AWS call is given up after 10 s (`TIMING.lookupDeadlineMs`). */
const LATE_MS = [300, 9_000] as const;
/** From a hiccup to far beyond every lease. */
const STALL_MS = [3_000, 900_000] as const;

export function createCalls({ kernel, latencies, faults, severity, watch }: CallsOptions): Calls {
  let current: Process | undefined;
  let processes = 0;

  /** Runs the continuation of a call, if anybody is there to run it. */
  function proceed(process: Process, go: () => void): void {
    const isOver = kernel.now() >= process.endsAt;
    if (process.state !== "running" || (isOver && !process.wakesAfterEnd)) {
      end(process);
      return;
    }
    if (isOver) {
      process.state = "waking";
      watch.fault("woke-after-end", process.taskId, process);
    }
    current = process;
    go();
  }

  function drawFault(kind: CallKind): CallFault | undefined {
    const drawn = (faults.next() * 1_000) / severity();
    let sum = 0;
    for (const [fault, rate] of MENUS[kind]) {
      sum += rate;
      if (drawn < sum) return fault;
    }
    return undefined;
  }

  /** When the answer of a call arrives that was slowed down. */
  function slowness(fault: CallFault | undefined): number {
    switch (fault) {
      case "answered-late":
      case "answer-lost":
        return latencies.between(...LATE_MS);
      case "repeated":
        return latencies.between(50, 3_000);
      case "stalled":
        return latencies.spread(...STALL_MS);
      default:
        return 0;
    }
  }

  function call(
    name: string,
    spec: MethodSpec<readonly unknown[]>,
    args: readonly unknown[],
    effect: () => Promise<unknown>,
  ): Promise<unknown> {
    const process = current;
    if (!process) throw new RangeError(`${name} was called by nobody`);
    if (process.state === "dead") return never();
    const kind = typeof spec.kind === "function" ? spec.kind(...args) : spec.kind;
    const taskId = spec.taskOf?.(...args) ?? process.taskId;
    const fault = drawFault(kind);
    if (fault) {
      // What an index hides is known only when it is read.
      if (fault !== "stale-index") watch.fault(fault, taskId, process);
      process.isDisturbed = true;
    }
    if (fault === "crash-before") {
      watch.call?.(process, name, args, "crashes before it");
      end(process);
      return never();
    }
    const [shortest, longest] = LATENCY_MS[kind];
    let travelMs = latencies.between(shortest, longest);
    if (fault === "conflict") travelMs += latencies.between(20, 4_000);
    const givenUp = fault === "conflict" && latencies.chance(0.1);

    return new Promise((resolve, reject) => {
      const fail = (error: Error, what: string): void => {
        watch.call?.(process, name, args, what);
        proceed(process, () => reject(error));
      };
      /** The effect has happened; its answer is on the way. */
      const deliver = (fresh: unknown): void => {
        if (fault === "answer-lost") {
          fail(new AnswerLost(name), `${shown(fresh)}, answer lost, throws`);
          return;
        }
        const value =
          fault === "repeated" && spec.repeated
            ? spec.repeated()
            : fault === "stale-index" && spec.stale
              ? spec.stale(fresh, ...args)
              : fresh;
        watch.call?.(process, name, args, fault ? `${shown(value)} (${fault})` : shown(value));
        proceed(process, () => resolve(value));
      };
      const takeEffect = (fresh: unknown): void => {
        if (!fault) {
          deliver(fresh);
          return;
        }
        // An intent that was just written starts with a clean slate, and this is part of what follows it.
        process.isDisturbed = true;
        if (fault === "crash-after") {
          watch.call?.(process, name, args, `${shown(fresh)}, crashes after it`);
          end(process);
          return;
        }
        const extraMs = slowness(fault);
        if (extraMs === 0) deliver(fresh);
        else kernel.plan(kernel.now() + extraMs, () => deliver(fresh));
      };
      kernel.plan(kernel.now() + travelMs, () => {
        if (fault === "not-sent" || fault === "throttled" || givenUp) {
          fail(new DependencyFault(`${name}: ${fault}`), `${fault}, throws`);
          return;
        }
        // Of a worker that died meanwhile, the request is on its way or it is not.
        if (process.state === "dead" && latencies.chance(0.5)) return;
        current = process;
        effect().then(takeEffect, (error) => proceed(process, () => reject(error)));
      });
    });
  }

  const clock: Clock = {
    now: () => new Date(kernel.now() + (current?.skewMs ?? 0)),
    sleepUntil(at) {
      const process = current;
      if (!process) throw new RangeError("nobody sleeps");
      if (process.state === "dead") return never();
      const fault = drawFault("sleep");
      if (fault) {
        watch.fault(fault, process.taskId, process);
        process.isDisturbed = true;
      }
      if (fault === "crash-before" || fault === "crash-after") {
        watch.call?.(process, "sleep", [at], "crashes");
        end(process);
        return never();
      }
      const wakeAt = Math.max(at.getTime() - process.skewMs, kernel.now());
      return new Promise((resolve) =>
        kernel.plan(wakeAt + latencies.between(...LATENCY_MS.sleep) + slowness(fault), () => {
          watch.call?.(process, "sleep", [at], fault ?? "");
          proceed(process, resolve);
        }),
      );
    },
  };

  return {
    running: () => current,
    clock,
    wrap(name, port, spec) {
      const wrapped: Record<string, unknown> = {};
      for (const [method, methodSpec] of Object.entries<MethodSpec<readonly unknown[]>>(spec)) {
        const target = port[method as keyof typeof port] as (...args: unknown[]) => Promise<unknown>;
        const full = `${name}.${method}`;
        wrapped[method] = (...args: unknown[]) => call(full, methodSpec, args, () => target(...args));
      }
      return wrapped as typeof port;
    },
    start(options, run, { done, died }) {
      const calm = severity() === 0;
      const process = createProcess(++processes, faults, { ...options, startedAt: kernel.now(), calm });
      if (Math.abs(process.skewMs) > 100) watch.fault("clock-skewed", process.taskId, process);
      process.onDeath = died;
      current = process;
      const finish = (failed: unknown): void => {
        if (process.state === "dead") return;
        process.state = "dead";
        done(failed);
      };
      run(process).then(() => finish(undefined), finish);
    },
    ask<Answer>(
      name: string,
      kind: CallKind,
      taskId: string | undefined,
      begin: (answer: (value: Answer, atMs: number) => void) => void,
    ): Promise<Answer> {
      const process = current;
      if (!process) throw new RangeError(`${name} was called by nobody`);
      if (process.state === "dead") return never();
      const fault = drawFault(kind);
      if (fault) {
        watch.fault(fault, taskId, process);
        process.isDisturbed = true;
      }
      if (fault === "crash-before") {
        watch.call?.(process, name, [], "crashes before it");
        end(process);
        return never();
      }
      return new Promise((resolve) => {
        begin((value, atMs) => {
          kernel.plan(atMs + slowness(fault), () => {
            watch.call?.(process, name, [], fault ? `${shown(value)} (${fault})` : shown(value));
            if (fault === "crash-after") end(process);
            else proceed(process, () => resolve(value));
          });
        });
      });
    },
  };
}

/** As the SDK throws it: nobody can tell whether it took effect. */
class AnswerLost extends Error {
  override readonly name = "TimeoutError";
  constructor(call: string) {
    super(`${call}: no answer`);
  }
}

/** An answer in a few words, for a history. */
function shown(value: unknown): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return `${value.length} items`;
  if (typeof value !== "object" || value === null) return String(value);
  if ("ok" in value && "error" in value) return `refused ${JSON.stringify(value.error)}`;
  if ("ok" in value) return "ok";
  if ("kind" in value) return JSON.stringify(value);
  return "";
}
