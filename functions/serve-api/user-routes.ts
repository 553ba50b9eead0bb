import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { toUserView } from "#shared/contract/user-view.ts";
import type { RegisterRefusal } from "#shared/domain/user.ts";
import type { UserStore } from "#shared/ports/user-store.ts";
import type { CreateUser } from "#shared/usecases/create-user.ts";
import type { DeleteUser, UpdateUser } from "#shared/usecases/update-user.ts";

export interface UserRouteDeps {
  readonly createUser: CreateUser;
  readonly updateUser: UpdateUser;
  readonly deleteUser: DeleteUser;
  readonly users: Pick<UserStore, "get" | "list">;
}

const NO_USER = { problem: "user-not-found", detail: "No user of this key's owner has this id." } as const;
const CONFLICT = {
  problem: "user-conflict",
  detail: "Somebody else changed the owner's users every time. Try again.",
} as const;
const LAST_ADMIN = {
  problem: "last-admin",
  detail: "It is the last administrator who can sign in. Make another one first.",
} as const;

const changedSince = (version: number) =>
  ({ problem: "precondition-failed", detail: `It has version ${version} by now. Read it again.` }) as const;

function refuse(refusal: RegisterRefusal) {
  switch (refusal.reason) {
    case "name-taken": {
      const detail = "Another user has this name.";
      return { problem: "user-name-taken", detail, errors: [{ pointer: "/name", detail }] } as const;
    }
    case "email-taken": {
      const detail = "Another user has this e-mail address.";
      return { problem: "email-taken", detail, errors: [{ pointer: "/email", detail }] } as const;
    }
    case "too-many":
      return {
        problem: "too-many-users",
        detail: `There are ${refusal.limit} users already, and more are not taken. Delete one first.`,
      } as const;
    case "last-admin":
      return LAST_ADMIN;
  }
}

type UserRoutes = Pick<
  RouteHandlers,
  "createUser" | "listUsers" | "readUser" | "updateUser" | "deleteUser" | "whoami"
>;

/** The people of a tenant: which answer each outcome is. */
export const createUserRoutes = (usecases: UserRouteDeps): UserRoutes => ({
  async createUser({ caller: { ownerId }, body }): Promise<RouteAnswer<"createUser">> {
    const created = await usecases.createUser(ownerId, body);
    if (created.ok) {
      const { user, invitation } = created.value;
      return {
        status: 201,
        body: { ...toUserView(user), invitationCode: invitation },
        headers: { location: `/api/v1/users/${user.id}` },
      };
    }
    return created.error.reason === "conflict" ? CONFLICT : refuse(created.error);
  },

  async listUsers({ caller: { ownerId } }) {
    return { status: 200, body: { items: (await usecases.users.list(ownerId)).map(toUserView) } };
  },

  async readUser({ caller: { ownerId }, params }): Promise<RouteAnswer<"readUser">> {
    const user = await usecases.users.get(ownerId, params.id);
    return user ? { status: 200, body: toUserView(user) } : NO_USER;
  },

  async updateUser({ caller: { ownerId }, params, body, ifVersion }): Promise<RouteAnswer<"updateUser">> {
    const { name, email, role, disabled, renewInvitation } = body;
    const updated = await usecases.updateUser(
      ownerId,
      params.id,
      {
        ...(name !== undefined && { name }),
        ...(email !== undefined && { email }),
        ...(role !== undefined && { role }),
        ...(disabled !== undefined && { disabled }),
        ...(renewInvitation && { renewInvitation }),
      },
      ifVersion,
    );
    if (updated.ok) {
      const { user, invitation } = updated.value;
      return {
        status: 200,
        body: { ...toUserView(user), ...(invitation !== undefined && { invitationCode: invitation }) },
      };
    }
    const { error } = updated;
    switch (error.reason) {
      case "not-found":
        return NO_USER;
      case "stale":
        return changedSince(error.version);
      case "conflict":
        return CONFLICT;
      default:
        return refuse(error);
    }
  },

  async deleteUser({ caller: { ownerId }, params, ifVersion }): Promise<RouteAnswer<"deleteUser">> {
    const deleted = await usecases.deleteUser(ownerId, params.id, ifVersion);
    if (deleted.ok) return { status: 200, body: toUserView(deleted.value) };
    const { error } = deleted;
    switch (error.reason) {
      case "not-found":
        return NO_USER;
      case "stale":
        return changedSince(error.version);
      case "last-admin":
        return LAST_ADMIN;
      case "conflict":
      // Nobody's name is taken by leaving.
      case "name-taken":
      case "email-taken":
      case "too-many":
        return CONFLICT;
    }
  },

  async whoami({ caller }) {
    const { ownerId, keyId, scopes, userId, sessionId, projects, accounts } = caller;
    const user = userId && (await usecases.users.get(ownerId, userId));
    return {
      status: 200,
      body: {
        owner: ownerId,
        keyId,
        via: sessionId === undefined ? "key" : "session",
        scopes: [...scopes],
        ...(projects && { projects: [...projects] }),
        ...(accounts && { accounts: [...accounts] }),
        ...(user && { user: toUserView(user) }),
      },
    };
  },
});
