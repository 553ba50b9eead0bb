/** Tasks for people: as a row, and as a page. */
import type { CallAnswer } from "./client.ts";
import type { Counter } from "./context.ts";
import type { Column } from "./table.ts";
import { oneLine, visibleLines } from "./text-width.ts";
import { showDuration } from "./times.ts";

export type TaskShown = CallAnswer<"listTasks">["items"][number];
export type TaskStatus = TaskShown["status"];

/** Nothing happens to it any more. */
const FINAL: ReadonlySet<TaskStatus> = new Set(["published", "failed", "missed", "cancelled"]);
export const isFinal = (status: TaskStatus): boolean => FINAL.has(status);
/** A person has to act before anything happens. */
export const waitsForPerson = (status: TaskStatus): boolean => status === "held" || status === "draft";

const COLOURS: Partial<Record<TaskStatus, "green" | "red" | "yellow" | "dim">> = {
  published: "green",
  failed: "red",
  missed: "red",
  held: "yellow",
  retrying: "yellow",
  unknown: "yellow",
  cancelled: "dim",
};

const paintStatus = ({ paint }: Pick<Counter, "paint">, status: TaskStatus): string => {
  const colour = COLOURS[status];
  return colour ? paint(colour, status) : status;
};

export const taskColumns = (zone: string): readonly Column[] => [
  { title: "Id" },
  { title: "Status" },
  { title: `Slot (${zone})` },
  { title: "Account", isElastic: true },
  { title: "Text", isElastic: true },
];

const textOf = ({ parts }: TaskShown): string => {
  const [first] = parts;
  return `${parts.length > 1 ? `[${parts.length}] ` : ""}${first?.text ?? ""}`;
};

export const taskRow = (task: TaskShown, { time }: Pick<Counter, "time">): readonly string[] => [
  task.id,
  task.status,
  time(task.slotAt),
  task.account,
  textOf(task),
];

const field = (name: string, value: string): string => `${name.padEnd(10)}${value}`;

/** A task as a page, without its log. */
export function describeTask(task: TaskShown, counter: Counter): readonly string[] {
  const { timeAndZone } = counter;
  const { reason } = task;
  return [
    field("Task", task.id),
    field("Status", paintStatus(counter, task.status)),
    field("Slot", timeAndZone(task.slotAt)),
    ...(task.timeZone !== counter.zone
      ? [field("", `${task.slotLocal} ${task.timeZone} (of the project)`)]
      : []),
    ...(task.sentAt === undefined ? [] : [field("Sent", `${timeAndZone(task.sentAt)}${lateness(task)}`)]),
    field("Account", `${oneLine(task.account)} in project ${oneLine(task.project)}`),
    field("Priority", `${task.priority}`),
    ...(task.media.length === 0
      ? []
      : [field("Media", task.media.map(({ name, type }) => `${oneLine(name)} (${type})`).join(", "))]),
    ...(reason ? [field("Reason", oneLine(reason.message)), field("Remedy", oneLine(reason.remedy))] : []),
    ...task.parts.flatMap(({ text, link }, index) => [
      "",
      ...(task.parts.length > 1 ? [`Part ${index + 1} of ${task.parts.length}`] : []),
      ...visibleLines(text).map((line) => `  ${line}`),
      ...(link === undefined ? [] : [`  ${link}`]),
    ]),
  ];
}

const lateness = ({ latenessMs }: TaskShown): string =>
  latenessMs === undefined ? "" : `, ${showDuration(latenessMs)} after its slot`;

/** In one line, for streams and waits. */
export function taskLine(task: TaskShown, counter: Counter): string {
  const { time, zone } = counter;
  const why = task.reason ? `: ${oneLine(task.reason.message)}` : "";
  const link = task.parts[0]?.link;
  return [
    task.id,
    paintStatus(counter, task.status),
    task.sentAt === undefined ? `slot ${time(task.slotAt)} ${zone}` : `sent ${time(task.sentAt)} ${zone}`,
    ...(link === undefined ? [] : [link]),
  ]
    .join("  ")
    .concat(why);
}
