const HASH = "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c";

export const AUDIT_EXAMPLES = {
  listAudit: {
    query: { limit: "2" },
    answer: {
      items: [
        {
          id: "01M8XG4B2N7Q1V0T9Y8X7W6Q4N",
          at: "2026-12-01T01:00:00Z",
          actor: { keyId: "3f9a1c27b0d4", userId: "01M8XG3T5R6M3W3C8H1A9J7Z5R" },
          action: "updateTask",
          target: { id: "01M8XG3T5R6M3W3C8H1A9J7Z5R" },
          phase: "outcome",
          status: 200,
          requestId: "JKJaXmPLvHcESHA=",
          sourceIp: "192.0.2.1",
          before: { priority: 5, parts: [{ text: { length: 20, sha256: "1f3a9c0b7d24" } }] },
          after: { priority: 1, parts: [{ text: { length: 18, sha256: "9e07b1c45a3d" } }] },
          chain: 3,
          number: 118,
        },
        {
          id: "01M8XG4AZZ7Q1V0T9Y8X7W6Q4N",
          at: "2026-12-01T00:59:58Z",
          actor: {},
          action: "authorize-request",
          target: {},
          phase: "outcome",
          status: 403,
          problem: "malformed",
          requestId: "JKJaXmPLvHcESHB=",
          sourceIp: "198.51.100.7",
          chain: 11,
          number: 97,
        },
      ],
      next: "eyJhIjoxfQ",
    },
  },
  verifyAudit: {
    answer: { ok: true, checked: 1_733, ends: [{ chain: 0, count: 1_733, hash: HASH }] },
  },
} as const;
