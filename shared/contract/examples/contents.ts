const ID = "01KAQ6C0Z9V7T5R3P1N8M6K4J2";
const TASK = "01KAQ6F5D3B1Z9X7V5T3R1P8N6";
const PHOTO = "01KAQ5Y8W6S4Q2P0N8M6K4H2F0";

const draft = {
  id: ID,
  project: "default",
  status: "draft",
  text: "The harbour at nine.",
  media: [{ id: PHOTO, altText: "A calm harbour at sunrise" }],
  notes: "Ask Bela whether the ferry is back.",
  language: "en",
  createdAt: "2026-11-30T15:20:00Z",
  updatedAt: "2026-11-30T15:20:00Z",
  version: 1,
} as const;

const task = {
  id: TASK,
  project: "default",
  account: "main",
  status: "pending",
  version: 2,
  rev: 1,
  priority: 3,
  language: "en",
  publishAt: "2026-12-01T01:00:00Z",
  slotAt: "2026-12-01T01:00:00Z",
  slotLocal: "2026-12-01 09:00:00",
  timeZone: "Asia/Shanghai",
  parts: [{ text: "The harbour at nine." }],
  media: [
    {
      name: "harbour.jpg",
      type: "image/jpeg",
      sizeBytes: 48213,
      altText: "A calm harbour at sunrise",
    },
  ],
} as const;

export const CONTENT_EXAMPLES = {
  createContent: {
    body: {
      text: draft.text,
      media: draft.media,
      notes: draft.notes,
      language: "en",
    },
    answer: draft,
  },
  listContents: { query: { project: "default", limit: "20" }, answer: { items: [draft] } },
  readContent: { params: { id: ID }, answer: draft },
  updateContent: {
    params: { id: ID },
    body: { text: "The harbour at nine, in fog.", notes: null },
    answer: {
      id: ID,
      project: "default",
      status: "draft",
      text: "The harbour at nine, in fog.",
      media: draft.media,
      language: "en",
      createdAt: draft.createdAt,
      updatedAt: "2026-11-30T16:05:00Z",
      version: 2,
    },
  },
  deleteContent: { params: { id: ID }, answer: draft },
  approveContent: {
    params: { id: ID },
    body: { publishAt: "2026-12-01 09:00", priority: 3 },
    answer: task,
  },
} as const;
