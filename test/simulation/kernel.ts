import process from "node:process";

/** One thing that happens at an instant. */
interface Event {
  readonly at: number;
  /** Breaks ties: what was planned first happens first. */
  readonly order: number;
  readonly run: () => void;
}

/** Time that passes only when nothing else is to be done. */
export interface Kernel {
  /** The true time, in ms since 1970. */
  now(): number;
  /** At `at`, or now if that has passed. */
  plan(at: number, run: () => void): void;
  /**
   * Runs event after event until none is left, or until `stop`. Rejects with whatever an event throws.
   *
   * @returns false when `limit` events were not enough
   */
  run(limit: number): Promise<boolean>;
  stop(): void;
  /** Events so far. */
  count(): number;
}

/**
 * A virtual clock and a heap of events.
 *
 * Real asynchronous functions run on it: an event resolves one promise, and the next event waits until everything
 * that follows from it has run. Node empties the queue of microtasks before it takes a tick that one of them asked
 * for, so a tick asked for by a microtask is exactly the instant at which every continuation is waiting again.
 *
 * @see https://nodejs.org/docs/latest-v24.x/api/process.html#when-to-use-queuemicrotask-vs-processnexttick
 */
export function createKernel(startAt: number): Kernel {
  const heap: Event[] = [];
  let nowMs = startAt;
  let planned = 0;
  let ran = 0;
  let stopped = false;

  const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

  function push(event: Event): void {
    let place = heap.length;
    heap.push(event);
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above] as Event;
      if (!isBefore(event, parent)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = event;
  }

  function pop(): Event | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Event, heap[below] as Event)) below++;
      const child = heap[below] as Event;
      if (!isBefore(child, last)) break;
      heap[place] = child;
      place = below;
    }
    heap[place] = last;
    return first;
  }

  return {
    now: () => nowMs,
    plan(at, run) {
      push({ at: at > nowMs ? at : nowMs, order: planned++, run });
    },
    stop() {
      stopped = true;
    },
    count: () => ran,
    run: (limit) =>
      new Promise((resolve, reject) => {
        const step = (): void => {
          const event = stopped || ran >= limit ? undefined : pop();
          if (!event) {
            resolve(stopped || ran < limit);
            return;
          }
          nowMs = event.at;
          ran++;
          try {
            event.run();
            queueMicrotask(afterContinuations);
          } catch (error) {
            reject(error);
          }
        };
        const afterContinuations = (): void => process.nextTick(step);
        queueMicrotask(afterContinuations);
      }),
  };
}
