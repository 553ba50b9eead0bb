import { TASK_STATUSES } from "#shared/domain/task.ts";
import { FAULTS, type Fault } from "./faults.ts";

/** `new`: while it is being accepted. */
export const STATES = ["new", ...TASK_STATUSES] as const;
export type State = (typeof STATES)[number];

/** How often which fault met a task in which state: one number for each cell, row by row. */
export type Met = Uint32Array;

export const newMet = (): Met => new Uint32Array(STATES.length * FAULTS.length);

const STATE_PLACE = new Map(STATES.map((state, place) => [state, place]));
const FAULT_PLACE = new Map(FAULTS.map((fault, place) => [fault, place]));

export const cellOf = (state: State, fault: Fault): number =>
  (STATE_PLACE.get(state) ?? 0) * FAULTS.length + (FAULT_PLACE.get(fault) ?? 0);

export function addMet(sum: Met, met: ArrayLike<number>): void {
  for (let cell = 0; cell < sum.length; cell++) sum[cell] = (sum[cell] ?? 0) + (met[cell] ?? 0);
}
