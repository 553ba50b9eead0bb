/** X for the bench: the sandbox, in a process of its own. */
import * as z from "zod";
import { startSandbox } from "#infra/local/sandbox/sandbox.ts";
import { answerParent } from "#test/bench/process.ts";
import { DISCARD_PATH } from "./job.ts";

const NO_LIMIT = { limit: Number.MAX_SAFE_INTEGER, windowMs: 60_000 };

const sandbox = await startSandbox({
  processingMs: 0,
  // Digests are checked; bytes would only fill this process.
  keepMedia: "hash",
  mediaSizeLimits: { videoBytes: Number.MAX_SAFE_INTEGER },
  limits: { initialize: NO_LIMIT, append: NO_LIMIT, finalize: NO_LIMIT, status: NO_LIMIT },
});
// For the bare copy: read whole, then forgotten.
sandbox.addFault({
  match: { method: "POST", path: DISCARD_PATH, times: "always" },
  action: { status: 200, body: {} },
});

answerParent(
  {
    async address() {
      return sandbox.url;
    },
    async setLatency(argument) {
      sandbox.setLatency(z.number().parse(argument));
    },
    async sha256Of(argument) {
      return sandbox.media(z.string().parse(argument))?.sha256;
    },
  },
  () => sandbox.close(),
);
