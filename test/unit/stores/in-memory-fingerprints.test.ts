import { fingerprintStoreContract } from "#test/contracts/fingerprint-store.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryFingerprints } from "#test/support/in-memory-fingerprints.ts";

fingerprintStoreContract("in memory", (options) => {
  const clock = manualClock();
  return { clock, fingerprints: createInMemoryFingerprints(clock, options) };
});
