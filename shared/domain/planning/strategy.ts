/**
 * How the slot of a post is chosen. `fixed` takes the instant as it is; `immediate` is now; the others search from that
 * instant on.
 */
export const STRATEGIES = ["immediate", "fixed", "optimal", "preferred", "balanced", "next-free"] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** Strategies whose slot may move when something better or more urgent comes. */
export const isFlexible = (strategy: Strategy): boolean => strategy !== "immediate" && strategy !== "fixed";
