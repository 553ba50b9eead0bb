import { err, ok, type Result } from "#shared/result.ts";

export interface WebhookUrlRules {
  /** Addresses of this machine are taken too, also without TLS and on any port: for development only. */
  readonly allowLoopback: boolean;
}

/** In words for a person; where it stands is the caller's business. */
export interface RefusedUrl {
  readonly reason: "url-refused";
  readonly message: string;
  readonly remedy: string;
}

/** Names that never lead to somebody on the Internet. @see https://www.rfc-editor.org/rfc/rfc6761 @see https://www.rfc-editor.org/rfc/rfc9476 */
const INNER_DOMAINS = [
  "localhost",
  "local",
  "internal",
  "intranet",
  "lan",
  "home",
  "corp",
  "arpa",
  "alt",
  "onion",
];

/** `URL` has written every notation of an IPv4 address (octal, decimal, short) in four numbers by then. */
const isAddress = (hostname: string): boolean =>
  hostname.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(hostname);

/** @param hostname - as `URL` writes it */
export const isLoopbackHost = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);

const refuse = (message: string, remedy: string): Result<never, RefusedUrl> =>
  err({ reason: "url-refused", message, remedy });

/**
 * Reads where events are to be sent: `https`, the usual port, a public name, nothing secret in it.
 *
 * This is for people. What protects the network is the check of every address that the name has whenever something is
 * sent: a name may lead elsewhere tomorrow.
 *
 * @returns the address as it is called
 */
export function parseWebhookUrl(
  text: string,
  { allowLoopback }: WebhookUrlRules,
): Result<string, RefusedUrl> {
  if (!URL.canParse(text)) return refuse("It is no URL.", "Write it as https://example.com/path.");
  const url = new URL(text);
  if (url.username !== "" || url.password !== "")
    return refuse(
      "The URL has a user name or a password in it.",
      "Leave them out: events are signed instead.",
    );
  if (url.hash !== "")
    return refuse("The URL has a fragment.", "Leave out what follows #: it is never sent.");
  const isHttp = url.protocol === "http:" || url.protocol === "https:";
  if (isHttp && allowLoopback && isLoopbackHost(url.hostname)) return ok(url.href);
  if (url.protocol !== "https:")
    return refuse("The URL does not begin with https://.", "Use https with a certificate that is trusted.");
  if (url.port !== "")
    return refuse(`The URL has the port ${url.port}.`, "Use the usual port of https, 443.");
  if (isAddress(url.hostname))
    return refuse("The URL has an IP address for a host.", "Use the name that the certificate is for.");
  const labels = url.hostname.split(".");
  const top = labels.at(-1) ?? "";
  if (labels.length < 2 || top === "" || INNER_DOMAINS.includes(top))
    return refuse("The host is no name of the public Internet.", "Use a name that everybody can resolve.");
  return ok(url.href);
}
