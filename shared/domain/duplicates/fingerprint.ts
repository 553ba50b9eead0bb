/**
 * Texts as short numbers that can be compared: SHA-256 for "the same", MinHash for "nearly the same".
 *
 * The share of equal places of two MinHash signatures estimates the Jaccard similarity `s` of their shingles; with 128
 * places the standard error at s = 0.60 is √(0.6 × 0.4 / 128) = 0.043.
 *
 * Signatures are found by bands: two texts become candidates when all rows of one band are equal, with probability
 * 1 − (1 − s³)²³ for 23 bands of 3 rows.
 *
 * | s | 0.10 | 0.30 | 0.50 | 0.60 | 0.70 | 0.80 |
 * |---|---|---|---|---|---|---|
 * | found | 0.02 | 0.47 | 0.95 | 0.9963 | 0.9999 | 1.0000 |
 *
 * Rows of 2 would make every seventh stranger (s = 0.10: 0.21) a candidate, rows of 4 could not reach 0.99 with the 32
 * bands that 128 places have (0.988). 23 bands, the exact hash and the print itself are one batch of 25 writes.
 *
 * @see https://www.cs.princeton.edu/courses/archive/spring13/cos598C/broder97resemblance.pdf
 * @see http://infolab.stanford.edu/~ullman/mmds/ch3.pdf (3.4: locality-sensitive hashing)
 */
import { createHash } from "node:crypto";
import type { AccountId, TaskId } from "../ids.ts";
import type { Content, Part, Task } from "../task.ts";
import { exactForm, shinglesOf } from "./normalise.ts";

/** Raise it when a text gets another hash, signature or band than before: old prints are then not compared any more. */
const FINGERPRINT_VERSION = 1;
export const SIGNATURE_LENGTH = 128;
export const BANDS = 23;
export const ROWS = 3;
/** Thresholds below this would find too much, and too little of it. */
export const MIN_THRESHOLD = 0.5;

export interface Fingerprint {
  /** SHA-256 of what the text says, hex. */
  readonly hash: string;
  /** Unsigned 32-bit places. Absent: the text is too short to be compared by pieces, and only equals itself. */
  readonly signature?: Uint32Array;
}

/** A fingerprint at its place in an account's calendar. */
export interface Print {
  readonly taskId: TaskId;
  readonly accountId: AccountId;
  readonly slotAt: Date;
  readonly fingerprint: Fingerprint;
}

const textOf = (parts: readonly Part[]): string => parts.map(({ text }) => text).join("\n\n");

/** SHA-256 of what a post says, hex; however it is divided into parts. `undefined`: it says nothing, media aside. */
export function hashText(parts: readonly Part[]): string | undefined {
  const form = exactForm(textOf(parts));
  return form === "" ? undefined : createHash("sha256").update(form).digest("hex");
}

/** Murmur3's finalizer: every bit of the input moves every bit of the output. */
function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** FNV-1a over UTF-16 units. */
function hashOf(shingle: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < shingle.length; at++) hash = Math.imul(hash ^ shingle.charCodeAt(at), 0x01000193);
  return mix(hash);
}

/** One for each place, the same for ever. */
const SEEDS = Uint32Array.from({ length: SIGNATURE_LENGTH }, (_, place) =>
  mix(Math.imul(place + 1, 0x9e3779b9)),
);

function signatureOf(shingles: ReadonlySet<string>): Uint32Array {
  const signature = new Uint32Array(SIGNATURE_LENGTH).fill(0xffffffff);
  for (const shingle of shingles) {
    const hash = hashOf(shingle);
    for (let place = 0; place < SIGNATURE_LENGTH; place++) {
      const value = mix(hash ^ (SEEDS[place] as number));
      if (value < (signature[place] as number)) signature[place] = value;
    }
  }
  return signature;
}

