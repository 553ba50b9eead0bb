import type { GatewayRefusal } from "./gateway/gateway.ts";
import type { LogLine } from "./lambda/runtime.ts";
import { WiringFault } from "./services/wiring-fault.ts";

/** Something went wrong that the person in front of the terminal, or a test, has to hear of. */
export interface Report {
  readonly kind: "access-denied" | "failed-invocation" | "fault" | "wiring";
  /** Logical id of the function or resource; empty when there is none. */
  readonly subject: string;
  readonly message: string;
  /** How often the very same happened. */
  readonly count: number;
}

export interface Reports {
  refusal(refusal: GatewayRefusal): void;
  fault(fault: Error): void;
  /** Finds failed invocations in the lines that Lambda writes. */
  log(line: LogLine): void;
  all(): readonly Report[];
}

/** The oldest go when there are more: a loop of failures must not fill the memory. */
const keptReports = 1_000;

export function createReports(onReport?: (report: Report) => void): Reports {
  const kept = new Map<string, Report>();
  const add = (kind: Report["kind"], subject: string, message: string): void => {
    const key = JSON.stringify([kind, subject, message]);
    const report: Report = { kind, subject, message, count: (kept.get(key)?.count ?? 0) + 1 };
    if (!kept.has(key) && kept.size >= keptReports) {
      kept.delete(kept.keys().next().value ?? "");
    }
    kept.set(key, report);
    onReport?.(report);
  };
  return {
    refusal: ({ caller, message }) => add("access-denied", caller, message),
    fault: (fault) =>
      fault instanceof WiringFault
        ? add("wiring", fault.resource, fault.message)
        : add("fault", "", describe(fault)),
    log: ({ functionId, stream, line }) => {
      if (stream !== "platform") return;
      const [, type, message] = /\tStatus: error\tError Type: (.*)\tMessage: (.*)$/.exec(line) ?? [];
      if (type !== undefined) {
        add("failed-invocation", functionId, `${functionId} failed: ${type}: ${message}`);
      }
    },
    all: () => [...kept.values()],
  };
}

function describe(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${describe(error.cause)}` : error.message;
}
