import { readdirSync, readFileSync } from "node:fs";

/** Who uses the processors while a bench runs. */
export const PARTS = ["functions", "gateway", "database", "queues", "x", "other programs"] as const;
export type Part = (typeof PARTS)[number];

/** User and system time so far, in ms. */
export type ProcessorTime = Readonly<Record<Part, number>>;

/** Linux counts in hundredths of a second. @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const TICK_MS = 10;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly ms: number;
  readonly command: string;
}

function readStat(file: string): { readonly parent: number; readonly ms: number } {
  const text = readFileSync(file, "utf8");
  // The name of the program is in brackets and may hold anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { parent: Number(fields[1]), ms: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
}

const readProcesses = (): readonly Process[] =>
  readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid)) return [];
    try {
      return { pid, command: readFileSync(`/proc/${pid}/cmdline`, "utf8"), ...readStat(`/proc/${pid}/stat`) };
    } catch {
      return []; // it has ended meanwhile
    }
  });

/** Busy time of the whole machine, that of the hypervisor included. */
function readMachineMs(): number {
  const [, user, nice, system, , , interrupts, softInterrupts, stolen] = readFileSync("/proc/stat", "utf8")
    .split("\n", 1)
    .join("")
    .split(/\s+/)
    .map(Number);
  return (
    [user, nice, system, interrupts, softInterrupts, stolen].reduce<number>(
      (sum, ticks) => sum + (ticks ?? 0),
      0,
    ) * TICK_MS
  );
}

/**
 * Processor time of this process and those that it started. Functions run in threads of this process, everything else
 * of the local cloud in its main thread.
 *
 * @returns undefined where the system does not tell (it is Linux that does)
 */
export function readProcessorTime(): ProcessorTime | undefined {
  if (process.platform !== "linux") return undefined;
  const all = readProcesses();
  const children = (pid: number): readonly Process[] =>
    all.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...children(child.pid)]);
  const ours = children(process.pid);
  const timeOf = (program: RegExp): number =>
    ours.filter(({ command }) => program.test(command)).reduce((sum, { ms }) => sum + ms, 0);

  const whole = readStat(`/proc/${process.pid}/stat`).ms;
  const gateway = readStat(`/proc/${process.pid}/task/${process.pid}/stat`).ms;
  const known = whole + ours.reduce((sum, { ms }) => sum + ms, 0);
  return {
    functions: whole - gateway,
    gateway,
    database: timeOf(/DynamoDBLocal\.jar/),
    queues: timeOf(/stores-process\.ts/),
    x: timeOf(/bench\/cloud\/platform\.ts/),
    "other programs": readMachineMs() - known,
  };
}

/** What was used between two readings, in ms. */
export const usedBetween = (before: ProcessorTime, after: ProcessorTime): ProcessorTime =>
  Object.fromEntries(
    PARTS.map((part) => [part, Math.max(0, after[part] - before[part])]),
  ) as unknown as ProcessorTime;
