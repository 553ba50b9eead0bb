import { type SandboxApp, type SandboxUser, SCOPES, type Scope } from "./accounts.ts";
import type { Consent, OAuth2Tokens } from "./oauth2-tokens.ts";
import type { Answer } from "./problems.ts";
import { type Message, readForm } from "./request-body.ts";

const PATH = "/i/oauth2/authorize";
const LOOPBACK_REDIRECT = /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?\//;
/** SHA-256, base64url without padding. */
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;

/** Nothing of its own but the form; it may lead to where the app is. */
const PAGE_HEADERS = {
  "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
} as const;

export interface ConsentPage {
  /** @returns undefined for another address */
  handle(request: {
    readonly method: string;
    readonly path: string;
    readonly query: URLSearchParams;
    readonly message: Message;
  }): Promise<Answer | undefined>;
}

/** What an app asks for. */
interface Wish {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scopes: readonly Scope[];
  readonly challenge: string;
  readonly state: string;
}

/**
 * The page of x.com on which a person lets an app act for them. Everybody is signed in here: the page asks as whom.
 *
 * @see https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code
 */
export function createConsentPage(deps: {
  readonly apps: readonly SandboxApp[];
  readonly users: readonly SandboxUser[];
  readonly oauth2: Pick<OAuth2Tokens, "grantCode">;
}): ConsentPage {
  /** @returns what is wrong with it, for the person: an app that asks wrongly is not trusted with a redirect */
  function readWish(fields: { get(name: string): string | null | undefined }): Wish | string {
    const field = (name: string): string => fields.get(name) ?? "";
    const app = deps.apps.find(({ clientId }) => clientId !== undefined && clientId === field("client_id"));
    if (app === undefined) return "There is no app with this client_id.";
    const redirectUri = field("redirect_uri");
    const isRegistered = app.redirectUris?.includes(redirectUri) ?? LOOPBACK_REDIRECT.test(redirectUri);
    if (!isRegistered) return "The redirect_uri is not registered with the app.";
    if (field("response_type") !== "code") return "response_type must be code.";
    if (field("code_challenge_method") !== "S256" || !CHALLENGE.test(field("code_challenge")))
      return "A code_challenge with the method S256 is needed.";
    if (field("state") === "" || field("state").length > 500)
      return "A state of at most 500 characters is needed.";
    const scopes = field("scope").split(" ").filter(Boolean);
    const known = SCOPES.filter((scope) => scopes.includes(scope));
    if (scopes.length === 0 || known.length !== scopes.length) return "The scope is not known.";
    return {
      clientId: field("client_id"),
      redirectUri,
      scopes: known,
      challenge: field("code_challenge"),
      state: field("state"),
    };
  }

  function decide(wish: Wish, form: ReadonlyMap<string, string>): Answer {
    if (form.get("decision") !== "allow") return backTo(wish, { error: "access_denied" });
    const user = deps.users.find(({ id }) => id === form.get("user"));
    if (user === undefined) return failed("There is no such user.");
    const { state: _state, ...asked } = wish;
    const consent: Consent = { ...asked, userId: user.id };
    return backTo(wish, { code: deps.oauth2.grantCode(consent) });
  }

  return {
    async handle({ method, path, query, message }) {
      if (path !== PATH) return undefined;
      if (method === "GET") {
        const wish = readWish(query);
        return typeof wish === "string"
          ? failed(wish)
          : { status: 200, headers: PAGE_HEADERS, body: ask(wish, query) };
      }
      if (method !== "POST") return { status: 405, headers: { allow: "GET, POST" } };
      const form = await readForm(message);
      const wish = readWish(form);
      return typeof wish === "string" ? failed(wish) : decide(wish, form);
    },
  };

  function ask({ clientId, scopes, redirectUri }: Wish, query: URLSearchParams): string {
    const hidden = [...query].map(
      ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
    );
    const users = deps.users.map(
      ({ id, username }, index) =>
        `<p><label><input type="radio" name="user" value="${escapeHtml(id)}"${index === 0 ? " checked" : ""}> @${escapeHtml(username)}</label></p>`,
    );
    return page(`${clientId} wants to act for your account`, [
      "<p>This is the sandbox, not X. It asks for:</p>",
      `<ul>${scopes.map((scope) => `<li>${scope}</li>`).join("")}</ul>`,
      `<p>It then leads to ${escapeHtml(new URL(redirectUri).host)}.</p>`,
      `<form method="post" action="${PATH}">`,
      ...hidden,
      ...users,
      '<p><button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Do not allow</button></p>',
      "</form>",
    ]);
  }
}

/** As X does: the state comes first. */
function backTo({ redirectUri, state }: Wish, outcome: Readonly<Record<string, string>>): Answer {
  const location = new URL(redirectUri);
  for (const [name, value] of Object.entries({ state, ...outcome })) location.searchParams.set(name, value);
  return { status: 302, headers: { location: location.href, "cache-control": "no-store" } };
}

const failed = (why: string): Answer => ({
  status: 400,
  headers: PAGE_HEADERS,
  body: page("Something went wrong", [`<p>You were not able to give access. ${escapeHtml(why)}</p>`]),
});

const page = (title: string, lines: readonly string[]): string =>
  [
    "<!doctype html>",
    `<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>`,
    `<body><h1>${escapeHtml(title)}</h1>`,
    ...lines,
    "</body></html>",
  ].join("\n");

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? "");
