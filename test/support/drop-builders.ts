import type { Drop } from "#shared/domain/drop.ts";

/** A drop that was just seen; a test names only the fields it is about. */
export const aDrop = (over: Partial<Drop> = {}): Drop => ({
  project: "default",
  base: "trip",
  status: "waiting",
  firstSeenAt: new Date("2026-12-01T01:00:00.000Z"),
  lastSeenAt: new Date("2026-12-01T01:00:00.000Z"),
  version: 1,
  ...over,
});
