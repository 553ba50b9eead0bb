const policy = {
  version: 1,
  timeZone: "Asia/Shanghai",
  weight: 5,
  minInterval: "4h",
  dailyMin: 3,
  dailyMax: 4,
  blackout: { fromHour: 0, toHour: 7 },
  blackoutDates: ["2026-12-24"],
  holidays: [],
  frozen: false,
  optimalHours: [9, 13, 17, 21],
  preferredHours: [],
  jitter: "40m",
  lead: "1m",
  quotaBuffer: 0.2,
  urgentShare: 0.2,
  duplicates: { window: "30d", threshold: 0.6, near: "warns" },
  uniqueMedia: true,
  latePolicy: { postWithin: "30m", then: "missed" },
  reconcile: null,
  monthlyBudgetUsd: null,
} as const;

export const POLICY_EXAMPLES = {
  readPolicy: { params: { name: "default" }, answer: policy },
  writePolicy: {
    params: { name: "default" },
    body: { version: 0, preset: "conservative", dailyMax: 4, blackoutDates: ["2026-12-24"] },
    answer: { ...policy, warnings: [] },
  },
  listPolicyVersions: {
    params: { name: "default" },
    query: { limit: "20" },
    answer: { items: [{ ...policy, savedAt: "2026-12-01T01:00:00Z", savedBy: "key 0123456789ab" }] },
  },
  replan: {
    params: { name: "default" },
    body: { apply: false },
    answer: {
      project: "default",
      version: 1,
      timeZone: "Asia/Shanghai",
      applied: false,
      counts: { keeps: 0, moves: 1, noPlace: 0, moved: 0, notMoved: 0 },
      items: [
        {
          taskId: "01M8XG3T5R6M3W3C8H1A9J7Z5R",
          account: "main",
          strategy: "optimal",
          slotAt: "2026-12-01T04:12:31Z",
          slotLocal: "2026-12-01 12:12:31",
          change: "moves",
          newSlotAt: "2026-12-01T05:03:52Z",
          newSlotLocal: "2026-12-01 13:03:52",
          reasons: [
            {
              code: "optimal-hour",
              message: "13:03 on Tuesday 1 December is the earliest free optimal hour.",
            },
          ],
        },
      ],
    },
  },
} as const;
