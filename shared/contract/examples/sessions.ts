const USER = "01M8XG3T5R6M3W3C8H1A9J7Z5R";

const session = {
  id: "b71c05e9d2f4",
  userId: USER,
  createdAt: "2026-12-01T01:00:00Z",
  lastSeenAt: "2026-12-01T01:00:00Z",
  expiresAt: "2026-12-01T13:00:00Z",
  sourceIp: "192.0.2.1",
  current: true,
} as const;

const other = { ...session, id: "0d94a6c8e137", current: false } as const;

export const SESSION_EXAMPLES = {
  signIn: {
    body: { owner: "main", email: "ann@example.org", password: "nine kites over the harbour" },
    answer: session,
  },
  acceptInvitation: {
    body: {
      invitationCode: `pni.main.${USER}.q1Zk8QwVb2sLq0TzW4nKxYc6RmJp1DfG`,
      password: "nine kites over the harbour",
    },
    answer: {
      id: USER,
      name: "Ann Lind",
      email: "ann@example.org",
      role: "publisher",
      status: "active",
      createdAt: "2026-12-01T01:00:00Z",
      updatedAt: "2026-12-01T01:10:00Z",
      version: 2,
    },
  },
  listSessions: { answer: { items: [session, other] } },
  signOut: { answer: session },
  revokeSession: { params: { id: "0d94a6c8e137" }, answer: other },
} as const;
