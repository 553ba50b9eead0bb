const key = {
  id: "3f9a1c27b0d4",
  name: "newsletter",
  scopes: ["read", "write"],
  projects: ["default"],
  createdAt: "2026-12-01T01:00:00Z",
  createdBy: "01M8XG3T5R6M3W3C8H1A9J7Z5R",
  expiresAt: "2027-03-01T01:00:00Z",
} as const;

const replaced = {
  ...key,
  expiresAt: "2026-12-02T01:00:00Z",
  lastUsedAt: "2026-12-01T00:55:12Z",
  replacedBy: "8c02e5f71a9b",
} as const;

export const KEY_EXAMPLES = {
  createKey: {
    body: { name: "newsletter", scopes: ["read", "write"], projects: ["default"], expiresInDays: 90 },
    answer: { ...key, apiKey: "pnc_ENCsCQ4h4Yu7gVxD0jz1LQxWmB3kRfTa2_0aB3xY" },
  },
  listKeys: { answer: { items: [key] } },
  revokeKey: { params: { id: "3f9a1c27b0d4" }, answer: key },
  rotateKey: {
    params: { id: "3f9a1c27b0d4" },
    body: { overlapHours: 24 },
    answer: {
      ...key,
      id: "8c02e5f71a9b",
      apiKey: "pnc_h2Vb8sLq0TzW4nKxYc6RmJp1DfGa9EuQi_1Zk8Qw",
      replaces: replaced,
    },
  },
  whoami: {
    answer: {
      owner: "main",
      keyId: "3f9a1c27b0d4",
      via: "key",
      scopes: ["read", "write"],
      projects: ["default"],
    },
  },
} as const;
