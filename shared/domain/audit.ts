import { createHash } from "node:crypto";
import * as z from "zod";
import type { Json } from "./audit-mask.ts";
import type { OwnerId } from "./ids.ts";

/** An owner's entries are in this many chains: one would make every change of an owner wait for every other. */
export const AUDIT_CHAINS = 16;

/** Who did it. Nothing of it is a secret. */
export interface AuditActor {
  /** Start of the hash of the key that was used. */
  readonly keyId?: string;
  readonly userId?: string;
  /** Start of the hash of the session that was used. */
  readonly sessionId?: string;
}

/** One change, or one denial. */
export interface AuditEntry {
  /** ULID. */
  readonly id: string;
  readonly at: Date;
  readonly ownerId: OwnerId;
  readonly actor: AuditActor;
  /** Name of the route, or `authorize-request` for a denial before any route. */
  readonly action: string;
  /** What it was done to: the parameters of the path. */
  readonly target: Readonly<Record<string, string>>;
  /** `attempt`: what follows may have happened. `outcome`: it happened as `status` says. */
  readonly phase: "attempt" | "outcome";
  /** HTTP. */
  readonly status: number;
  /** Why it was refused. */
  readonly problem?: string;
  readonly requestId: string;
  readonly sourceIp: string;
  readonly before?: Json;
  readonly after?: Json;
}

/** An entry in its place. `text` is what was hashed, byte for byte. */
export interface SealedEntry {
  readonly chain: number;
  /** From 1, without gaps. */
  readonly number: number;
  readonly text: string;
  /** Of the hash before it and the text; hex SHA-256. */
  readonly hash: string;
}

/** The end of a chain. */
export interface AuditHead {
  readonly chain: number;
  readonly count: number;
  readonly hash: string;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The hash before the first entry: of the owner and the chain, so that no chain passes for another. */
export const emptyHead = (ownerId: OwnerId, chain: number): AuditHead => ({
  chain,
  count: 0,
  hash: sha256(`punctual-audit\n${ownerId}\n${chain}`),
});

const hashOf = (before: string, text: string): string => sha256(`${before}\n${text}`);

/** Where the attempts of one request begin to look for a place. */
export const chainOf = (requestId: string): number =>
  Number.parseInt(sha256(requestId).slice(0, 2), 16) % AUDIT_CHAINS;

/** Puts an entry at the end of a chain. */
export function sealEntry(head: AuditHead, { at, ...entry }: AuditEntry): SealedEntry {
  const { chain } = head;
  const number = head.count + 1;
  const text = JSON.stringify({ ...entry, at: at.toISOString(), chain, number });
  return { chain, number, text, hash: hashOf(head.hash, text) };
}

export const headAfter = ({ chain, number, hash }: SealedEntry): AuditHead => ({
  chain,
  count: number,
  hash,
});

const json: z.ZodType<Json> = z.json();
const entryText = z.object({
  id: z.string(),
  at: z.iso.datetime().transform((iso) => new Date(iso)),
  ownerId: z.string().transform((id) => id as OwnerId),
  actor: z.object({
    keyId: z.string().exactOptional(),
    userId: z.string().exactOptional(),
    sessionId: z.string().exactOptional(),
  }),
  action: z.string(),
  target: z.record(z.string(), z.string()),
  phase: z.enum(["attempt", "outcome"]),
  status: z.int(),
  problem: z.string().exactOptional(),
  requestId: z.string(),
  sourceIp: z.string(),
  before: json.exactOptional(),
  after: json.exactOptional(),
});

/** @throws ZodError when somebody put something else in its place; the check of the chain says where */
export const openEntry = ({ text }: Pick<SealedEntry, "text">): AuditEntry =>
  entryText.parse(JSON.parse(text));

export type ChainFault =
  /** Numbers are missing before this one. */
  | "removed"
  /** Its text is not the one that was sealed. */
  | "altered"
  /** The text belongs to another place, or to another owner. */
  | "moved"
  /** The chain had more entries than there are. */
  | "cut"
  /** The stored end of the chain is not the hash of its last entry. */
  | "head-altered";

export interface BadEntry {
  readonly chain: number;
  readonly number: number;
  readonly fault: ChainFault;
}

const place = z.object({ ownerId: z.string(), chain: z.int(), number: z.int() });

function isOwnPlace(ownerId: OwnerId, { chain, number, text }: SealedEntry): boolean {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return false;
  }
  const own = place.safeParse(value);
  return (
    own.success && own.data.ownerId === ownerId && own.data.chain === chain && own.data.number === number
  );
}

/**
 * Follows a chain on from `from`.
 *
 * @param entries - what comes after it, by number
 * @returns the place after the last entry, or the first entry that is wrong
 */
export function followChain(
  ownerId: OwnerId,
  from: AuditHead,
  entries: readonly SealedEntry[],
): { readonly head: AuditHead; readonly bad?: BadEntry } {
  let head = from;
  for (const entry of entries) {
    const { chain, number } = entry;
    const bad = (fault: ChainFault) => ({ head, bad: { chain, number, fault } });
    if (number !== head.count + 1) return { head, bad: { chain, number: head.count + 1, fault: "removed" } };
    if (entry.hash !== hashOf(head.hash, entry.text)) {
      // Sealed, but for another place: somebody changed the order.
      return bad(isOwnPlace(ownerId, entry) ? "altered" : "moved");
    }
    if (!isOwnPlace(ownerId, entry)) return bad("moved");
    head = headAfter(entry);
  }
  return { head };
}

/** Whether a chain that was followed to its end ends where its stored head says. */
export function checkEnd(followed: AuditHead, stored: AuditHead): BadEntry | undefined {
  const { chain } = stored;
  if (followed.count < stored.count) return { chain, number: followed.count + 1, fault: "cut" };
  return followed.hash === stored.hash ? undefined : { chain, number: stored.count, fault: "head-altered" };
}
