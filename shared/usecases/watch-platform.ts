/** The circuit of X as a whole: what one worker hears spares the others the asking. */
import {
  admit,
  afterSilence,
  type Circuit,
  CLOSED_CIRCUIT,
  PLATFORM_CIRCUIT,
  startProbe,
} from "#shared/domain/circuit.ts";
import type { Failure } from "#shared/domain/failure.ts";
import type { Heard } from "#shared/domain/gate.ts";
import { type Parking, parking } from "#shared/domain/policy.ts";
import type { CircuitStore, StoredCircuit } from "#shared/ports/circuit-store.ts";
import type { Clock } from "#shared/ports/clock.ts";

/** Others write it too when X is in trouble; one opinion more or less changes little. */
const MAX_RACES = 3;

/** Codes of failures that say nothing about X: it was not asked, or that cannot be told from them. */
const OWN_CODES = [
  "worker-stalled",
  "no-time-left",
  "no-credentials",
  "credentials-unavailable",
  "renewal-busy",
  // X may have said so, or our own clock.
  "access-ended",
];

/** A definite no is an answer, unless X was never reached. */
export function heardFrom({ reason }: Failure): Heard {
  if (reason.code === "x-unreachable" || reason.code === "x-unavailable") return "silence";
  return OWN_CODES.includes(reason.code) ? "nothing" : "answer";
}

const openReason = (until: Date): Parking =>
  parking("circuit-open", until, false, "X does not answer at present, so it is left alone for a while.");

export interface WatchPlatformDeps {
  readonly circuits: CircuitStore;
  readonly clock: Pick<Clock, "now">;
}

/** Whether X may be asked at `at`. When it was left alone long enough, one worker is let through as a probe. */
export async function admitToPlatform(
  { circuits }: WatchPlatformDeps,
  at: Date,
): Promise<Parking | undefined> {
  const circuit = await circuits.get();
  const admission = admit(circuit, at);
  if (admission.kind === "closed") return undefined;
  if (admission.kind === "open") return openReason(admission.until);
  const probed = await circuits.save({
    ...startProbe(circuit, at, PLATFORM_CIRCUIT),
    version: circuit.version + 1,
  });
  return probed.ok ? undefined : openReason(new Date(at.getTime() + PLATFORM_CIRCUIT.probeMs));
}

/** Passes on what was heard. Costs a read at most, as long as all is well. */
export async function reportToPlatform({ circuits, clock }: WatchPlatformDeps, heard: Heard): Promise<void> {
  if (heard === "nothing") return;
  for (let race = 0; race < MAX_RACES; race++) {
    const seen = await circuits.get();
    const next = heard === "answer" ? CLOSED_CIRCUIT : afterSilence(seen, clock.now(), PLATFORM_CIRCUIT);
    if (isSame(seen, next)) return;
    const saved = await circuits.save({ ...next, version: seen.version + 1 });
    if (saved.ok) return;
  }
}

const isSame = (seen: StoredCircuit, next: Circuit): boolean =>
  seen.failures === next.failures && seen.openUntil?.getTime() === next.openUntil?.getTime();
