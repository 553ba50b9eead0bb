import { TIMING } from "#shared/domain/timing.ts";

/** Attempts of one call, the first included. */
const MAX_ATTEMPTS = 3;

/**
 * Options of every AWS client: a call, its repeats included, ends within the lookup deadline.
 *
 * The SDK itself waits for an answer without limit.
 */
export const AWS_CLIENT = {
  maxAttempts: MAX_ATTEMPTS,
  requestHandler: {
    connectionTimeout: 1_000,
    requestTimeout: Math.floor(TIMING.lookupDeadlineMs / MAX_ATTEMPTS),
    throwOnRequestTimeout: true,
    httpsAgent: { maxSockets: 20, keepAlive: true },
    httpAgent: { maxSockets: 20, keepAlive: true },
  },
} as const;
