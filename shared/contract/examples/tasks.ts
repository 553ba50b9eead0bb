const ID = "01M8XG3T5R6M3W3C8H1A9J7Z5R";
const OTHER = "01M8XG4B2N7Q1V0T9Y8X7W6Q4N";
const BATCH = "e7243b431875d6e7899d6ed7d846c99a";

const task = {
  id: ID,
  project: "default",
  account: "main",
  status: "pending",
  rev: 1,
  version: 2,
  priority: 5,
  language: "en",
  publishAt: "2026-12-01T01:00:00Z",
  slotAt: "2026-12-01T01:03:47Z",
  slotLocal: "2026-12-01 09:03:47",
  timeZone: "Asia/Shanghai",
  strategy: "optimal",
  parts: [{ text: "The harbour at nine." }],
  media: [],
} as const;

const plan = {
  accountId: "owner-1.main",
  at: "2026-12-01T01:03:47Z",
  score: 1,
  reasons: [
    { code: "optimal-hour", message: "9:03 on Tuesday 1 December is the earliest free optimal hour." },
  ],
  strategy: "optimal",
  alternatives: [
    {
      accountId: "owner-1.main",
      at: "2026-12-01T05:16:23Z",
      score: 0.988,
      reasons: [
        { code: "optimal-hour", message: "13:16 on Tuesday 1 December is another free optimal hour." },
      ],
    },
  ],
} as const;

const published = {
  ...task,
  status: "published",
  version: 5,
  sentAt: "2026-12-01T01:03:47.041Z",
  latenessMs: 41,
  parts: [
    {
      text: "The harbour at nine.",
      postId: "1999001122334455667",
      link: "https://x.com/i/status/1999001122334455667",
    },
  ],
} as const;

const log = [
  {
    at: "2026-12-01T01:00:00Z",
    attemptId: "01M8XG8J2B4C6D8E0F2G4H6J8K",
    step: "accept",
    status: "pending",
    code: "slot-chosen",
    message: plan.reasons[0].message,
  },
  {
    at: "2026-12-01T01:03:47.310Z",
    attemptId: "01M8XG9K3C5D7E9F1G3H5J7K9M",
    step: "publish",
    via: "scheduler",
    status: "published",
    phases: { waitedMs: 64_959, intentMs: 18, callMs: 251, latenessMs: 41 },
    externalId: "1999001122334455667",
  },
] as const;

export const TASK_EXAMPLES = {
  createTask: {
    body: { text: "The harbour at nine.", strategy: "optimal", language: "en" },
    answer: { ...task, version: 1, plan },
  },
  createTasks: {
    body: { tasks: [{ text: "The harbour at nine.", language: "en" }, { text: 7 }] },
    answer: {
      accepted: 1,
      refused: 1,
      results: [
        { task: { ...task, version: 1 } },
        {
          code: "invalid-input",
          detail: "/text: Invalid input: expected string, received number",
          retryable: false,
          errors: [{ pointer: "/tasks/1/text", detail: "Invalid input: expected string, received number" }],
        },
      ],
    },
  },
  listTasks: {
    query: { project: "default", status: "published", from: "2026-12-01T00:00:00+08:00", limit: "20" },
    answer: { items: [published], next: "c2xvdA.5tVq0w" },
  },
  readTask: { params: { id: ID }, answer: { ...published, log } },
  readConflicts: {
    params: { id: OTHER },
    answer: {
      taskId: OTHER,
      slotAt: "2026-12-01T04:10:00Z",
      conflicts: [
        {
          code: "account-busy",
          severity: "blocks",
          message:
            "It is closer than 4 hours to the task 01M8XG3T5R6M3W3C8H1A9J7Z5R at 2026-12-01T01:03:47Z.",
          remedy: "Take one of the suggested slots.",
          with: [{ id: "01M8XG3T5R6M3W3C8H1A9J7Z5R", at: "2026-12-01T01:03:47Z" }],
          suggestions: [
            {
              kind: "slot",
              accountId: "owner-1.main",
              at: "2026-12-01T05:03:52Z",
              message: "13:03 on Tuesday 1 December is free as well.",
            },
          ],
        },
      ],
    },
  },
  cancelTask: {
    params: { id: ID },
    answer: {
      ...task,
      status: "cancelled",
      rev: 2,
      version: 3,
      reason: {
        code: "cancelled",
        message: "Cancelled before anything was posted.",
        remedy: "Create it again if you changed your mind.",
      },
    },
  },
  publishNow: {
    params: { id: ID },
    body: { override: true },
    answer: {
      ...task,
      rev: 2,
      version: 4,
      slotAt: "2026-12-01T01:01:12.204Z",
      slotLocal: "2026-12-01 09:01:12",
    },
  },
  readTaskLog: {
    params: { id: ID },
    query: { limit: "2" },
    answer: { items: log, next: "bG9n.9aQm2x" },
  },
  readTaskStatus: {
    params: { id: ID },
    answer: {
      taskId: ID,
      status: "ready",
      total: 5,
      sent: 2,
      pending: 3,
      failed: 0,
      waitMs: 2_140,
      throughputPerMinute: 11.4,
      estimatedCompletionAt: "2026-12-01T01:04:09Z",
      lastActivityAt: "2026-12-01T01:03:54.300Z",
    },
  },
  readBatchStatus: {
    params: { id: BATCH },
    answer: {
      batchId: BATCH,
      name: "spring",
      total: 120,
      sent: 88,
      pending: 31,
      failed: 1,
      waitMs: 41_000,
      throughputPerMinute: 0.5,
      estimatedCompletionAt: "2026-12-02T13:25:29Z",
      lastActivityAt: "2026-12-01T01:03:47.310Z",
      looked: 120,
    },
  },
  updateTask: {
    params: { id: ID },
    body: { text: "The harbour at ten.", priority: 2 },
    answer: { ...task, rev: 2, version: 4, priority: 2, parts: [{ text: "The harbour at ten." }] },
  },
  rescheduleTask: {
    params: { id: ID },
    body: { strategy: "optimal" },
    answer: { ...task, rev: 2, version: 4, plan },
  },
  retryTask: {
    params: { id: OTHER },
    answer: { ...task, retryOf: OTHER, plan },
  },
  resolveTask: {
    params: { id: ID },
    body: { as: "posted", postId: "1999001122334455667" },
    answer: published,
  },
} as const;
