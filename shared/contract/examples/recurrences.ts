const ID = "01M8XG7G3K5M7N9P1Q3R5S7T9V";

const summary = {
  id: "01M8XG7G3K5M7N9P1Q3R5S7T9V",
  name: "Harbour news",
  status: "active",
  version: 1,
  rule: "FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=9;BYMINUTE=0",
  dtStart: "2026-12-01T00:00:00",
  timeZone: "Asia/Shanghai",
  exDates: ["2026-12-24"],
  rDates: [],
  skips: [],
  priority: 5,
  language: "en",
  latePolicy: { postWithin: "30m", then: "missed" },
  maxRetries: 3,
  createdAt: "2026-12-01T01:00:00Z",
  updatedAt: "2026-12-01T01:00:00Z",
  expandedUntil: "2026-12-15T01:00:00Z",
} as const;

const recurrence = {
  ...summary,
  ...{
    project: "default",
    account: "main",
    texts: ["The harbour at nine.", ["What sails today?", "The list, by berth."]],
    overrides: [],
    coming: [
      {
        occurrence: "2026-12-03T09:00:00",
        publishAt: "2026-12-03T01:00:00Z",
        taskId: "01M8XJ3JM03MNZHMMTDZ6XJTB7",
      },
      {
        occurrence: "2026-12-07T09:00:00",
        publishAt: "2026-12-07T01:00:00Z",
        taskId: "01M97VPEM0E8DKSC5BVRKNWWED",
      },
    ],
    warnings: [
      {
        code: "repeats-too-soon",
        message:
          "The text of 2026-12-03T01:00:00Z comes again at 2026-12-10T01:00:00Z, after 7 days; the project wants 30 days between equal texts, and X refuses what it takes for a repetition.",
        remedy: "Give more texts: 8 would do, one for each post of that time. Or post less often.",
      },
    ],
  },
} as const;

const body = {
  name: "Harbour news",
  texts: ["The harbour at nine.", ["What sails today?", "The list, by berth."]],
  rule: "FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=9;BYMINUTE=0",
  dtStart: "2026-12-01 00:00",
  exDates: ["2026-12-24"],
  language: "en",
} as const;

export const RECURRENCE_EXAMPLES = {
  createRecurrence: { body, answer: recurrence },
  listRecurrences: { query: { limit: "20" }, answer: { items: [summary] } },
  readRecurrence: { params: { id: ID }, answer: recurrence },
  changeRecurrence: {
    params: { id: ID },
    body: { ...body, paused: true },
    answer: {
      ...recurrence,
      status: "paused",
      version: 2,
      updatedAt: "2026-12-02T08:30:00Z",
      coming: [],
      warnings: [],
    },
  },
  deleteRecurrence: { params: { id: ID }, answer: summary },
  skipOccurrence: {
    params: { id: ID },
    body: { occurrence: "2026-12-07 09:00" },
    answer: {
      ...recurrence,
      version: 2,
      skips: ["2026-12-07T09:00:00"],
      coming: recurrence.coming.slice(0, 1),
    },
  },
  overrideOccurrence: {
    params: { id: ID },
    body: { occurrence: "2026-12-07 09:00", text: "Closed on Monday." },
    answer: {
      ...recurrence,
      version: 2,
      overrides: [{ occurrence: "2026-12-07T09:00:00", text: "Closed on Monday." }],
    },
  },
} as const;
