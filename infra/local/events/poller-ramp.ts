/**
 * How many batches of a queue Lambda works on at once, when nothing limits it: five as soon as there are messages, up
 * to 300 more each minute while there are still messages, at most 1,250; and five again when traffic is low.
 *
 * AWS does not say how the 300 are spread over the minute; people who measured it saw them come evenly. Nor does it say
 * when traffic is low: here, after a minute in which five were enough.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
 * @see https://www.rehanvdm.com/blog/sqs-lambda-esm-scaling-behaviour
 */
export interface PollerRamp {
  /** Batches at once. */
  readonly limit: number;
  /** Seconds in a row in which the first five were enough. */
  readonly quietSeconds: number;
}

const FIRST = 5;
const MORE_EACH_SECOND = 300 / 60;
const MOST = 1_250;
const LOW_AFTER_SECONDS = 60;

/** Before the first message. */
export const RESTING_RAMP: PollerRamp = { limit: FIRST, quietSeconds: 0 };

/**
 * To be called once a second.
 *
 * @param peak - most batches at once in that second; where it is the limit, more messages may be waiting: nobody has
 *   looked
 */
export function nextRamp({ limit, quietSeconds }: PollerRamp, peak: number): PollerRamp {
  if (peak >= limit) return { limit: Math.min(limit + MORE_EACH_SECOND, MOST), quietSeconds: 0 };
  const quiet = peak <= FIRST ? quietSeconds + 1 : 0;
  return quiet >= LOW_AFTER_SECONDS ? RESTING_RAMP : { limit, quietSeconds: quiet };
}
