import { type DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { asJobId, asOwnerId, type JobId, type OwnerId } from "#shared/domain/ids.ts";
import {
  emptyRegister,
  JOB_TYPES,
  type Job,
  type JobRegister,
  type JobRun,
  PROJECT_JOB_TYPES,
  wakeAtOf,
} from "#shared/domain/job.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import { err, ok } from "#shared/result.ts";
import { putIf, transactIf, versionedPut } from "./conditional-write.ts";
import { type Item, SCHEMA_VERSION, wakeKeys } from "./items.ts";

export interface DynamoJobStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

const jobKey = (id: JobId) => ({ pk: `JOB#${id}`, sk: "JOB" });
/** As texts they sort by number. */
const runSk = (number: number) => `RUN#${String(number).padStart(9, "0")}`;
const registerKey = (ownerId: OwnerId) => ({ pk: `OWNER#${ownerId}`, sk: "JOBS" });

const instant = z.iso.datetime().transform((iso) => new Date(iso));
const count = z.int().min(0);
const positive = z.int().min(1);
const jobId = z.string().transform(asJobId);
const ownerId = z.string().transform(asOwnerId);

const jobItem = z.object({
  id: jobId,
  ownerId,
  name: z.string(),
  action: z.discriminatedUnion("type", [
    z.object({ type: z.literal("publishing-run") }),
    z.object({ type: z.enum(PROJECT_JOB_TYPES), project: z.string() }),
  ]),
  schedule: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("interval"), everyMs: positive }),
    z.object({ kind: z.literal("cron"), cron: z.string(), timeZone: z.string() }),
  ]),
  enabled: z.boolean(),
  createdAt: instant,
  updatedAt: instant,
  nextAt: instant.exactOptional(),
  triggeredAt: instant.exactOptional(),
  lastRunAt: instant.exactOptional(),
  runs: count,
  deletedAt: instant.exactOptional(),
  version: positive,
});

const runItem = z.object({
  jobId,
  number: positive,
  type: z.enum(JOB_TYPES),
  via: z.enum(["schedule", "trigger"]),
  plannedAt: instant,
  startedAt: instant,
  endedAt: instant.exactOptional(),
  outcome: z.enum(["succeeded", "failed", "errored", "skipped"]).exactOptional(),
  error: z.object({ code: z.string(), message: z.string() }).exactOptional(),
  runId: z.string().exactOptional(),
  filled: z
    .object({
      moved: count,
      skipped: count,
      complete: z.boolean(),
      shortDays: count,
      shortfalls: z.array(
        z.object({
          account: z.string(),
          date: z.string(),
          planned: count,
          missing: positive,
          message: z.string(),
        }),
      ),
    })
    .exactOptional(),
});

const registerItem = z.object({
  ownerId,
  entries: z.array(z.object({ id: jobId, name: z.string() })),
  version: positive,
});

/** DynamoDB's clock counts seconds. */
const fadesAfter = (at: Date): number => Math.floor((at.getTime() + TIMING.logRetentionMs) / 1_000);

const fromJob = (job: Job): Item => {
  const { createdAt, updatedAt, nextAt, triggeredAt, lastRunAt, deletedAt, ...plain } = job;
  return {
    ...jobKey(job.id),
    entity: "job",
    schemaVersion: SCHEMA_VERSION,
    ...plain,
    action: { ...job.action },
    schedule: { ...job.schedule },
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    ...(nextAt && { nextAt: nextAt.toISOString() }),
    ...(triggeredAt && { triggeredAt: triggeredAt.toISOString() }),
    ...(lastRunAt && { lastRunAt: lastRunAt.toISOString() }),
    ...(deletedAt && { deletedAt: deletedAt.toISOString(), expiresAt: fadesAfter(deletedAt) }),
    ...wakeKeys(wakeAtOf(job), "job", job.id),
  };
};

const fromRun = ({ plannedAt, startedAt, endedAt, error, filled, ...run }: JobRun): Item => ({
  pk: jobKey(run.jobId).pk,
  sk: runSk(run.number),
  entity: "job-run",
  schemaVersion: SCHEMA_VERSION,
  ...run,
  plannedAt: plannedAt.toISOString(),
  startedAt: startedAt.toISOString(),
  ...(endedAt && { endedAt: endedAt.toISOString() }),
  ...(error && { error: { ...error } }),
  ...(filled && { filled: { ...filled, shortfalls: filled.shortfalls.map((day) => ({ ...day })) } }),
  expiresAt: fadesAfter(startedAt),
});

const fromRegister = ({ ownerId, entries, version }: JobRegister): Item => ({
  ...registerKey(ownerId),
  entity: "job-register",
  schemaVersion: SCHEMA_VERSION,
  ownerId,
  entries: entries.map((entry) => ({ ...entry })),
  version,
});

/** Jobs in the one table; the runs of a job beside it, and for each owner one item that names the owner's jobs. */
export function createDynamoJobStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoJobStoreOptions): JobStore {
  const read = async (Key: { readonly pk: string; readonly sk: string }) =>
    (await documents.send(new GetCommand({ TableName: tableName, Key, ConsistentRead: true }))).Item;

  return {
    async get(id) {
      const item = await read(jobKey(id));
      return item && jobItem.parse(item);
    },

    async getRegister(owner) {
      const item = await read(registerKey(owner));
      return item ? registerItem.parse(item) : emptyRegister(owner);
    },

    async save(next, { run, register } = {}) {
      const writeId = entropy.newId();
      const jobPut = versionedPut(tableName, { ...fromJob(next), writeId }, next.version);
      if (!run && !register) {
        const put = await putIf(documents, jobPut, writeId);
        return put.ok ? ok(undefined) : err({ reason: "stale" });
      }
      const written = await transactIf(
        documents,
        [
          { Put: { ...jobPut, ReturnValuesOnConditionCheckFailure: "ALL_OLD" } },
          ...(run ? [{ Put: { TableName: tableName, Item: fromRun(run) } }] : []),
          ...(register ? [{ Put: versionedPut(tableName, fromRegister(register), register.version) }] : []),
        ],
        {
          entropy,
          writeId,
          pause: (ms) => clock.sleepUntil(new Date(clock.now().getTime() + ms)),
        },
      );
      return written.ok ? ok(undefined) : err({ reason: "stale" });
    },

    async saveRun(run) {
      await documents.send(new PutCommand({ TableName: tableName, Item: fromRun(run) }));
    },

    async listRuns(id, { limit, before }) {
      const { Items = [] } = await documents.send(
        new QueryCommand({
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
          ExpressionAttributeValues: {
            ":pk": jobKey(id).pk,
            ":first": runSk(0),
            ":last": before === undefined ? "RUN#~" : runSk(before - 1),
          },
          ScanIndexForward: false,
          Limit: limit,
        }),
      );
      // DynamoDB deletes expired items within days, not at once. They are the last ones.
      const now = clock.now().getTime() / 1_000;
      return Items.filter((item) => Number(item["expiresAt"]) > now).map((item) => runItem.parse(item));
    },
  };
}