/** @returns undefined: there is no text to compare */
export function fingerprintOf(parts: readonly Part[]): Fingerprint | undefined {
  const hash = hashText(parts);
  if (hash === undefined) return undefined;
  const shingles = shinglesOf(textOf(parts));
  return { hash, ...(shingles.size > 0 && { signature: signatureOf(shingles) }) };
}

/** The print of a task: of its original, where a text was written for it. */
export function printOf(
  { id: taskId, accountId, slotAt }: Pick<Task, "id" | "accountId" | "slotAt">,
  { parts, original }: Pick<Content, "parts" | "original">,
): Print | undefined {
  const fingerprint = fingerprintOf(original ?? parts);
  return fingerprint && { taskId, accountId, slotAt, fingerprint };
}

/** Estimated Jaccard similarity, in [0, 1]. The same text is 1; a text without a signature is like no other. */
export function similarity(a: Fingerprint, b: Fingerprint): number {
  if (a.hash === b.hash) return 1;
  if (!a.signature || !b.signature) return 0;
  let equal = 0;
  for (let place = 0; place < SIGNATURE_LENGTH; place++)
    if (a.signature[place] === b.signature[place]) equal++;
  return equal / SIGNATURE_LENGTH;
}

/** A 32-bit number for each band. Bands that meet by chance are sorted out by the signatures. */
const bandsOf = (signature: Uint32Array): readonly number[] =>
  Array.from({ length: BANDS }, (_, band) => {
    let value = 0;
    for (let row = 0; row < ROWS; row++) value = mix(value ^ (signature[band * ROWS + row] as number));
    return value;
  });

/** Two fingerprints that share one of these are worth comparing: the exact hash, and the bands. */
export function bucketsOf({ hash, signature }: Fingerprint): readonly string[] {
  const exact = `${FINGERPRINT_VERSION}x${hash.slice(0, 32)}`;
  const bands = signature ? bandsOf(signature) : [];
  return [
    exact,
    ...bands.map((value, band) => `${FINGERPRINT_VERSION}.${band}.${value.toString(16).padStart(8, "0")}`),
  ];
}

/**
 * Of posts that share a bucket, the latest slots that are looked at. A band of a phrase that an account ends every post
 * with is in all of them; what is lost then is an earlier post that shares no other band with the text.
 */
export const MAX_PER_BUCKET = 100;

export interface NearWish {
  readonly accountId: AccountId;
  readonly fingerprint: Fingerprint;
  /** Slots from this instant on, up to the other, both included. */
  readonly from: Date;
  readonly until: Date;
  /** Least similarity, `MIN_THRESHOLD` to 1. */
  readonly threshold: number;
  /** Itself. */
  readonly except?: TaskId | undefined;
}

export interface NearPost {
  readonly taskId: TaskId;
  readonly slotAt: Date;
  /** Estimated, in [0, 1]. */
  readonly similarity: number;
  /** It says the same, not only nearly. */
  readonly isExact: boolean;
}

/** More than these say nothing new to a person. */
export const MAX_NEAR = 10;

/** What candidates are really like: those that fit the wish, the most similar first, at most `MAX_NEAR`. */
export function rankNear(wish: NearWish, candidates: Iterable<Print>): readonly NearPost[] {
  const near: NearPost[] = [];
  for (const { taskId, accountId, slotAt, fingerprint } of candidates) {
    const fits = accountId === wish.accountId && slotAt >= wish.from && slotAt <= wish.until;
    if (!fits || taskId === wish.except) continue;
    const like = similarity(wish.fingerprint, fingerprint);
    if (like < wish.threshold) continue;
    near.push({ taskId, slotAt, similarity: like, isExact: fingerprint.hash === wish.fingerprint.hash });
  }
  return near
    .toSorted(
      (a, b) =>
        Number(b.isExact) - Number(a.isExact) ||
        b.similarity - a.similarity ||
        b.slotAt.getTime() - a.slotAt.getTime() ||
        (a.taskId < b.taskId ? -1 : 1),
    )
    .slice(0, MAX_NEAR);
}
