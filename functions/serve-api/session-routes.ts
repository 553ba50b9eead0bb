import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { NO_SESSION_COOKIE, sessionCookie } from "#functions/middleware/session-cookie.ts";
import { toSessionView } from "#shared/contract/session-view.ts";
import { toUserView } from "#shared/contract/user-view.ts";
import { SESSION_MS } from "#shared/domain/session.ts";
import type { PasswordRefusal } from "#shared/domain/user-password.ts";
import type { AcceptInvitation } from "#shared/usecases/accept-invitation.ts";
import type { TooManyAttempts } from "#shared/usecases/count-attempts.ts";
import type { EndSession, ListSessions } from "#shared/usecases/end-session.ts";
import type { SignIn } from "#shared/usecases/sign-in.ts";

export interface SessionRouteDeps {
  readonly signIn: SignIn;
  readonly acceptInvitation: AcceptInvitation;
  readonly listSessions: ListSessions;
  readonly endSession: EndSession;
}

const NO_SESSION = {
  problem: "session-not-found",
  detail: "No open session of yours has this id.",
} as const;

/** Told in whole seconds, rounded up: a caller who waits as long is let in. */
const tooMany = ({ retryAfterMs }: TooManyAttempts) => {
  const seconds = Math.ceil(retryAfterMs / 1_000);
  return {
    problem: "too-many-attempts",
    detail: `Wait ${seconds} s, then try again.`,
    headers: { "retry-after": String(seconds) },
  } as const;
};

function passwordDetail(refusal: PasswordRefusal): string {
  switch (refusal.reason) {
    case "too-short":
      return `Take at least ${refusal.least} characters.`;
    case "too-long":
      return `Take at most ${refusal.most} characters.`;
    case "guessable":
      return "Take one without your name or e-mail address, and with more different characters.";
  }
}

type SessionRoutes = Pick<
  RouteHandlers,
  "signIn" | "acceptInvitation" | "listSessions" | "signOut" | "revokeSession"
>;

/** People who sign in: which answer each outcome is. */
export const createSessionRoutes = (usecases: SessionRouteDeps): SessionRoutes => ({
  async signIn({ body, requestId, sourceIp }): Promise<RouteAnswer<"signIn">> {
    const { owner: ownerId, email, password } = body;
    const signedIn = await usecases.signIn({ ownerId, email, password }, { requestId, sourceIp });
    if (signedIn.ok) {
      const { token, session } = signedIn.value;
      const view = toSessionView(session, undefined);
      return {
        status: 201,
        body: { ...view, current: true },
        headers: { "set-cookie": sessionCookie(token, SESSION_MS) },
      };
    }
    const { error } = signedIn;
    switch (error.reason) {
      case "bad-credentials":
        return { problem: "bad-credentials", detail: "Check tenant, e-mail address and password." };
      case "too-many-attempts":
        return tooMany(error);
    }
  },

  async acceptInvitation({ body, requestId, sourceIp }): Promise<RouteAnswer<"acceptInvitation">> {
    const { invitationCode, password } = body;
    const accepted = await usecases.acceptInvitation(
      { code: invitationCode, password },
      { requestId, sourceIp },
    );
    if (accepted.ok) return { status: 200, body: toUserView(accepted.value) };
    const { error } = accepted;
    switch (error.reason) {
      case "not-invited":
        return {
          problem: "not-invited",
          detail: "It is unknown, was used, or has run out. An administrator can renew it.",
        };
      case "too-many-attempts":
        return tooMany(error);
      default: {
        const detail = passwordDetail(error);
        return { problem: "weak-password", detail, errors: [{ pointer: "/password", detail }] };
      }
    }
  },

  async listSessions({ caller }) {
    const open = await usecases.listSessions(caller);
    return {
      status: 200,
      body: { items: open.map((session) => toSessionView(session, caller.sessionId)) },
    };
  },

  async signOut({ caller }): Promise<RouteAnswer<"signOut">> {
    const ended = await usecases.endSession(caller);
    return ended.ok
      ? {
          status: 200,
          body: toSessionView(ended.value, caller.sessionId),
          headers: { "set-cookie": NO_SESSION_COOKIE },
        }
      : NO_SESSION;
  },

  async revokeSession({ caller, params }): Promise<RouteAnswer<"revokeSession">> {
    const ended = await usecases.endSession(caller, params.id);
    return ended.ok ? { status: 200, body: toSessionView(ended.value, caller.sessionId) } : NO_SESSION;
  },
});
