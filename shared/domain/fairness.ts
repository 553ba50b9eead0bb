import type { BatchId, OwnerId, ProjectId } from "./ids.ts";

/** Priorities 1 to this one are urgent. */
export const URGENT_PRIORITY = 3;
/** After so many urgent ones in a row, one of the rest has its turn. */
export const URGENT_IN_A_ROW = 3;
export const MAX_PROJECT_WEIGHT = 10;
/** Of a project that says nothing. */
export const DEFAULT_PROJECT_WEIGHT = 5;

/** Divisible by every weight from 1 to 10, so that shares are exact integers. */
const STRIDE = 2_520;
/** Owners and batches of which the last turn is remembered. Forgotten are those served longest ago, who are first anyway. */
const REMEMBERED = 1_000;

/** Something that waits for capacity. */
export interface Candidate {
  readonly id: string;
  readonly projectId: ProjectId;
  /** Share of its project, a whole number from 1 to 10. */
  readonly weight: number;
  readonly ownerId: OwnerId;
  readonly batchId?: BatchId;
  /** 1 (most urgent) to 10. */
  readonly priority: number;
  readonly slotAt: Date;
}

/** Who had how much of one lane. Turns and passes are counts, not instants: two workers' clocks cannot disagree about them. */
export interface LaneServed {
  /** Picks so far. */
  readonly turn: number;
  /** Virtual time: the pass at which the last pick was made. */
  readonly pass: number;
  /** The pass from which a project may be picked again; absent: from now. */
  readonly projects: ReadonlyMap<string, number>;
  /** Turn of the last pick, by project and owner. Absent: longest ago. */
  readonly owners: ReadonlyMap<string, number>;
  /** The same by project, owner and batch. */
  readonly batches: ReadonlyMap<string, number>;
}

/** What was served before: the memory of the order. */
export interface Served {
  /** Urgent ones since one of the rest had its turn. */
  readonly urgentRun: number;
  readonly urgent: LaneServed;
  readonly rest: LaneServed;
}

const EMPTY_LANE: LaneServed = {
  turn: 0,
  pass: 0,
  projects: new Map(),
  owners: new Map(),
  batches: new Map(),
};
export const NOTHING_SERVED: Served = { urgentRun: 0, urgent: EMPTY_LANE, rest: EMPTY_LANE };

export interface FairOrder<Item> {
  /** In the order in which they are to be served. */
  readonly taken: readonly Item[];
  /** For whom there was no capacity, in the order given. */
  readonly waiting: readonly Item[];
  readonly served: Served;
}

/**
 * Who is served, and in which order, while there is less capacity than demand.
 *
 * Urgent ones (priority 1 to 3) first; then projects in proportion to their weights (start-time fair queueing: a
 * project's pass advances by 2520 / weight with each pick, the lowest pass is next); inside a project the owner, then
 * the batch that was served longest ago; then the earliest slot; then the id. Ties of projects, owners and batches go
 * to the earliest slot, so that even without a memory whoever waited longest is first.
 *
 * **Nobody starves.** Urgent ones and the rest are two lanes with memories of their own; one pick of four is the rest's
 * while any of it waits. In its lane, a project of weight w is picked at least once in
 * `1 + Σ (⌊wᵢ / w⌋ + 1)` picks, over the other projects i that compete meanwhile: at most `10 / w + 1` times their
 * number. Inside it, with O owners, B batches of the owner, and A tasks of the batch with an earlier slot, a candidate
 * has its turn after at most `O × B × (A + 1)` picks of the project. The product of both bounds the picks of the lane,
 * whatever arrives meanwhile; four times that, all picks.
 *
 * Owners' and batches' turns are counted inside a project: an owner who is often served elsewhere would otherwise
 * always be last here.
 *
 * @param capacity - how many may be served now
 * @see https://doi.org/10.1145/248156.248171 Start-time Fair Queueing (Goyal, Vin, Cheng)
 */
export function orderFairly<Item extends Candidate>(
  candidates: readonly Item[],
  served: Served = NOTHING_SERVED,
  capacity: number = candidates.length,
): FairOrder<Item> {
  const isUrgent = ({ priority }: Item): boolean => priority <= URGENT_PRIORITY;
  const urgent = openLane(candidates.filter(isUrgent), served.urgent);
  const rest = openLane(
    candidates.filter((one) => !isUrgent(one)),
    served.rest,
  );
  let urgentRun = served.urgentRun;
  const taken: Item[] = [];
  while (taken.length < Math.min(capacity, candidates.length)) {
    const takesUrgent = rest.size() === 0 || (urgent.size() > 0 && urgentRun < URGENT_IN_A_ROW);
    taken.push((takesUrgent ? urgent : rest).pick());
    urgentRun = takesUrgent ? Math.min(urgentRun + 1, URGENT_IN_A_ROW) : 0;
  }
  const gone = new Set<Item>(taken);
  return {
    taken,
    waiting: candidates.filter((one) => !gone.has(one)),
    served: { urgentRun, urgent: urgent.served(), rest: rest.served() },
  };
}

