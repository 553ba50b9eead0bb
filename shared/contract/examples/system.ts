import { DEFAULT_SETTINGS } from "#shared/domain/settings.ts";

const none = { waiting: 0, inFlight: 0, delayed: 0 } as const;

const queues = [
  { name: "intake", work: none, deadLetters: none, oldestAgeSeconds: null },
  { name: "prepare", work: none, deadLetters: none, oldestAgeSeconds: null },
  {
    name: "publish",
    work: { waiting: 2, inFlight: 1, delayed: 4 },
    deadLetters: { ...none, waiting: 1 },
    oldestAgeSeconds: null,
  },
  { name: "webhooks", work: none, deadLetters: none, oldestAgeSeconds: null },
  { name: "background", deadLetters: none, oldestAgeSeconds: null },
] as const;

export const SYSTEM_EXAMPLES = {
  checkHealth: {
    answer: {
      status: "ok",
      stage: "main",
      checkedAt: "2026-12-01T01:00:00.120Z",
      dependencies: [
        { name: "table", status: "ok", why: "Read.", latencyMs: 11 },
        { name: "scheduler", status: "ok", why: "Called.", latencyMs: 24 },
        { name: "queues", status: "ok", why: "Read. There is a dead letter: see the queues.", latencyMs: 18 },
        { name: "bucket", status: "not-checked", why: "Uploads go to it past the API." },
      ],
      accounts: { total: 3, active: 3, available: 2, utilisation: 0.04 },
      queues,
      activity: {
        postsPerMinute: 0.8,
        requests: 412,
        errorRate: 0,
        meanResponseMs: 14.2,
        p90ResponseMs: 25,
      },
    },
  },
  checkReadiness: { answer: { ready: true, why: "The table can be read." } },
  readMetrics: {
    answer:
      "# HELP punctual_posts_total Posts that are out, parts of threads each.\n# TYPE punctual_posts_total counter\npunctual_posts_total 1204\n",
  },
  readInfo: {
    answer: {
      version: "1.0.0",
      stage: "main",
      region: "eu-central-1",
      node: "v24.11.0",
      limits: DEFAULT_SETTINGS,
      since: "2026-11-01T00:00:00Z",
    },
  },
  readQueueStatus: {
    answer: { queues, note: "Counts are SQS's own: approximate, and some seconds old." },
  },
  redriveQueue: {
    body: { queue: "publish" },
    answer: { queue: "publish", moved: 1, doubled: 0, failed: 0, more: false },
  },
} as const;
