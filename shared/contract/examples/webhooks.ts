const ID = "01M80F69X8C7RZ96SDJX7Y6BAQ";
const DELIVERY = "01M80FB1Q0V2N4J6T8R0P2K4H6";

const webhook = {
  id: ID,
  url: "https://hooks.example.com/punctual",
  events: ["published", "failed", "account-needs-attention"],
  description: "Newsroom",
  project: "default",
  status: "active",
  createdAt: "2026-12-01T01:00:00Z",
  updatedAt: "2026-12-01T01:00:00Z",
  version: 1,
} as const;

const watched = {
  ...webhook,
  health: { failedInRow: 0, lastDeliveredAt: "2026-12-01T09:00:01.210Z" },
} as const;

/** Nobody's. */
const SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

const delivery = {
  id: DELIVERY,
  type: "published",
  subject: "01M80F6B2G5R1V0T9Y8X7W6Q4N",
  sequence: 6,
  occurredAt: "2026-12-01T09:00:00.420Z",
  status: "pending",
  attemptCount: 1,
  attempts: [{ at: "2026-12-01T09:00:01.100Z", durationMs: 110, status: 503, code: "status-refused" }],
  nextAttemptAt: "2026-12-01T09:00:06.300Z",
} as const;

export const WEBHOOK_EXAMPLES = {
  createWebhook: {
    body: {
      url: webhook.url,
      events: webhook.events,
      description: webhook.description,
      project: webhook.project,
    },
    answer: { ...webhook, secret: SECRET },
  },
  listWebhooks: { answer: { items: [watched] } },
  readWebhook: { params: { id: ID }, answer: watched },
  updateWebhook: {
    params: { id: ID },
    body: { events: ["published"], project: null },
    answer: {
      id: ID,
      url: webhook.url,
      events: ["published"],
      description: webhook.description,
      status: "active",
      createdAt: webhook.createdAt,
      updatedAt: "2026-12-02T08:30:00Z",
      version: 2,
    },
  },
  deleteWebhook: { params: { id: ID }, answer: webhook },
  rotateWebhookSecret: {
    params: { id: ID },
    body: { overlapHours: 24 },
    answer: { secret: SECRET, oldValidUntil: "2026-12-03T08:30:00Z" },
  },
  pingWebhook: { params: { id: ID }, answer: { deliveryId: DELIVERY } },
  resumeWebhook: { params: { id: ID }, answer: { ...webhook, version: 3 } },
  listDeliveries: { params: { id: ID }, query: { limit: "20" }, answer: { items: [delivery] } },
  replayDelivery: { params: { id: ID, deliveryId: DELIVERY }, answer: delivery },
};
