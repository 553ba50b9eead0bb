import type { ProblemCode } from "../problem.ts";
import {
  createUserBody,
  invitedUserView,
  updatedUserView,
  updateUserBody,
  userList,
  userPath,
  userView,
} from "../user-view.ts";
import { BODY_PROBLEMS, none, type RouteShape } from "./route-shape.ts";

const USERS = "/api/v1/users";

/** Names and addresses are taken, or there are too many, or too few who could let others in. */
const REGISTER_PROBLEMS = [
  "user-name-taken",
  "email-taken",
  "too-many-users",
  "last-admin",
  "user-conflict",
] as const satisfies readonly ProblemCode[];

export const USER_ROUTES = {
  createUser: {
    method: "POST",
    path: USERS,
    summary: "Invites a person. The invitation is shown once, and works once, for three days.",
    scope: "admin",
    // The name is taken then. Nor may the answer be kept for a repetition: it has the invitation.
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    body: createUserBody,
    answers: { 201: invitedUserView },
    problems: [...BODY_PROBLEMS, ...REGISTER_PROBLEMS],
  },
  listUsers: {
    method: "GET",
    path: USERS,
    summary: "Lists the owner's users, oldest first.",
    scope: "manage",
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    answers: { 200: userList },
    problems: [],
  },
  readUser: {
    method: "GET",
    path: `${USERS}/{id}`,
    summary: "Reads a user.",
    scope: "manage",
    repeatable: true,
    versioned: true,
    params: userPath,
    notFound: "user-not-found",
    query: none,
    answers: { 200: userView },
    problems: ["user-not-found"],
  },
  updateUser: {
    method: "PATCH",
    path: `${USERS}/{id}`,
    summary:
      "Changes a user. Who is disabled or invited anew loses sessions and keys; a lower role binds both at once.",
    scope: "admin",
    // A new invitation ends the one before.
    repeatable: false,
    versioned: true,
    params: userPath,
    notFound: "user-not-found",
    query: none,
    body: updateUserBody,
    answers: { 200: updatedUserView },
    problems: [...BODY_PROBLEMS, ...REGISTER_PROBLEMS, "user-not-found"],
  },
  deleteUser: {
    method: "DELETE",
    path: `${USERS}/{id}`,
    summary: "Deletes a user, and ends sessions and keys that the user made.",
    scope: "admin",
    repeatable: true,
    versioned: true,
    params: userPath,
    notFound: "user-not-found",
    query: none,
    answers: { 200: userView },
    problems: ["user-not-found", "last-admin", "user-conflict"],
  },
} as const satisfies Record<string, RouteShape>;
