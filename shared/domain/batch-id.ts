import { createHash } from "node:crypto";
import { asBatchId, type BatchId, type OwnerId } from "./ids.ts";

/** One id for each name of an owner: two batches can never share a name, and none has to be looked up by it. */
export const batchIdFor = (ownerId: OwnerId, name: string): BatchId =>
  asBatchId(
    createHash("sha256")
      .update(JSON.stringify([ownerId, name]))
      .digest("hex")
      .slice(0, 32),
  );
