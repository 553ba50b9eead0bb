const shop = {
  name: "shop",
  status: "active",
  userId: "1500000000000000001",
  username: "punctual_dev",
  followers: 1_024,
  maxTextLength: 280,
  version: 3,
} as const;
const stopped = {
  ...shop,
  status: "needs-reconnect",
  reason: {
    code: "account-disconnected",
    message: "The account was disconnected.",
    remedy: "Connect it again, and its posts go on.",
  },
  version: 4,
} as const;
const params = { name: "shop" } as const;
const until = "2026-12-24T00:00:00Z";

export const ACCOUNT_EXAMPLES = {
  listAccounts: { answer: { items: [shop] } },
  readAccount: { params, answer: shop },
  readQuota: {
    params,
    answer: {
      account: "shop",
      quarterHour: { used: 3, resetAt: "2026-12-01T09:15:00Z", limit: 100, remaining: 97 },
      day: { used: 6, resetAt: "2026-12-02T07:00:00Z" },
      reserved: 1,
      lastPostAt: "2026-12-01T09:00:00.041Z",
      nextPostAt: "2026-12-01T10:30:00Z",
      projects: [
        { project: "shop", minIntervalSeconds: 5_400, dailyMax: 10, monthlyBudgetUsd: 25, spentUsd: 1.23 },
      ],
    },
  },
  readAccountHealth: {
    params,
    answer: {
      account: "shop",
      status: "active",
      credentials: { stored: true, kind: "oauth2", needsReconnect: false },
      circuit: { state: "closed", failures: 0 },
      successRate: 0.98,
      lastPostAt: "2026-12-01T09:00:00.041Z",
      lastPostId: "1999000000000000001",
    },
  },
  pauseAccount: {
    params,
    body: { until },
    answer: {
      ...shop,
      status: "paused",
      reason: {
        code: "paused-by-owner",
        message: "The account shop was paused.",
        remedy: "Resume the account, and its posts go on.",
      },
      pausedUntil: until,
      version: 4,
    },
  },
  resumeAccount: { params, answer: { ...shop, version: 5 } },
  disconnectAccount: { params, answer: stopped },
  verifyAccount: { params, answer: { verified: true, account: shop } },
  startConnection: {
    body: {
      account: "shop",
      project: "shop",
      clientId: "bGlzdGVuIHRvIHRoZSB3aW5k",
      callbackUrl: "https://api.example.com/api/v1/oauth/x/callback",
    },
    answer: {
      authorizeUrl:
        "https://x.com/i/oauth2/authorize?response_type=code&client_id=bGlzdGVuIHRvIHRoZSB3aW5k&state=…",
      expiresAt: "2026-12-01T09:10:00Z",
    },
  },
  connectByTokens: {
    body: {
      account: "shop",
      oauth1: {
        apiKey: "the-app-s-key",
        apiSecret: "the-app-s-secret",
        accessToken: "the-account-s-token",
        accessSecret: "the-account-s-secret",
      },
    },
    answer: { account: shop, isNew: true },
  },
  finishConnection: { query: { state: "Wm9l…", code: "VGhl…" } },
};
