import type { HttpLogger } from "#functions/middleware/http.ts";
import { noteAfter } from "#functions/middleware/http-audit.ts";
import { actorOf } from "#functions/middleware/http-caller.ts";
import type { RouteAnswer, RouteHandler } from "#functions/middleware/router.ts";
import { unknownProject } from "#functions/middleware/unknown-project.ts";
import { toAccountView, toVerificationView } from "#shared/contract/account-view.ts";
import { toCredentials } from "#shared/contract/connection-view.ts";
import type { Account } from "#shared/domain/account.ts";
import type { Reason } from "#shared/domain/reason.ts";
import { instantInWords, quote } from "#shared/domain/words.ts";
import type { ConnectByTokens } from "#shared/usecases/connect-by-tokens.ts";
import type { FinishConnection, FinishRefusal } from "#shared/usecases/finish-connection.ts";
import type { KeepConnectionRefusal } from "#shared/usecases/keep-connection.ts";
import type { RecordAudit } from "#shared/usecases/record-audit.ts";
import type { StartConnection } from "#shared/usecases/start-connection.ts";
import type { VerifyConnection } from "#shared/usecases/verify-connection.ts";
import { renderPage } from "./callback-page.ts";

export interface ConnectionRouteDeps {
  readonly recordAudit: RecordAudit;
  readonly logger: HttpLogger;
  readonly startConnection: StartConnection;
  readonly finishConnection: FinishConnection;
  readonly connectByTokens: ConnectByTokens;
  readonly verifyConnection: VerifyConnection;
}

type ConnectionRoute = "startConnection" | "finishConnection" | "connectByTokens" | "verifyAccount";

const unreachable = ({ message }: Reason) =>
  ({ problem: "x-unreachable", detail: `${message} Nothing was changed. Try again in a minute.` }) as const;

/** Why X's yes is not enough, for the person. */
function whyNotKept(refusal: Exclude<KeepConnectionRefusal, { readonly reason: "unknown-project" }>): string {
  switch (refusal.reason) {
    case "same-user":
      return `@${refusal.username} is connected already, as the account ${quote(refusal.account)}. X counts a user once, so it cannot be two accounts.`;
    case "other-user":
      return `You gave access to @${refusal.username}, but this account is @${refusal.expected}, and its queue is meant for that one. Sign in to X as @${refusal.expected}, or connect @${refusal.username} under another name.`;
  }
}

const AGAIN = "Begin again where you came from: a link works once, and for ten minutes.";

interface Page {
  readonly status: 200 | 400 | 409 | 422 | 503;
  readonly page: string;
}

const connectedPage = ({ name, username, status }: Account): Page => ({
  status: 200,
  page: renderPage(`@${username ?? name} is connected`, [
    status === "paused"
      ? `The account ${quote(name)} is still paused. Resume it, and its posts go on.`
      : `The account ${quote(name)} can post. What was held because of it goes on within a minute.`,
    "You can close this page.",
  ]),
});

/** The page for whoever comes back from X without a connection. */
function refusalPage(refusal: FinishRefusal): Page {
  switch (refusal.reason) {
    case "unknown-state":
      return { status: 400, page: renderPage("This link does not work any more", [AGAIN]) };
    case "denied":
      return {
        status: 400,
        page: renderPage("X was not given leave", ["Nothing was connected, and nothing was changed.", AGAIN]),
      };
    case "refused":
      return {
        status: 422,
        page: renderPage("X did not confirm the access", [
          refusal.why.message,
          "Nothing was changed. Check the client id and secret of the app, and its callback address.",
          AGAIN,
        ]),
      };
    case "unreachable":
      return {
        status: 503,
        page: renderPage("X could not be asked", [refusal.why.message, "Nothing was changed.", AGAIN]),
      };
    case "unknown-project":
      return {
        status: 409,
        page: renderPage("The project is gone", [
          `There is no project ${quote(refusal.name)} any more. Nothing was connected.`,
        ]),
      };
    case "same-user":
    case "other-user":
      return {
        status: 409,
        page: renderPage("This is another account", [whyNotKept(refusal), "Nothing was changed."]),
      };
  }
}

/** Accounts, where X is asked: which answer each outcome is. */
export const createConnectionRoutes = (
  usecases: ConnectionRouteDeps,
): { readonly [Name in ConnectionRoute]: RouteHandler<Name> } => ({
  async startConnection({ caller, body }): Promise<RouteAnswer<"startConnection">> {
    const started = await usecases.startConnection(caller.ownerId, { ...body, by: actorOf(caller) });
    if (started.ok) {
      const { authorizeUrl, expiresAt } = started.value;
      return { status: 201, body: { authorizeUrl, expiresAt: instantInWords(expiresAt) } };
    }
    const { error } = started;
    if (error.reason === "unknown-project")
      return unknownProject(error.name, error.known, { pointer: "/project" });
    const detail = "The account has no client of its own: name the OAuth 2.0 client id of the app.";
    return { problem: "client-id-missing", detail, errors: [{ pointer: "/clientId", detail }] };
  },

  async finishConnection({ query, requestId, sourceIp }): Promise<RouteAnswer<"finishConnection">> {
    const { begun, outcome } = await usecases.finishConnection(query);
    const { status, page } = outcome.ok ? connectedPage(outcome.value.account) : refusalPage(outcome.error);
    // The router notes what callers do; here there is none but whoever began.
    if (begun)
      await noteAfter(usecases, {
        ownerId: begun.ownerId,
        actor: begun.startedBy,
        action: "finishConnection",
        target: { account: begun.account },
        phase: "outcome",
        status,
        ...(!outcome.ok && { problem: outcome.error.reason }),
        requestId,
        sourceIp,
      });
    return { status, body: page, headers: { "content-type": "text/html; charset=utf-8" } };
  },

  async connectByTokens({ caller: { ownerId }, body }): Promise<RouteAnswer<"connectByTokens">> {
    const { account, project } = body;
    const connected = await usecases.connectByTokens(ownerId, { account, project }, toCredentials(body));
    if (connected.ok) {
      const { account: kept, isNew } = connected.value;
      return { status: 200, body: { account: toAccountView(kept), isNew } };
    }
    const { error } = connected;
    switch (error.reason) {
      case "unknown-project":
        return unknownProject(error.name, error.known, { pointer: "/project" });
      case "same-user":
      case "other-user":
        return { problem: error.reason, detail: whyNotKept(error) };
      case "unreachable":
        return unreachable(error.why);
      case "refused": {
        const detail = `${error.why.message} Nothing was stored. Check that all of them belong together, and that the app may read and write.`;
        const pointer = body.oauth1 ? "/oauth1" : "/oauth2";
        return { problem: "credentials-refused", detail, errors: [{ pointer, detail }] };
      }
    }
  },

  async verifyAccount({ caller: { ownerId }, params }): Promise<RouteAnswer<"verifyAccount">> {
    const verified = await usecases.verifyConnection(ownerId, params.name);
    if (verified.ok) return { status: 200, body: toVerificationView(verified.value) };
    return verified.error.reason === "unreachable"
      ? unreachable(verified.error.why)
      : { problem: "account-not-found", detail: "No account of this key's owner has this name." };
  },
});
