/** `setTimeout` counts in 32 bits; anything longer would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Calls back at an instant, never before it, however far away; an instant in the past is now.
 *
 * @returns cancels the call.
 */
export function callAt(atMs: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const leftMs = atMs - Date.now();
    // A timer may fire up to a millisecond early.
    timer = setTimeout(
      () => (Date.now() < atMs ? arm() : callback()),
      Math.min(Math.max(leftMs, 0), LONGEST_MS),
    );
  };
  arm();
  return () => clearTimeout(timer);
}

/** Calls back every `everyMs` from `firstMs` on; missed calls are made up by one. */
export function callEvery(firstMs: number, everyMs: number, callback: () => void): () => void {
  let cancel: () => void;
  const next = (atMs: number): void => {
    cancel = callAt(atMs, () => {
      next(Math.max(atMs + everyMs, Date.now()));
      callback();
    });
  };
  next(firstMs);
  return () => cancel();
}
