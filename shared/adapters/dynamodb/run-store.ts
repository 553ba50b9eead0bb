import { type DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { asOwnerId, asTaskId } from "#shared/domain/ids.ts";
import { asRunId, type Run, type RunId, type RunItem, type RunPage } from "#shared/domain/run.ts";
import { TASK_STATUSES } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { RunStore } from "#shared/ports/run-store.ts";
import { err, ok } from "#shared/result.ts";
import { putIf, versionedPut } from "./conditional-write.ts";
import { type Item, SCHEMA_VERSION, wakeKeys } from "./items.ts";

export interface DynamoRunStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Entropy;
}

const runKey = (id: RunId) => ({ pk: `RUN#${id}`, sk: "RUN" });
const pageKey = (id: RunId, index: number) => ({ pk: `RUN#${id}`, sk: `ITEM#${index}` });

const instant = z.iso.datetime().transform((iso) => new Date(iso));
const count = z.int().min(0);
const positive = z.int().min(1);
const runId = z.string().transform(asRunId);

const runItem = z.object({
  id: runId,
  ownerId: z.string().transform(asOwnerId),
  status: z.enum(["queued", "running", "ended"]),
  createdAt: instant,
  startedAt: instant.exactOptional(),
  endedAt: instant.exactOptional(),
  wakeAt: instant.exactOptional(),
  total: count,
  pages: count,
  more: z.boolean(),
  counts: z.object({ succeeded: count, failed: count, errored: count, skipped: count }),
  workedMs: count,
  timed: count,
  version: positive,
});

const pageItem = z.object({
  runId,
  index: count,
  version: positive,
  items: z.array(
    z.object({
      taskId: z.string().transform(asTaskId),
      state: z.enum(["waiting", "open", "ended"]),
      status: z.enum(TASK_STATUSES),
      handedAt: instant.exactOptional(),
      outcome: z.enum(["succeeded", "failed", "errored", "skipped"]).exactOptional(),
      error: z.object({ code: z.string(), message: z.string() }).exactOptional(),
      logId: z.string().exactOptional(),
      mediaIds: z.array(z.string()),
      durationMs: count.exactOptional(),
    }),
  ),
});

const expiresAt = ({ createdAt }: Run): number =>
  Math.floor((createdAt.getTime() + TIMING.logRetentionMs) / 1_000);

const fromRun = ({ wakeAt, createdAt, startedAt, endedAt, ...run }: Run): Item => ({
  ...runKey(run.id),
  entity: "run",
  schemaVersion: SCHEMA_VERSION,
  ...run,
  counts: { ...run.counts },
  createdAt: createdAt.toISOString(),
  ...(startedAt && { startedAt: startedAt.toISOString() }),
  ...(endedAt && { endedAt: endedAt.toISOString() }),
  ...(wakeAt && { wakeAt: wakeAt.toISOString() }),
  ...wakeKeys(wakeAt, "run", run.id),
});

const fromItem = ({ handedAt, error, mediaIds, ...item }: RunItem): Item => ({
  ...item,
  mediaIds: [...mediaIds],
  ...(handedAt && { handedAt: handedAt.toISOString() }),
  ...(error && { error: { ...error } }),
});

/** Runs in the one table; the items of a run beside it, in pages, since one run may have thousands. */
export function createDynamoRunStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoRunStoreOptions): RunStore {
  /** DynamoDB deletes expired items within days, not at once. */
  async function read(Key: { readonly pk: string; readonly sk: string }): Promise<Item | undefined> {
    const { Item } = await documents.send(
      new GetCommand({ TableName: tableName, Key, ConsistentRead: true }),
    );
    return Item && Number(Item["expiresAt"]) > clock.now().getTime() / 1_000 ? Item : undefined;
  }

  async function write(item: Item, run: Run, version: number) {
    const writeId = entropy.newId();
    const saved = await putIf(
      documents,
      versionedPut(tableName, { ...item, expiresAt: expiresAt(run), writeId }, version),
      writeId,
    );
    return saved.ok ? ok(undefined) : err({ reason: "stale" as const });
  }

  return {
    async get(id): Promise<Run | undefined> {
      const item = await read(runKey(id));
      return item && runItem.parse(item);
    },

    save: (next) => write(fromRun(next), next, next.version),

    async getPage(id, index): Promise<RunPage | undefined> {
      const item = await read(pageKey(id, index));
      return item && pageItem.parse(item);
    },

    savePage: (run, { items, ...page }) =>
      write(
        {
          ...pageKey(page.runId, page.index),
          entity: "run-page",
          schemaVersion: SCHEMA_VERSION,
          ...page,
          items: items.map(fromItem),
        },
        run,
        page.version,
      ),
  };
}
