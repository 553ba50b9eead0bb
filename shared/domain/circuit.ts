/**
 * A circuit breaker: after some failures in a row nobody asks for a while, then one probe finds out whether it is over.
 * So an outage costs a few attempts, not one of every task.
 *
 * @see https://learn.microsoft.com/en-us/azure/architecture/patterns/circuit-breaker
 */
export interface Circuit {
  /** In a row, since the last answer. */
  readonly failures: number;
  /** Open until then; afterwards one probe at a time is let through. Absent: closed. */
  readonly openUntil?: Date;
  /** A probe is under way, and is waited for until then: whoever sends it may die. */
  readonly probeUntil?: Date;
}

export interface CircuitRule {
  /** Failures in a row that open it. */
  readonly threshold: number;
  /** First pause, in ms; every probe that fails doubles it, up to the cap. */
  readonly pauseMs: number;
  readonly capMs: number;
  /** How long a probe is waited for, in ms: longer than a request and its settlement take. */
  readonly probeMs: number;
}

/** One account: what troubles only it shows within few posts. */
export const ACCOUNT_CIRCUIT: CircuitRule = {
  threshold: 3,
  pauseMs: 60_000,
  capMs: 900_000,
  probeMs: 120_000,
};
/** X as a whole: many accounts fail together, so it takes a few more to believe it. */
export const PLATFORM_CIRCUIT: CircuitRule = {
  threshold: 6,
  pauseMs: 60_000,
  capMs: 600_000,
  probeMs: 120_000,
};

export const CLOSED_CIRCUIT: Circuit = { failures: 0 };

/** `probe`: it goes through, and the circuit must remember it (`startProbe`). */
export type Admission =
  | { readonly kind: "closed" }
  | { readonly kind: "probe" }
  | { readonly kind: "open"; readonly until: Date };

export function admit({ openUntil, probeUntil }: Circuit, now: Date): Admission {
  if (!openUntil) return { kind: "closed" };
  if (openUntil > now) return { kind: "open", until: openUntil };
  if (probeUntil && probeUntil > now) return { kind: "open", until: probeUntil };
  return { kind: "probe" };
}

export const startProbe = (circuit: Circuit, now: Date, { probeMs }: CircuitRule): Circuit => ({
  ...circuit,
  probeUntil: new Date(now.getTime() + probeMs),
});

/** Nothing answered. One that was asked before the circuit opened, and fails after it, changes nothing. */
export function afterSilence(circuit: Circuit, now: Date, rule: CircuitRule): Circuit {
  if (circuit.openUntil && circuit.openUntil > now) return circuit;
  const failures = circuit.failures + 1;
  if (failures < rule.threshold) return { failures };
  const pauseMs = Math.min(rule.capMs, rule.pauseMs * 2 ** Math.min(failures - rule.threshold, 16));
  return { failures, openUntil: new Date(now.getTime() + pauseMs) };
}
