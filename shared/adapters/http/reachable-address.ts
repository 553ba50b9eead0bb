import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { isLoopbackHost } from "#shared/domain/webhook-url.ts";

/** All of IPv6 that is handed out for the public Internet. @see https://www.iana.org/assignments/ipv6-address-space */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR("2000::/3");

/**
 * Whether an address is somebody's on the public Internet. It is not when it belongs to this machine, to a private
 * network, to the provider's shared space, to a link (with the metadata services of clouds), to a group, to documentation
 * or to nobody, nor when it only wraps another address (IPv4 in IPv6, NAT64, 6to4, Teredo).
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */
export function isPublicAddress(text: string): boolean {
  if (isIP(text) === 0) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== "unicast") return false;
  return address instanceof ipaddr.IPv4 || address.match(GLOBAL_IPV6);
}

/** `::ffff:127.0.0.1` is no loopback here: no resolver answers so for a good reason. */
const isLoopbackAddress = (text: string): boolean =>
  isIP(text) !== 0 && ipaddr.parse(text).range() === "loopback";

/** Whether a connection for this host may be made to this address. */
export type MayReach = (hostname: string, address: string) => boolean;

/** @param allowLoopback - hosts that are this machine by their name may be reached, at its own addresses only */
export const reachRule =
  ({ allowLoopback }: { readonly allowLoopback: boolean }): MayReach =>
  (hostname, address) =>
    allowLoopback && isLoopbackHost(hostname) ? isLoopbackAddress(address) : isPublicAddress(address);
