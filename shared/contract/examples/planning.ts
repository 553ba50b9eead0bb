export const PLANNING_EXAMPLES = {
  simulate: {
    body: {
      days: 1,
      drafts: [{ text: "Low tide: example.com", publishAt: "2026-12-01 12:10", language: "en" }],
    },
    answer: {
      at: "2026-12-01T01:00:00Z",
      until: "2026-12-01T16:00:00Z",
      project: "default",
      timeZone: "Asia/Shanghai",
      drafts: [
        {
          pointer: "/drafts/0",
          accountId: "owner-1.main",
          slotAt: "2026-12-01T04:10:00Z",
          outcome: "moves",
          at: "2026-12-01T05:03:47Z",
          reasons: [
            {
              code: "too-close",
              message: "The project keeps an interval between the posts of an account.",
              remedy: "Nothing to do: it is tried again at 2026-12-01T05:03:47Z.",
            },
          ],
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
          costMicros: 200000,
          costUsd: 0.2,
          parts: [{ text: "Low tide: example.com", micros: 200000, usd: 0.2, url: "example.com" }],
        },
      ],
      tasks: [
        {
          id: "01M8XG3T5R6M3W3C8H1A9J7Z5R",
          accountId: "owner-1.main",
          slotAt: "2026-12-01T01:03:47Z",
          outcome: "warns",
          at: "2026-12-01T01:03:47Z",
          reasons: [],
          conflicts: [
            {
              code: "account-busy",
              severity: "blocks",
              message: "It is closer than 4 hours to the task drafts/0 at 2026-12-01T04:10:00Z.",
              remedy: "Take one of the suggested slots.",
              with: [{ id: "drafts/0", at: "2026-12-01T04:10:00Z" }],
              suggestions: [],
            },
          ],
          costMicros: 15000,
          costUsd: 0.015,
        },
      ],
      tasksLeftOut: 0,
      accounts: [
        {
          accountId: "owner-1.main",
          name: "main",
          problems: [],
          posts: 2,
          days: [{ date: "2026-12-01", posts: 2, used: 2, limit: 4 }],
          forecast: { kind: "unused", message: "All 4 are left." },
        },
      ],
      total: {
        outcomes: { "goes-out": 0, warns: 1, moves: 1, stops: 0, refused: 0 },
        costMicros: 230000,
        costUsd: 0.23,
        months: [{ month: "2026-12", spentUsd: 0, plannedUsd: 0.23 }],
      },
      unchecked: [
        "Media of stored tasks: they were checked when they came.",
        "Texts that Gemini is still to write: prices and lengths are of the texts as they are.",
        "What X or the drop folder brings meanwhile, and what is planned at this very moment.",
      ],
    },
  },
  suggestSlots: {
    query: { strategy: "optimal", from: "2026-12-01 09:00" },
    answer: {
      project: "default",
      timeZone: "Asia/Shanghai",
      strategy: "optimal",
      slots: [
        {
          accountId: "owner-1.main",
          at: "2026-12-01T05:03:52Z",
          score: 0.988,
          reasons: [
            {
              code: "optimal-hour",
              message: "13:03 on Tuesday 1 December is the earliest free optimal hour.",
            },
            { code: "hour-taken", message: "9:00 is taken: a post is planned for 9:03." },
          ],
        },
        {
          accountId: "owner-1.main",
          at: "2026-12-01T09:36:33Z",
          score: 0.976,
          reasons: [
            { code: "optimal-hour", message: "17:36 on Tuesday 1 December is another free optimal hour." },
          ],
        },
      ],
    },
  },
} as const;
