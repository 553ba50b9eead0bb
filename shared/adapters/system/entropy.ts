import { monotonicFactory } from "ulid";
import type { Entropy } from "#shared/ports/entropy.ts";

const ulid = monotonicFactory();

export const systemEntropy: Entropy = { newId: () => ulid(), random: () => Math.random() };
