/** What became of the tasks, by the table itself. */
import * as z from "zod";
import { TASK_STATUSES } from "#shared/domain/task.ts";
import type { BenchCloud } from "./start.ts";

const instant = z.iso.datetime().transform((iso) => new Date(iso));
const taskItem = z.object({
  entity: z.literal("task"),
  id: z.string(),
  status: z.enum(TASK_STATUSES),
  createdAt: instant,
  slotAt: instant,
  mediaCount: z.int(),
  sentAt: instant.optional(),
});
const contentItem = z.object({
  entity: z.literal("content"),
  taskId: z.string(),
  parts: z.tuple([z.object({ text: z.string() })]),
});
const logItem = z.object({
  entity: z.literal("log"),
  pk: z.string().startsWith("TASK#"),
  step: z.literal("publish"),
  status: z.literal("published"),
  phases: z.record(z.string(), z.number()),
});
const gateItem = z.object({ entity: z.literal("gate"), reservations: z.array(z.unknown()) });

/** What the table says about one task. */
export interface TaskRecord {
  readonly text: string;
  readonly status: z.infer<typeof taskItem>["status"];
  readonly createdAt: Date;
  readonly slotAt: Date;
  readonly mediaCount: number;
  readonly sentAt: Date | undefined;
  /** Of the attempt that posted, in ms. */
  readonly phases: Readonly<Record<string, number>>;
}

export interface TableRecord {
  readonly tasks: readonly TaskRecord[];
  /** Of accounts that posted. */
  readonly gates: number;
  /** Reservations that are left in them. */
  readonly reservations: number;
}

/** Reads the whole table, which no function may. */
export async function readTable({ items }: BenchCloud): Promise<TableRecord> {
  const all = await items();
  const pick = <Item>(schema: z.ZodType<Item>): readonly Item[] =>
    all.flatMap((item) => {
      const parsed = schema.safeParse(item);
      return parsed.success ? [parsed.data] : [];
    });
  const texts = new Map(pick(contentItem).map(({ taskId, parts }) => [taskId, parts[0].text]));
  const phases = new Map(pick(logItem).map((entry) => [entry.pk.slice("TASK#".length), entry.phases]));
  const gates = pick(gateItem);
  return {
    tasks: pick(taskItem).map(({ entity: _, id, sentAt, ...task }) => ({
      ...task,
      text: texts.get(id) ?? "",
      sentAt,
      phases: phases.get(id) ?? {},
    })),
    gates: gates.length,
    reservations: gates.reduce((sum, gate) => sum + gate.reservations.length, 0),
  };
}