interface Queue<Item> {
  readonly key: string;
  /** Earliest slot first; the next one is at the end, where it is cheap to take. */
  readonly waiting: Item[];
}

interface Group<Inner> {
  readonly key: string;
  readonly inner: readonly Inner[];
}

interface Head<Item> {
  readonly item: Item;
  readonly queue: Queue<Item>;
  readonly owner: string;
}

interface ProjectLine<Item> {
  readonly key: string;
  readonly stride: number;
  readonly owners: readonly Group<Queue<Item>>[];
  head: Head<Item> | undefined;
}

interface Lane<Item> {
  size(): number;
  /** @throws RangeError when nobody waits */
  pick(): Item;
  served(): LaneServed;
}

const isBefore = (a: Candidate, b: Candidate): boolean =>
  a.slotAt.getTime() !== b.slotAt.getTime() ? a.slotAt < b.slotAt : a.id < b.id;

function openLane<Item extends Candidate>(candidates: readonly Item[], before: LaneServed): Lane<Item> {
  const projects = new Map(before.projects);
  const owners = new Map(before.owners);
  const batches = new Map(before.batches);
  let { turn, pass } = before;
  let left = candidates.length;

  /** Of what waits in a project: owner and batch served longest ago, then the earliest slot. */
  function headOf(line: Pick<ProjectLine<Item>, "owners">): Head<Item> | undefined {
    let best: (Head<Item> & { readonly turns: readonly [owner: number, batch: number] }) | undefined;
    for (const owner of line.owners)
      for (const queue of owner.inner) {
        const item = queue.waiting.at(-1);
        if (!item) continue;
        const turns = [owners.get(owner.key) ?? 0, batches.get(queue.key) ?? 0] as const;
        const first =
          !best ||
          turns[0] < best.turns[0] ||
          (turns[0] === best.turns[0] &&
            (turns[1] < best.turns[1] || (turns[1] === best.turns[1] && isBefore(item, best.item))));
        if (first) best = { item, queue, owner: owner.key, turns };
      }
    return best;
  }

  const lines = [...Map.groupBy(candidates, ({ projectId }) => projectId)].map(
    ([key, ofProject]): ProjectLine<Item> => {
      const weight = Math.max(...ofProject.map((one) => one.weight));
      if (!Number.isInteger(weight) || weight < 1 || weight > MAX_PROJECT_WEIGHT)
        throw new RangeError(`the weight of a project is a whole number from 1 to 10, not ${weight}`);
      const groups = [...Map.groupBy(ofProject, ({ ownerId }) => ownerId)].map(([ownerId, ofOwner]) => ({
        key: JSON.stringify([key, ownerId]),
        inner: [...Map.groupBy(ofOwner, ({ batchId }) => batchId ?? "")].map(([batchId, ofBatch]) => ({
          key: JSON.stringify([key, ownerId, batchId]),
          waiting: ofBatch.toSorted((a, b) => (isBefore(a, b) ? 1 : -1)),
        })),
      }));
      return { key, stride: STRIDE / weight, owners: groups, head: headOf({ owners: groups }) };
    },
  );
  const passOf = ({ key }: ProjectLine<Item>): number => Math.max(pass, projects.get(key) ?? 0);

  return {
    size: () => left,

    pick() {
      let next: ProjectLine<Item> | undefined;
      for (const line of lines) {
        if (!line.head) continue;
        const ahead = next?.head ? passOf(line) - passOf(next) : -1;
        if (ahead < 0 || (ahead === 0 && next?.head && isBefore(line.head.item, next.head.item))) next = line;
      }
      if (!next?.head) throw new RangeError("nobody waits in this lane");
      const { item, queue, owner } = next.head;
      queue.waiting.pop();
      left--;
      turn++;
      pass = passOf(next);
      projects.set(next.key, pass + next.stride);
      // A key that is set again moves to the end: the newest turns are last.
      for (const [memory, key] of [
        [owners, owner],
        [batches, queue.key],
      ] as const) {
        memory.delete(key);
        memory.set(key, turn);
      }
      next.head = headOf(next);
      return item;
    },

    served: () => ({
      turn,
      pass,
      // Who may be picked from now on is like one who was never picked.
      projects: new Map([...projects].filter(([, from]) => from > pass)),
      owners: new Map([...owners].slice(-REMEMBERED)),
      batches: new Map([...batches].slice(-REMEMBERED)),
    }),
  };
}
