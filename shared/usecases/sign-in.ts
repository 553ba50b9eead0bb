import { createHash } from "node:crypto";
import { asUserId, type OwnerId } from "#shared/domain/ids.ts";
import {
  formatSessionToken,
  newSession,
  SESSION_RANDOM_BYTES,
  type Session,
  sessionIdOf,
} from "#shared/domain/session.ts";
import { findByEmail, fold, statusOf, type User } from "#shared/domain/user.ts";
import { normalizePassword } from "#shared/domain/user-password.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { PasswordHasher } from "#shared/ports/password-hasher.ts";
import type { SessionStore } from "#shared/ports/session-store.ts";
import type { UserStore } from "#shared/ports/user-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { FIRST_OWNER } from "./connect-account.ts";
import type { CountAttempts, TooManyAttempts } from "./count-attempts.ts";
import type { RecordAudit } from "./record-audit.ts";

export interface SignInDeps {
  readonly users: Pick<UserStore, "get" | "getRegister">;
  readonly sessions: Pick<SessionStore, "add">;
  readonly hasher: Pick<PasswordHasher, "verify" | "verifyNobody">;
  readonly countAttempts: CountAttempts;
  readonly recordAudit: RecordAudit;
  readonly clock: Pick<Clock, "now">;
  /** From a cryptographic source. */
  readonly randomBytes: (size: number) => Uint8Array;
}

/** Where a request came from, for the audit log. */
export interface SignInSource {
  readonly requestId: string;
  readonly sourceIp: string;
}

export interface SignInWish {
  /** The tenant. */
  readonly ownerId: OwnerId;
  readonly email: string;
  readonly password: string;
}

export interface SignedIn {
  /** For the cookie. It can never be shown again. */
  readonly token: string;
  readonly session: Session;
  readonly user: User;
}

export type SignInRefusal =
  /** No such tenant, no such user, disabled, not yet accepted, or a wrong password: which one is not told. */
  { readonly reason: "bad-credentials" } | TooManyAttempts;

export type SignIn = (wish: SignInWish, source: SignInSource) => Promise<Result<SignedIn, SignInRefusal>>;

/** Is looked up in place of a user whom nobody knows, so that the answer takes as long. */
const NOBODY = asUserId("nobody");

/** An address may be a password that was typed into the wrong field: it is not kept as it is. */
const digestOf = (email: string): string =>
  createHash("sha256").update(fold(email)).digest("hex").slice(0, 12);

/** Opens a session for e-mail and password. Whatever is wrong takes the same work and has the same answer. */
export function createSignIn(deps: SignInDeps): SignIn {
  const { users, sessions, hasher, countAttempts, recordAudit, clock, randomBytes } = deps;

  async function findUser({ ownerId, email }: SignInWish): Promise<User | undefined> {
    return users.get(ownerId, findByEmail(await users.getRegister(ownerId), email) ?? NOBODY);
  }

  async function isRight({ password }: SignInWish, user: User | undefined): Promise<boolean> {
    const normal = normalizePassword(password);
    const stored = user && statusOf(user) === "active" ? user.password : undefined;
    return stored ? hasher.verify(normal, stored) : hasher.verifyNobody(normal);
  }

  return async (wish, source) => {
    const { ownerId, email } = wish;
    const note = (
      outcome: { status: number; problem?: string; userId?: User["id"]; sessionId?: string },
      of: OwnerId,
    ) => {
      const { status, problem, userId, sessionId } = outcome;
      return recordAudit({
        ownerId: of,
        actor: { ...(userId && { userId }), ...(sessionId && { sessionId }) },
        action: "signIn",
        target: { email: digestOf(email) },
        phase: "outcome",
        status,
        ...(problem && { problem }),
        ...source,
      });
    };
    const counted = await countAttempts.count({ sourceIp: source.sourceIp, account: { ownerId, email } });
    if (!counted.ok) return counted;
    const user = await findUser(wish);
    if (!(await isRight(wish, user)) || !user) {
      // What nobody's user did is the first tenant's, which runs the deployment.
      await note(
        { status: 401, problem: "bad-credentials", ...(user && { userId: user.id }) },
        user ? ownerId : FIRST_OWNER,
      );
      return err({ reason: "bad-credentials" });
    }
    const token = formatSessionToken(ownerId, randomBytes(SESSION_RANDOM_BYTES));
    const session = newSession(token, { ownerId, userId: user.id, sourceIp: source.sourceIp }, clock.now());
    // Before the session is worth anything: nobody is in whose coming was not noted.
    await note({ status: 201, userId: user.id, sessionId: sessionIdOf(session) }, ownerId);
    await sessions.add(session);
    await countAttempts.succeed(counted.value);
    return ok({ token, session, user });
  };
}
