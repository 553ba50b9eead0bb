/** Cursors of lists: where the next page starts, sealed, so that no list has to ask whether a position is one of its own. */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { OwnerId } from "./ids.ts";

export const SEAL_KEY_BYTES = 32;
const TAG_BYTES = 32;
/** Longest position. */
const MAX_POSITION_BYTES = 500;

/** The list that a cursor belongs to. */
export interface CursorBinding {
  readonly route: string;
  /** Undefined: a list that everybody reads. */
  readonly ownerId: OwnerId | undefined;
  readonly params: Readonly<Record<string, string>>;
  /** All that chooses and orders the items: without `cursor` and `limit`. */
  readonly query: Readonly<Record<string, string | undefined>>;
}

const sorted = (fields: Readonly<Record<string, string | undefined>>) =>
  Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1));

const tagOf = (key: Uint8Array, { route, ownerId, params, query }: CursorBinding, position: Uint8Array) =>
  createHmac("sha256", key)
    // Its length first: no two lists and positions are the same bytes.
    .update(lengthFirst(JSON.stringify([route, ownerId ?? null, sorted(params), sorted(query)])))
    .update(position)
    .digest();

const lengthFirst = (text: string): string => `${Buffer.byteLength(text)}:${text}`;

/** @throws RangeError for a position of more than 500 bytes */
export function sealCursor(key: Uint8Array, binding: CursorBinding, position: string): string {
  const bytes = Buffer.from(position);
  if (bytes.length > MAX_POSITION_BYTES)
    throw new RangeError(`a position has at most ${MAX_POSITION_BYTES} bytes, not ${bytes.length}`);
  return Buffer.concat([tagOf(key, binding, bytes), bytes]).toString("base64url");
}

/** The position in a cursor; undefined: it was not sealed with this key, or for another list, or was altered since. */
export function openCursor(key: Uint8Array, binding: CursorBinding, cursor: string): string | undefined {
  const bytes = Buffer.from(cursor, "base64url");
  // Decoding is lenient: only what would be written the same way is a cursor.
  if (bytes.length < TAG_BYTES || bytes.toString("base64url") !== cursor) return undefined;
  const position = bytes.subarray(TAG_BYTES);
  const isOurs = timingSafeEqual(bytes.subarray(0, TAG_BYTES), tagOf(key, binding, position));
  return isOurs ? position.toString() : undefined;
}
