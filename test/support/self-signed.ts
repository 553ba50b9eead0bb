import { generateKeyPairSync, sign } from "node:crypto";

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OID = 0x06;
const UTF8 = 0x0c;
const UTC_TIME = 0x17;
const VERSION = 0xa0;

const ECDSA_SHA256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const COMMON_NAME = [0x55, 0x04, 0x03];

/** One value of DER. */
function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

/** `261201010000Z` */
const utcTime = (at: Date): Buffer => Buffer.from(`${at.toISOString().slice(2, 19).replaceAll(/\D/g, "")}Z`);

/** A certificate that is right for `name` and that nobody vouches for. @see https://www.rfc-editor.org/rfc/rfc5280 */
export function selfSigned(name: string, now = new Date()): { readonly key: string; readonly cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const algorithm = der(SEQUENCE, der(OID, Buffer.from(ECDSA_SHA256)));
  const named = der(
    SEQUENCE,
    der(SET, der(SEQUENCE, der(OID, Buffer.from(COMMON_NAME)), der(UTF8, Buffer.from(name)))),
  );
  const [from, until] = [-1, 1].map((days) => utcTime(new Date(now.getTime() + days * 86_400_000)));
  const toSign = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from([1])),
    algorithm,
    named,
    der(SEQUENCE, der(UTC_TIME, from ?? Buffer.of()), der(UTC_TIME, until ?? Buffer.of())),
    named,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const signature = der(BIT_STRING, Buffer.of(0), sign("sha256", toSign, privateKey));
  const lines =
    der(SEQUENCE, toSign, algorithm, signature)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n"),
  };
}
