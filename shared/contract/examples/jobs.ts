const ID = "01M8XG5C9D4F6G8H0J2K4M6N8P";

const job = {
  id: "01M8XG5C9D4F6G8H0J2K4M6N8P",
  name: "nightly scan",
  type: "scan-source",
  params: { project: "default" },
  cron: "30 3 * * MON-FRI",
  timeZone: "Asia/Shanghai",
  enabled: true,
  nextRunAt: "2026-12-01T19:30:00Z",
  createdAt: "2026-12-01T01:00:00Z",
  updatedAt: "2026-12-01T01:00:00Z",
  version: 1,
} as const;

const body = {
  name: "nightly scan",
  type: "scan-source",
  params: { project: "default" },
  cron: "30 3 * * MON-FRI",
  timeZone: "Asia/Shanghai",
} as const;

export const JOB_EXAMPLES = {
  createJob: { body, answer: job },
  listJobs: {
    answer: {
      items: [job],
      builtIn: [
        {
          name: "sweep",
          intervalSeconds: 60,
          does: "Moves whatever should have moved by now, and begins the jobs that are due.",
        },
        {
          name: "scan",
          intervalSeconds: 3600,
          does: "Looks through every project's drop folder for files whose event was lost.",
        },
      ],
    },
  },
  readJob: { params: { id: ID }, answer: job },
  changeJob: {
    params: { id: ID },
    body: { ...body, cron: "0 4 * * *" },
    answer: { ...job, cron: "0 4 * * *", nextRunAt: "2026-12-01T20:00:00Z", version: 2 },
  },
  deleteJob: { params: { id: ID }, answer: job },
  pauseJob: {
    params: { id: ID },
    answer: {
      id: ID,
      name: job.name,
      type: job.type,
      params: job.params,
      cron: job.cron,
      timeZone: job.timeZone,
      enabled: false,
      createdAt: job.createdAt,
      updatedAt: "2026-12-02T08:30:00Z",
      version: 2,
    },
  },
  resumeJob: { params: { id: ID }, answer: { ...job, updatedAt: "2026-12-02T08:31:00Z", version: 3 } },
  triggerJob: {
    params: { id: ID },
    answer: { ...job, triggeredAt: "2026-12-02T08:30:00Z", updatedAt: "2026-12-02T08:30:00Z", version: 2 },
  },
  readJobHistory: {
    params: { id: ID },
    query: { limit: "20" },
    answer: {
      items: [
        {
          number: 1,
          type: "scan-source",
          via: "schedule",
          outcome: "succeeded",
          plannedAt: "2026-12-01T19:30:00Z",
          startedAt: "2026-12-01T19:30:21.400Z",
          durationMs: 812,
        },
      ],
    },
  },
} as const;
