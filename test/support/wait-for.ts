import { setTimeout } from "node:timers/promises";

const POLL_MS = 50;

/**
 * Looks until there is something to see.
 *
 * @param look - answers `undefined` while there is not
 * @param deadlineMs - after this it fails, naming what was waited for
 */
export async function waitFor<Seen>(
  what: string,
  look: () => Seen | undefined | Promise<Seen | undefined>,
  deadlineMs = 30_000,
): Promise<Seen> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`);
    await setTimeout(POLL_MS);
  }
}
