import { CONTENT_EXAMPLES } from "./contents.ts";

const { answer: task } = CONTENT_EXAMPLES.approveContent;

export const PUBLISH_POOL_ENTRY_EXAMPLES = {
  addToPool: {
    body: { contentId: CONTENT_EXAMPLES.readContent.params.id, scheduledAt: "2026-12-01 09:00", priority: 3 },
    answer: task,
  },
  listPool: { query: { limit: "20" }, answer: { items: [task] } },
  readPoolStats: {
    query: { project: "default" },
    answer: { total: 1214, pending: 36, publishing: 2, published: 1169, failed: 7, complete: true },
  },
} as const;
