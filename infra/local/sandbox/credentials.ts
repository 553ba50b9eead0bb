import type { SandboxApp, SandboxUser } from "./accounts.ts";

/**
 * The account of a sandbox that was given none: used by `npm start` when `.env` is empty.
 * These are public words, worth nothing anywhere else.
 */
export const SANDBOX_USER_ID = "1500000000000000001";

export const SANDBOX_OAUTH1 = {
  apiKey: "sandbox-api-key",
  apiSecret: "sandbox-api-secret",
  accessToken: `${SANDBOX_USER_ID}-sandbox-access-token`,
  accessSecret: "sandbox-access-secret",
} as const;

export const SANDBOX_OAUTH2 = {
  clientId: "sandbox-client-id",
  clientSecret: "sandbox-client-secret",
  refreshToken: "sandbox-refresh-token",
} as const;

export const SANDBOX_APPS: readonly SandboxApp[] = [
  {
    apiKey: SANDBOX_OAUTH1.apiKey,
    apiSecret: SANDBOX_OAUTH1.apiSecret,
    clientId: SANDBOX_OAUTH2.clientId,
    clientSecret: SANDBOX_OAUTH2.clientSecret,
  },
];

export const SANDBOX_USERS: readonly SandboxUser[] = [
  {
    id: SANDBOX_USER_ID,
    username: "punctual_dev",
    name: "Punctual Sandbox",
    followers: 1_024,
    oauth1: [
      {
        apiKey: SANDBOX_OAUTH1.apiKey,
        accessToken: SANDBOX_OAUTH1.accessToken,
        accessSecret: SANDBOX_OAUTH1.accessSecret,
      },
    ],
    oauth2: [{ clientId: SANDBOX_OAUTH2.clientId, refreshToken: SANDBOX_OAUTH2.refreshToken }],
  },
];

/** Somebody else at X, who has given no leave yet: for trying out how a second account is connected. */
export const SANDBOX_SECOND_USER = {
  id: "1500000000000000009",
  username: "punctual_two",
  name: "Punctual Second Sandbox",
  followers: 64,
} as const satisfies SandboxUser;
