import {
  decideRepetition,
  IDEMPOTENCY_TTL_MS,
  type IdempotencyRecord,
  type KeptAnswer,
  type KeyedRequest,
  MAX_KEPT_BYTES,
} from "#shared/domain/idempotency.ts";
import { DependencyFault, Fault } from "#shared/errors.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { IdempotencyStore } from "#shared/ports/idempotency-store.ts";

/** Each is lost to somebody who took the same key: after the first, the key is known. */
const MAX_RACES = 3;

export interface RunOnceDeps {
  readonly idempotency: IdempotencyStore;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
  /** Told what is no reason to refuse the request. */
  readonly report: (error: unknown) => void;
}

export interface Ran<Answer> {
  readonly answer: Answer;
  /** What its repetitions get. Absent: they run again, under the same id. */
  readonly kept?: KeptAnswer | undefined;
}

export type RanOnce<Answer> =
  | { readonly kind: "ran"; readonly answer: Answer }
  | { readonly kind: "answered"; readonly answer: KeptAnswer }
  | { readonly kind: "in-flight"; readonly until: Date }
  | { readonly kind: "other-request" };

/**
 * Runs a keyed request, unless it ran before.
 *
 * One that failed may have taken effect. After a fault that says it did not, it may run again at once; after any
 * other, and after a crash, when its lease has ended. Either way it gets the same `newId`: what makes things of that id
 * meets what it made before, and makes nothing twice.
 *
 * @param leaseUntil - nobody can be at work on it after that
 * @throws whatever `run` throws; `DependencyFault` when the key could not be taken, and nothing ran
 */
export type RunOnce = <Answer>(
  request: KeyedRequest,
  leaseUntil: Date,
  run: (newId: string) => Promise<Ran<Answer>>,
) => Promise<RanOnce<Answer>>;

export function createRunOnce({ idempotency, clock, entropy, report }: RunOnceDeps): RunOnce {
  type Taken =
    | { readonly kind: "taken"; readonly record: IdempotencyRecord }
    | Exclude<RanOnce<never>, { readonly kind: "ran" }>;

  async function take(request: KeyedRequest, leaseUntil: Date): Promise<Taken> {
    const now = clock.now();
    const forgottenAt = new Date(now.getTime() + IDEMPOTENCY_TTL_MS);
    const first = { ...request, newId: entropy.newId(), leaseUntil, forgottenAt, version: 1 };
    if ((await idempotency.save(first)).ok) return { kind: "taken", record: first };
    for (let race = 0; race < MAX_RACES; race++) {
      const known = await idempotency.get(request.ownerId, request.key);
      // It was forgotten between the two looks.
      if (!known) break;
      const repetition = decideRepetition(known, request.hash, now);
      if (repetition.kind !== "again") return repetition;
      const again = { ...known, leaseUntil, version: known.version + 1 };
      if ((await idempotency.save(again)).ok) return { kind: "taken", record: again };
    }
    throw new DependencyFault("others took the idempotency key every time");
  }

  /** A record that somebody took over, or that could not be written, is left: its lease ends by itself. */
  const end = async (record: IdempotencyRecord, over: Partial<IdempotencyRecord>): Promise<void> => {
    await idempotency.save({ ...record, ...over, version: record.version + 1 }).catch(report);
  };

  return async (request, leaseUntil, run) => {
    const taken = await take(request, leaseUntil).catch((cause: unknown) => {
      throw new DependencyFault("an idempotency key could not be taken", { cause });
    });
    if (taken.kind !== "taken") return taken;
    const { record } = taken;
    try {
      const { answer, kept } = await run(record.newId);
      const fits = kept !== undefined && Buffer.byteLength(kept.body) <= MAX_KEPT_BYTES;
      await end(record, fits ? { answer: kept } : { leaseUntil: clock.now() });
      return { kind: "ran", answer };
    } catch (error) {
      if (error instanceof Fault && error.retry === "backoff") await end(record, { leaseUntil: clock.now() });
      throw error;
    }
  };
}
