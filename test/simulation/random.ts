/** Chance that a seed repeats. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  chance(probability: number): boolean;
  /** A whole number, both ends included. */
  between(low: number, high: number): number;
  /** As `between`, but every order of magnitude is as likely as another: mostly short, sometimes very long. */
  spread(low: number, high: number): number;
  pick<Item>(items: readonly Item[]): Item;
}

/** splitmix32: spreads neighbouring seeds far apart. */
function mixer(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

/**
 * sfc32. Every concern of a run has a stream of its own, so that a planted fault in one (a breakage that makes a call
 * more) does not change what the others draw.
 *
 * @see https://pracrand.sourceforge.net/RNG_engines.txt
 */
export function createRandom(seed: number, stream: number): Random {
  const mix = mixer(Math.imul(seed, 0x85ebca6b) ^ Math.imul(stream + 1, 0xc2b2ae35));
  let [a, b, c, count] = [mix(), mix(), mix(), 1];
  const next = (): number => {
    const sum = (((a + b) | 0) + count) | 0;
    count = (count + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  for (let warm = 0; warm < 12; warm++) next();
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    chance: (probability) => next() < probability,
    between,
    spread: (low, high) => Math.round(low * (high / low) ** next()),
    pick(items) {
      const picked = items[Math.floor(next() * items.length)];
      if (picked === undefined) throw new RangeError("nothing to pick from");
      return picked;
    },
  };
}
