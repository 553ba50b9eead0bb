import { asAccountId, asOwnerId, asProjectId, asTaskId, type TaskId } from "#shared/domain/ids.ts";
import type { Medium } from "#shared/domain/media.ts";
import { type Content, DEFAULT_LATE_POLICY, type Task } from "#shared/domain/task.ts";

let serial = 0;
/** A ULID-shaped id that no other test of this process has. */
export const freshTaskId = (): TaskId => asTaskId(`01JZ${(++serial).toString().padStart(22, "0")}`);

/** A valid text post, just created; a test names only the fields it is about. */
export function aTask(over: Partial<Task> = {}): Task {
  const slotAt = over.slotAt ?? new Date("2026-12-01T01:10:00.000Z");
  return {
    id: freshTaskId(),
    ownerId: asOwnerId("owner-1"),
    projectId: asProjectId("project-1"),
    accountId: asAccountId("account-1"),
    status: "pending",
    version: 1,
    rev: 1,
    contentRev: 1,
    arm: 1,
    wakeAt: new Date("2026-12-01T01:02:00.000Z"),
    source: { kind: "api" },
    priority: 5,
    language: "zh",
    latePolicy: DEFAULT_LATE_POLICY,
    maxRetries: 3,
    retries: 0,
    recoveries: 0,
    parkings: 0,
    reposts: 0,
    costMicros: 15_000,
    createdAt: new Date("2026-12-01T01:00:00.000Z"),
    updatedAt: new Date("2026-12-01T01:00:00.000Z"),
    publishAt: slotAt,
    slotAt,
    partCount: 1,
    mediaCount: 0,
    posted: [],
    ...over,
  };
}

/** What `task` says; as many parts as it counts. */
export const aContent = (task: Task, over: Partial<Content> = {}): Content => ({
  taskId: task.id,
  rev: task.contentRev,
  parts: Array.from({ length: task.partCount }, (_, index) => ({ text: `part ${index + 1} of ${task.id}` })),
  media: [],
  ...over,
});

export const aMedium = (over: Partial<Medium> = {}): Medium => ({
  name: "kite.jpg",
  key: "drop/default/kite.jpg",
  etag: '"0123456789abcdef"',
  type: "image/jpeg",
  sizeBytes: 48_213,
  sha256: "ab".repeat(32),
  width: 1200,
  height: 800,
  ...over,
});
