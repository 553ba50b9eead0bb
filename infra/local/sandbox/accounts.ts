/** An app registered at the developer portal. Key and secret sign OAuth 1.0a; the client id is its OAuth 2.0 side. */
export interface SandboxApp {
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly clientId?: string;
  /** @default none: a public client, named by `client_id` in the body alone */
  readonly clientSecret?: string;
  /** Addresses that consent may lead back to, exactly. @default any on this machine */
  readonly redirectUris?: readonly string[];
}

/** An account at X and the tokens that act for it. */
export interface SandboxUser {
  /** Decimal digits. */
  readonly id: string;
  readonly username: string;
  readonly name: string;
  /** @default 0 */
  readonly followers?: number;
  /** 25,000 weighted characters instead of 280, and longer videos. @default false */
  readonly premium?: boolean;
  readonly oauth1?: readonly {
    readonly apiKey: string;
    readonly accessToken: string;
    readonly accessSecret: string;
  }[];
  readonly oauth2?: readonly {
    readonly clientId: string;
    /** Good for one refresh; the answer carries the next one. */
    readonly refreshToken: string;
    /** @default every scope that Punctual asks for */
    readonly scopes?: readonly Scope[];
  }[];
}

export const SCOPES = ["tweet.read", "tweet.write", "users.read", "media.write", "offline.access"] as const;
export type Scope = (typeof SCOPES)[number];

/** Who sent a request, after its credentials were verified. */
export interface Caller {
  readonly user: SandboxUser;
  readonly app: SandboxApp;
  /** `undefined`: OAuth 1.0a, which knows no scopes. */
  readonly scopes?: readonly Scope[];
}
