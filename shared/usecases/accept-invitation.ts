import { isInvited, parseInvitation, registerUser, setPassword, type User } from "#shared/domain/user.ts";
import { checkPassword, type PasswordRefusal } from "#shared/domain/user-password.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { PasswordHasher } from "#shared/ports/password-hasher.ts";
import type { UserStore } from "#shared/ports/user-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { MAX_RACES } from "./change-own-job.ts";
import { FIRST_OWNER } from "./connect-account.ts";
import type { CountAttempts, TooManyAttempts } from "./count-attempts.ts";
import type { NewAuditEntry, RecordAudit } from "./record-audit.ts";
import type { SignInSource } from "./sign-in.ts";

export interface AcceptInvitationDeps {
  readonly users: Pick<UserStore, "get" | "getRegister" | "save">;
  readonly hasher: Pick<PasswordHasher, "hash">;
  readonly countAttempts: CountAttempts;
  readonly recordAudit: RecordAudit;
  readonly clock: Pick<Clock, "now">;
  /** Told why an outcome could not be noted. */
  readonly report: (error: unknown) => void;
}

export type AcceptInvitationRefusal =
  /** Unknown, used, or run out: which one is not told. */
  { readonly reason: "not-invited" } | PasswordRefusal | TooManyAttempts;

export type AcceptInvitation = (
  wanted: { readonly code: string; readonly password: string },
  source: SignInSource,
) => Promise<Result<User, AcceptInvitationRefusal>>;

/** Sets the password of a person who was invited. The code is used up with it. */
export function createAcceptInvitation({
  users,
  hasher,
  countAttempts,
  recordAudit,
  clock,
  report,
}: AcceptInvitationDeps): AcceptInvitation {
  return async ({ code, password }, source) => {
    const counted = await countAttempts.count({ sourceIp: source.sourceIp });
    if (!counted.ok) return counted;
    const note = (
      entry: Pick<NewAuditEntry, "phase" | "status" | "problem">,
      user: Pick<User, "ownerId" | "id"> | undefined,
    ) =>
      recordAudit({
        ...entry,
        // What nobody's user did is the first tenant's, which runs the deployment.
        ownerId: user?.ownerId ?? FIRST_OWNER,
        actor: user ? { userId: user.id } : {},
        action: "acceptInvitation",
        target: user ? { id: user.id } : {},
        ...source,
      });

    const invitation = parseInvitation(code);
    const user = invitation && (await users.get(invitation.ownerId, invitation.id));
    if (!invitation || !isInvited(user, invitation, clock.now())) {
      await note({ phase: "outcome", status: 401, problem: "not-invited" }, user);
      return err({ reason: "not-invited" });
    }
    const checked = checkPassword(password, user);
    if (!checked.ok) {
      await countAttempts.succeed(counted.value);
      return checked;
    }
    await note({ phase: "attempt", status: 200 }, user);
    const next = setPassword(user, await hasher.hash(checked.value), clock.now());
    for (let race = 0; race < MAX_RACES; race++) {
      const register = registerUser(await users.getRegister(user.ownerId), next);
      // An administrator more is never one too few, and the names are the same.
      if (!register.ok) throw new RangeError(`a new password was refused: ${register.error.reason}`);
      if (!(await users.save(next, register.value)).ok) {
        if ((await users.get(user.ownerId, user.id))?.version === user.version) continue;
        // Somebody was faster with the same code, or changed the user.
        return err({ reason: "not-invited" });
      }
      await countAttempts.succeed(counted.value);
      await note({ phase: "outcome", status: 200 }, user).catch(report);
      return ok(next);
    }
    throw new DependencyFault("the owner's users were changed by somebody else every time");
  };
}
