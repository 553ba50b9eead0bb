const ID = "01KAQ5Y8W6S4Q2P0N8M6K4H2F0";

const announced = {
  id: ID,
  project: "default",
  name: "harbour.jpg",
  type: "image/jpeg",
  sizeBytes: 48213,
  status: "awaiting-upload",
  createdAt: "2026-11-30T15:18:00Z",
  updatedAt: "2026-11-30T15:18:00Z",
} as const;

const ready = {
  ...announced,
  status: "ready",
  updatedAt: "2026-11-30T15:18:04Z",
  probe: {
    type: "image/jpeg",
    sizeBytes: 48213,
    width: 1200,
    height: 800,
    sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  },
} as const;

export const MEDIA_EXAMPLES = {
  createMedia: {
    body: { name: "harbour.jpg", type: "image/jpeg", sizeBytes: 48213 },
    answer: {
      ...announced,
      upload: {
        url: "https://punctual-drops.s3.eu-west-1.amazonaws.com/",
        fields: {
          "Content-Type": "image/jpeg",
          bucket: "punctual-drops",
          "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
          "X-Amz-Credential": "AKID/20261130/eu-west-1/s3/aws4_request",
          "X-Amz-Date": "20261130T151800Z",
          key: `media/main/${ID}`,
          Policy: "eyJleHBpcmF0aW9uIjoi…",
          "X-Amz-Signature": "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        },
        expiresAt: "2026-11-30T15:33:00Z",
      },
    },
  },
  listMedia: { query: { project: "default" }, answer: { items: [ready] } },
  readMedia: { params: { id: ID }, answer: ready },
  deleteMedia: { params: { id: ID }, answer: ready },
} as const;
