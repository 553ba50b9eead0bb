const ID = "01M8XG3T5R6M3W3C8H1A9J7Z5R";

const user = {
  id: ID,
  name: "Ann Lind",
  email: "ann@example.org",
  role: "publisher",
  status: "active",
  createdAt: "2026-12-01T01:00:00Z",
  updatedAt: "2026-12-01T01:10:00Z",
  version: 2,
} as const;

const invited = {
  ...user,
  status: "invited",
  invitedUntil: "2026-12-04T01:00:00Z",
  updatedAt: "2026-12-01T01:00:00Z",
  version: 1,
} as const;

export const USER_EXAMPLES = {
  createUser: {
    body: { name: "Ann Lind", email: "ann@example.org", role: "publisher" },
    answer: { ...invited, invitationCode: `pni.main.${ID}.q1Zk8QwVb2sLq0TzW4nKxYc6RmJp1DfG` },
  },
  listUsers: { answer: { items: [user] } },
  readUser: { params: { id: ID }, answer: user },
  updateUser: {
    params: { id: ID },
    body: { role: "manager" },
    answer: { ...user, role: "manager", updatedAt: "2026-12-02T08:00:00Z", version: 3 },
  },
  deleteUser: { params: { id: ID }, answer: user },
} as const;
