/** X for the bench: the sandbox, and beside it a server that throws away what it gets, in a process of their own. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import * as z from "zod";
import { startSandbox } from "#infra/local/sandbox/sandbox.ts";
import { answerParent } from "#test/bench/process.ts";

const NO_LIMIT = { limit: Number.MAX_SAFE_INTEGER, windowMs: 60_000 };

let latencyMs = 0;
const sandbox = await startSandbox({
  processingMs: 0,
  // Digests are checked; bytes would only fill this process.
  keepMedia: "hash",
  mediaSizeLimits: { videoBytes: Number.MAX_SAFE_INTEGER },
  limits: { initialize: NO_LIMIT, append: NO_LIMIT, finalize: NO_LIMIT, status: NO_LIMIT },
});

const sink = createServer(async (request, response) => {
  for await (const _ of request);
  if (latencyMs > 0) await setTimeout(latencyMs);
  response.end("{}");
});
await new Promise<void>((resolve) => {
  sink.listen(0, "127.0.0.1", resolve);
});

answerParent(
  {
    async addresses() {
      return { x: sandbox.url, sink: `http://127.0.0.1:${(sink.address() as AddressInfo).port}` };
    },
    async setLatency(argument) {
      latencyMs = z.number().parse(argument);
      sandbox.setLatency(latencyMs);
    },
    async sha256Of(argument) {
      return sandbox.media(z.string().parse(argument))?.sha256;
    },
  },
  async () => {
    sink.closeAllConnections();
    sink.close();
    await sandbox.close();
  },
);
