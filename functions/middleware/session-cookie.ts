/** The cookie of a console session. `__Host-` binds it to this host, to TLS and to every path. @see https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes */
const NAME = "__Host-punctual";
const ATTRIBUTES = "HttpOnly; Secure; SameSite=Strict; Path=/";

/** A form or an image of another site cannot send a header: whoever sends this one runs in our own page. */
export const CONSOLE_HEADER = "x-punctual-console";

export const sessionCookie = (token: string, lifetimeMs: number): string =>
  `${NAME}=${token}; ${ATTRIBUTES}; Max-Age=${Math.floor(lifetimeMs / 1_000)}`;

/** Makes the browser forget it. */
export const NO_SESSION_COOKIE = `${NAME}=; ${ATTRIBUTES}; Max-Age=0`;

/** @param cookies - `name=value`, as API Gateway hands them over; the prefix keeps other hosts from adding a second one */
export const readSessionCookie = (cookies: readonly string[] | undefined): string | undefined =>
  cookies
    ?.map((cookie) => cookie.trim())
    .find((cookie) => cookie.startsWith(`${NAME}=`))
    ?.slice(NAME.length + 1);
