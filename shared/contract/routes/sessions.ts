import { acceptInvitationBody, sessionList, sessionPath, sessionView, signInBody } from "../session-view.ts";
import { userView } from "../user-view.ts";
import { BODY_PROBLEMS, none, type RouteShape } from "./route-shape.ts";

const SESSIONS = "/api/v1/sessions";

export const SESSION_ROUTES = {
  signIn: {
    method: "POST",
    path: SESSIONS,
    summary: "Opens a session in a browser: its cookie works under `/console/api/v1`.",
    scope: "public",
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    body: signInBody,
    answers: { 201: sessionView },
    problems: [...BODY_PROBLEMS, "bad-credentials", "too-many-attempts"],
  },
  acceptInvitation: {
    method: "POST",
    path: `${SESSIONS}/invitations`,
    summary: "Sets the password of a person who was invited. The invitation is used up with it.",
    scope: "public",
    repeatable: false,
    params: none,
    notFound: "route-not-found",
    query: none,
    body: acceptInvitationBody,
    answers: { 200: userView },
    problems: [...BODY_PROBLEMS, "not-invited", "weak-password", "too-many-attempts"],
  },
  listSessions: {
    method: "GET",
    path: SESSIONS,
    summary: "Lists the caller's open sessions; an administrator's list has everybody's.",
    scope: "read",
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    answers: { 200: sessionList },
    problems: [],
  },
  signOut: {
    method: "DELETE",
    path: `${SESSIONS}/current`,
    summary: "Ends the session that the request came with.",
    // Everybody may leave.
    scope: "read",
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    answers: { 200: sessionView },
    problems: ["session-not-found"],
  },
  revokeSession: {
    method: "DELETE",
    path: `${SESSIONS}/{id}`,
    summary: "Ends one of the caller's own sessions; an administrator ends anybody's.",
    scope: "read",
    repeatable: true,
    params: sessionPath,
    notFound: "session-not-found",
    query: none,
    answers: { 200: sessionView },
    problems: ["session-not-found"],
  },
} as const satisfies Record<string, RouteShape>;
