import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { toAccountHealthView, toAccountQuotaView, toAccountView } from "#shared/contract/account-view.ts";
import type { DisconnectAccount } from "#shared/usecases/disconnect-account.ts";
import type { ListAccounts, ReadAccount } from "#shared/usecases/read-account.ts";
import type { ReadAccountHealth } from "#shared/usecases/read-account-health.ts";
import type { ReadAccountQuota } from "#shared/usecases/read-account-quota.ts";
import type {
  PauseAccount,
  ResumeOwnAccount,
  SwitchAccountRefusal,
} from "#shared/usecases/switch-account.ts";
import { changedSince } from "./stale-version.ts";

export interface AccountRouteDeps {
  readonly listAccounts: ListAccounts;
  readonly readAccount: ReadAccount;
  readonly readAccountQuota: ReadAccountQuota;
  readonly readAccountHealth: ReadAccountHealth;
  readonly pauseAccount: PauseAccount;
  readonly resumeOwnAccount: ResumeOwnAccount;
  readonly disconnectAccount: DisconnectAccount;
}

const NO_ACCOUNT = {
  problem: "account-not-found",
  detail: "No account of this key's owner has this name.",
} as const;
const NEEDS_RECONNECT = {
  problem: "account-needs-reconnect",
  detail: "The account has no access that X accepts. Connect it again: that also lets it go on.",
} as const;

const notSwitched = (refusal: SwitchAccountRefusal) => {
  switch (refusal.reason) {
    case "unknown-account":
      return NO_ACCOUNT;
    case "needs-reconnect":
      return NEEDS_RECONNECT;
    case "stale":
      return changedSince(refusal);
  }
};

type AccountRoutes = Pick<
  RouteHandlers,
  | "listAccounts"
  | "readAccount"
  | "readQuota"
  | "readAccountHealth"
  | "pauseAccount"
  | "resumeAccount"
  | "disconnectAccount"
>;

/** Accounts, as far as X need not be asked: which answer each outcome is. */
export const createAccountRoutes = (usecases: AccountRouteDeps): AccountRoutes => ({
  async listAccounts({ caller: { ownerId } }) {
    const accounts = await usecases.listAccounts(ownerId);
    return { status: 200, body: { items: accounts.map(toAccountView) } };
  },

  async readAccount({ caller: { ownerId }, params }) {
    const read = await usecases.readAccount(ownerId, params.name);
    return read.ok ? { status: 200, body: toAccountView(read.value) } : NO_ACCOUNT;
  },

  async readQuota({ caller: { ownerId }, params }) {
    const read = await usecases.readAccountQuota(ownerId, params.name);
    return read.ok ? { status: 200, body: toAccountQuotaView(read.value) } : NO_ACCOUNT;
  },

  async readAccountHealth({ caller: { ownerId }, params }) {
    const read = await usecases.readAccountHealth(ownerId, params.name);
    return read.ok ? { status: 200, body: toAccountHealthView(read.value) } : NO_ACCOUNT;
  },

  async pauseAccount({ caller: { ownerId }, params, body, ifVersion }): Promise<RouteAnswer<"pauseAccount">> {
    const paused = await usecases.pauseAccount(ownerId, params.name, { until: body?.until, ifVersion });
    if (paused.ok) return { status: 200, body: toAccountView(paused.value) };
    if (paused.error.reason !== "until-passed") return notSwitched(paused.error);
    const detail = "The pause would be over before it begins.";
    return { problem: "bad-time", detail, errors: [{ pointer: "/until", detail }] };
  },

  async resumeAccount({ caller: { ownerId }, params, ifVersion }): Promise<RouteAnswer<"resumeAccount">> {
    const resumed = await usecases.resumeOwnAccount(ownerId, params.name, { ifVersion });
    return resumed.ok ? { status: 200, body: toAccountView(resumed.value) } : notSwitched(resumed.error);
  },

  async disconnectAccount({
    caller: { ownerId },
    params,
    ifVersion,
  }): Promise<RouteAnswer<"disconnectAccount">> {
    const gone = await usecases.disconnectAccount(ownerId, params.name, ifVersion);
    if (gone.ok) return { status: 200, body: toAccountView(gone.value) };
    return gone.error.reason === "stale" ? changedSince(gone.error) : NO_ACCOUNT;
  },
});
