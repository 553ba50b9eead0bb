import { toBatchView } from "#shared/contract/batch-view.ts";
import { toRunView } from "#shared/contract/run-view.ts";
import type { ReadBatch } from "#shared/usecases/read-batch.ts";
import type { ReadRun } from "#shared/usecases/read-run.ts";
import type { StartRun } from "#shared/usecases/start-run.ts";
import type { RouteAnswer, RouteHandlers } from "./router.ts";

export interface PublishPoolRouteDeps {
  readonly readBatch: ReadBatch;
  readonly startRun: StartRun;
  readonly readRun: ReadRun;
}

type PublishPoolRoutes = Pick<RouteHandlers, "readBatch" | "startRun" | "readRun">;

/** Batches and runs: which answer each outcome is. */
export const createPublishPoolRoutes = (usecases: PublishPoolRouteDeps): PublishPoolRoutes => ({
  async readBatch({ caller: { ownerId }, params }): Promise<RouteAnswer<"readBatch">> {
    const read = await usecases.readBatch(ownerId, params.id);
    if (read.ok) return { status: 200, body: toBatchView(read.value) };
    return { problem: "batch-not-found", detail: "No batch of this key's owner has this id." };
  },

  async startRun({ caller: { ownerId } }): Promise<RouteAnswer<"startRun">> {
    const { id } = await usecases.startRun(ownerId);
    const href = `/api/v1/publish-pool/runs/${id}`;
    return { status: 202, body: { runId: id, href }, headers: { location: href } };
  },

  async readRun({ caller: { ownerId }, params, query }): Promise<RouteAnswer<"readRun">> {
    const read = await usecases.readRun(ownerId, params.id, query.cursor ?? 0);
    if (read.ok) return { status: 200, body: toRunView(read.value) };
    switch (read.error.reason) {
      case "not-found":
        return { problem: "run-not-found", detail: "No run of this key's owner has this id." };
      case "bad-page": {
        const detail = "Send `next` of the page before; or none, for the first page.";
        return { problem: "invalid-cursor", detail, errors: [{ parameter: "cursor", detail }] };
      }
    }
  },
});
