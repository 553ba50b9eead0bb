/** What of a change may be kept: what differs, and no secret, and no text of a post. */
import { createHash } from "node:crypto";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

const SECRET = "***";

/** Fields that hold a secret whatever their schema says. Ids of keys are none. */
const SECRET_NAME =
  /(secret|signature|password|passphrase|token|credential|apikey|cookie|authorization|verifier)s?$/i;

/** Fields that hold what somebody wrote for others to read. */
const TEXT_NAMES: ReadonlySet<string> = new Set([
  "text",
  "texts",
  "thread",
  "original",
  "brief",
  "generate",
  "notes",
  "note",
  "altText",
]);

/** A longer string is a text, whatever its field is called. */
const MAX_PLAIN = 120;
/** Of one side of a change, as JSON. An item of the table may have 400 kB, and costs by the kB. */
const MAX_SIDE = 4_000;
const HASH_LENGTH = 12;

const digest = (text: string): Json => ({
  length: text.length,
  sha256: createHash("sha256").update(text).digest("hex").slice(0, HASH_LENGTH),
});

const isRecord = (value: Json): value is { readonly [name: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/** Whether two texts were the same can still be told, and nothing else. */
function mask(value: Json, name: string, secrets: ReadonlySet<string>, inText: boolean): Json {
  if (value !== null && (secrets.has(name) || (SECRET_NAME.test(name) && !isRecord(value)))) return SECRET;
  const isText = inText || TEXT_NAMES.has(name);
  if (typeof value === "string") return isText || value.length > MAX_PLAIN ? digest(value) : value;
  if (isList(value)) return value.map((one) => mask(one, name, secrets, isText));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, mask(inner, key, secrets, false)]),
  );
}

const equal = (a: Json | undefined, b: Json | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);

interface Sides {
  readonly before?: Json;
  readonly after?: Json;
}

/** Both sides without what is equal in them; a list is one value. */
function differing(before: Json | undefined, after: Json | undefined): Sides {
  if (before !== undefined && after !== undefined && isRecord(before) && isRecord(after)) {
    const left: Record<string, Json> = {};
    const right: Record<string, Json> = {};
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const inner = differing(before[name], after[name]);
      if (inner.before !== undefined) left[name] = inner.before;
      if (inner.after !== undefined) right[name] = inner.after;
    }
    return {
      ...(Object.keys(left).length > 0 && { before: left }),
      ...(Object.keys(right).length > 0 && { after: right }),
    };
  }
  if (equal(before, after)) return {};
  return { ...(before !== undefined && { before }), ...(after !== undefined && { after }) };
}

function bounded(side: Json | undefined, secrets: ReadonlySet<string>): Json | undefined {
  if (side === undefined) return undefined;
  const masked = mask(side, "", secrets, false);
  const text = JSON.stringify(masked);
  return text.length > MAX_SIDE ? digest(text) : masked;
}

/**
 * What a change did, as it may be kept for ever: only fields that differ. Secrets are `***`; texts are their length and the
 * start of their SHA-256.
 *
 * @param secrets - names of fields that some schema calls secret
 */
export function maskChange(
  before: Json | undefined,
  after: Json | undefined,
  secrets: ReadonlySet<string>,
): Sides {
  // First the difference: two secrets look the same once they are masked.
  const sides = differing(before, after);
  const left = bounded(sides.before, secrets);
  const right = bounded(sides.after, secrets);
  return { ...(left !== undefined && { before: left }), ...(right !== undefined && { after: right }) };
}
