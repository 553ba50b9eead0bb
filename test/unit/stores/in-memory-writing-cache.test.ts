import { writingCacheContract } from "#test/contracts/writing-cache.ts";
import { createInMemoryWritingCache } from "#test/support/in-memory-writing-cache.ts";

writingCacheContract("in memory", createInMemoryWritingCache);
