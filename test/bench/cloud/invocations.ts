import type { LogLine } from "#infra/local/lambda/runtime.ts";
import { mean } from "#test/bench/statistics.ts";

/** What Lambda's own lines tell about a function since they were last forgotten. */
export interface InvocationFigures {
  readonly count: number;
  /** Of an invocation, without the load of the function, in ms. */
  readonly meanMs: number;
  readonly mostAtOnce: number;
  readonly coldStarts: number;
}

/** Reads the START and REPORT lines of one function; others are passed over. */
export function watchInvocations() {
  let functionId: string | undefined;
  let running = 0;
  let mostAtOnce = 0;
  let coldStarts = 0;
  let durations: number[] = [];

  return {
    /** @param id - logical id of the function that counts */
    watch(id: string): void {
      functionId = id;
    },
    forget(): void {
      mostAtOnce = running;
      coldStarts = 0;
      durations = [];
    },
    onLog(line: LogLine): void {
      if (line.stream !== "platform" || line.functionId !== functionId) return;
      if (line.line.startsWith("START ")) {
        running += 1;
        mostAtOnce = Math.max(mostAtOnce, running);
        return;
      }
      const [, duration, cold] = /^REPORT .*?\tDuration: ([\d.]+) ms(\tInit Duration)?/.exec(line.line) ?? [];
      if (duration === undefined) return;
      running -= 1;
      durations.push(Number(duration));
      if (cold !== undefined) coldStarts += 1;
    },
    figures: (): InvocationFigures => ({
      count: durations.length,
      meanMs: mean(durations),
      mostAtOnce,
      coldStarts,
    }),
  };
}
