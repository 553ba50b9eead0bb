const RUN = "01M8XG6E7A1B3C5D7E9F1G3H5J";
const BATCH = "e7243b431875d6e7899d6ed7d846c99a";

export const PUBLISH_POOL_EXAMPLES = {
  startRun: { answer: { runId: RUN, href: `/api/v1/publish-pool/runs/${RUN}` } },
  readRun: {
    params: { id: RUN },
    answer: {
      id: RUN,
      status: "ended",
      success: false,
      message: "1 of 2 published, 0 failed, 0 errored, 1 skipped.",
      total: 2,
      succeeded: 1,
      failed: 0,
      errored: 0,
      skipped: 1,
      createdAt: "2026-12-01T01:00:00Z",
      startedAt: "2026-12-01T01:00:21Z",
      endedAt: "2026-12-01T01:01:22.042Z",
      durationMs: 61_042,
      averageMs: 1_561,
      items: [
        {
          taskId: "01M8XG3T5R6M3W3C8H1A9J7Z5R",
          outcome: "succeeded",
          status: "published",
          logId: "2026-12-01T01:00:24.310Z#01M8XG8J2B4C6D8E0F2G4H6J8K",
          mediaIds: [],
          handedAt: "2026-12-01T01:00:22Z",
          durationMs: 2_310,
        },
        {
          taskId: "01M8XG4B2N7Q1V0T9Y8X7W6Q4N",
          outcome: "skipped",
          status: "retrying",
          logId: "2026-12-01T01:00:22.812Z#01M8XG9K3C5D7E9F1G3H5J7K9M",
          mediaIds: [],
          error: {
            code: "parked",
            message: "The project keeps an interval between the posts of an account.",
          },
          handedAt: "2026-12-01T01:00:22Z",
          durationMs: 812,
        },
      ],
    },
  },
  readBatch: {
    params: { id: BATCH },
    answer: {
      id: BATCH,
      name: "spring",
      createdAt: "2026-12-01T01:00:00Z",
      total: 1_200,
      counts: { pending: 300, processing: 12, done: 888 },
      percentDone: 74,
    },
  },
} as const;
