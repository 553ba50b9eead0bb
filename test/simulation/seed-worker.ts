/** A thread that runs the seeds it is told to. */
import { parentPort } from "node:worker_threads";
import { runSeeds, type SeedRange } from "./tally.ts";

if (!parentPort) throw new RangeError("this file is started as a worker");
const port = parentPort;
// Thousands of planted faults a second: nobody reads where they were thrown.
Error.stackTraceLimit = 0;
port.on("message", async (range: SeedRange) => port.postMessage(await runSeeds(range)));
