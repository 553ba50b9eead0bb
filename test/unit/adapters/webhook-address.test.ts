import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPublicAddress, reachRule } from "#shared/adapters/http/reachable-address.ts";

const INNER = {
  "this machine": ["127.0.0.1", "127.255.255.254", "::1"],
  "this network": ["0.0.0.0", "0.1.2.3", "::"],
  "private networks": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fc00::1", "fdff::1"],
  "the provider's shared space": ["100.64.0.1", "100.100.100.200", "100.127.255.255"],
  "a link": ["169.254.0.1", "fe80::1", "fe80::1%eth0", "fec0::1"],
  "metadata services": ["169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200"],
  "a group": ["224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1"],
  documentation: ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
  "benchmarks and protocols": ["198.18.0.1", "192.0.0.1", "192.88.99.1", "192.31.196.1", "192.52.193.1"],
  nobody: ["240.0.0.1", "4000::1", "100::1", "5f00::1", "2001:10::1"],
  "IPv4 in IPv6": [
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "::127.0.0.1",
  ],
  NAT64: ["64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1"],
  "6to4 and Teredo": ["2002:7f00:1::", "2002:a00:1::1", "2001::1"],
  "no address": ["", "localhost", "8.8.8", "1.1.1.1.1", "::g"],
};

describe("an address that may be reached", () => {
  it.each(Object.entries(INNER))("is not one of %s", (_, addresses) => {
    expect(addresses.filter(isPublicAddress)).toEqual([]);
  });

  it.each([
    "8.8.8.8",
    "93.184.216.34",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "2a00:1450:4001::200e",
  ])("may be %s", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it("is none of a private network, whatever its last bytes are, nor wrapped in IPv6", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(byte, byte, byte, fc.integer({ min: 16, max: 31 }), (a, b, c, d) => {
        for (const inner of [
          `10.${a}.${b}.${c}`,
          `172.${d}.${a}.${b}`,
          `192.168.${a}.${b}`,
          `127.${a}.${b}.${c}`,
        ]) {
          expect(isPublicAddress(inner)).toBe(false);
          expect(isPublicAddress(`::ffff:${inner}`)).toBe(false);
        }
      }),
    );
  });

  it("is this machine's own only for a host that says so, where that is allowed", () => {
    const [strict, lax] = [reachRule({ allowLoopback: false }), reachRule({ allowLoopback: true })];
    for (const host of ["localhost", "127.0.0.1", "[::1]"]) {
      expect(strict(host, "127.0.0.1")).toBe(false);
      expect(lax(host, "127.0.0.1")).toBe(true);
      expect(lax(host, "::1")).toBe(true);
      expect(lax(host, "::ffff:127.0.0.1")).toBe(false);
      expect(lax(host, "10.0.0.1")).toBe(false);
      expect(lax(host, "8.8.8.8")).toBe(false);
    }
    expect(lax("hooks.example.com", "127.0.0.1")).toBe(false);
    expect(lax("hooks.example.com", "8.8.8.8")).toBe(true);
  });
});
