import type { SandboxUser } from "#infra/local/sandbox/accounts.ts";
import { SANDBOX_OAUTH1 } from "#infra/local/sandbox/credentials.ts";
import { Credentials } from "#shared/domain/credentials.ts";

const { apiKey, apiSecret } = SANDBOX_OAUTH1;

/** An account of the bench, and who it is at X. */
export interface BenchAccount {
  readonly name: string;
  readonly user: SandboxUser;
  readonly credentials: Credentials;
}

/** The same accounts in every process of a bench. */
export const benchAccounts = (count: number): readonly BenchAccount[] =>
  Array.from({ length: count }, (_, index) => {
    const id = `16000000000000${String(index + 1).padStart(5, "0")}`;
    const name = `bench-${index + 1}`;
    const token = { apiKey, accessToken: `${id}-bench-token`, accessSecret: `bench-secret-${index + 1}` };
    return {
      name,
      user: { id, username: name.replace("-", "_"), name, oauth1: [token] },
      credentials: new Credentials({ kind: "oauth1", apiSecret, ...token }),
    };
  });
