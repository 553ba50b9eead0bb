import type { Task } from "#shared/domain/task.ts";
import type { Process } from "./processes.ts";

/** Everything that happened in a run, in the order in which it did. */
export interface History {
  note(at: number, text: string): void;
  call(at: number, process: Process, name: string, args: readonly unknown[], answer: string): void;
  /** A task has another status. */
  step(at: number, before: Task | undefined, next: Task): void;
}

/** Short enough to be told apart in a history. */
const shortId = (id: string): string => id.replace(/^01K0+/, "#");

function shownArgument(arg: unknown): string {
  if (arg instanceof Date) return arg.toISOString().slice(11, 23);
  if (typeof arg === "string") return shortId(arg);
  if (typeof arg === "object" && arg !== null) {
    if ("arm" in arg && "step" in arg) {
      const { taskId, arm, step, part } = arg as { taskId: string; arm: number; step: string; part?: number };
      return `${step} of ${shortId(taskId)} arm ${arm}${part ? ` part ${part}` : ""}`;
    }
    if ("version" in arg && "status" in arg) {
      const { id, status, version } = arg as { id: string; status: string; version: number };
      return `${shortId(id)} v${version} ${status}`;
    }
    if ("kind" in arg) return String((arg as { kind: unknown }).kind);
    const keys = Object.keys(arg);
    return keys.length > 0 ? `with ${keys.join(", ")}` : "";
  }
  return arg === undefined ? "" : String(arg);
}

/** Writes one line for each event. */
export function createHistory(startAt: number, print: (line: string) => void): History {
  const stamp = (at: number): string => {
    const ms = at - startAt;
    const seconds = ms / 1_000;
    return `+${seconds.toFixed(3).padStart(11)} s`;
  };
  const line = (at: number, who: string, text: string): void =>
    print(`${stamp(at)}  ${who.padEnd(16)} ${text}`);
  return {
    note: (at, text) => line(at, "", text),
    call(at, process, name, args, answer) {
      const skew = process.skewMs === 0 ? "" : ` (clock ${process.skewMs > 0 ? "+" : ""}${process.skewMs})`;
      const asked = args.map(shownArgument).filter(Boolean).join(", ");
      const start = name === "starts" ? skew : "";
      line(
        at,
        `${process.name}/${process.id}`,
        `${name}${asked && ` ${asked}`}${answer && ` → ${answer}`}${start}`,
      );
    },
    step(at, before, next) {
      const reason = next.reason ? ` (${next.reason.code})` : "";
      line(at, "", `${shortId(next.id)} ${before?.status ?? "new"} → ${next.status}${reason}`);
    },
  };
}
