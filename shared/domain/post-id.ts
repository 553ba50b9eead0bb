/** X counts milliseconds from here. */
const EPOCH_MS = 1_288_834_974_657n;
/** Of machine and sequence. */
const LOW_BITS = 22n;
/** Ids are 63 bits long. */
const ID = /^[1-9]\d{5,18}$/;

/**
 * When X made a post, to the millisecond, by its own clock: its id says so. `undefined`: it is no id.
 *
 * @see https://docs.x.com/fundamentals/x-ids
 */
export const postedAt = (postId: string): Date | undefined =>
  ID.test(postId) ? new Date(Number((BigInt(postId) >> LOW_BITS) + EPOCH_MS)) : undefined;
