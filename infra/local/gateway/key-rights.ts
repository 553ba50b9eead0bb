import { isObject, type Place, type Right, text, UnknownCall } from "./rights.ts";

const onOneKey = new Set([
  "Decrypt",
  "DescribeKey",
  "Encrypt",
  "GenerateDataKey",
  "GenerateDataKeyWithoutPlaintext",
]);

/** Finds the ARN of the key that a name, an ARN, an alias or (for `Decrypt`) a ciphertext stands for. */
export interface KeyNames {
  /** Alias or key ARN → ARN of the key; undefined when there is no such key. */
  resolve(keyId: string): string | undefined;
  ofCiphertext(ciphertext: Uint8Array): string | undefined;
}

/**
 * The right that a KMS call needs, with the encryption context as condition keys.
 * @throws UnknownCall
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
 */
export function keyRights(
  place: Place,
  operation: string,
  body: Readonly<Record<string, unknown>>,
  names: KeyNames,
): readonly Right[] {
  if (!onOneKey.has(operation)) {
    throw new UnknownCall(`kms:${operation}`);
  }
  const keyId = text(body["KeyId"]);
  const unknownArn = `arn:aws:kms:${place.region}:${place.accountId}:key/${keyId === "" ? "unknown" : keyId}`;
  const found =
    keyId === ""
      ? names.ofCiphertext(Buffer.from(text(body["CiphertextBlob"]), "base64"))
      : names.resolve(keyId);
  const encryption = isObject(body["EncryptionContext"]) ? body["EncryptionContext"] : {};
  const keys = Object.keys(encryption).sort();
  const context = Object.fromEntries(
    keys.map((key) => [`kms:EncryptionContext:${key}`, text(encryption[key])]),
  );
  return [
    {
      action: `kms:${operation}`,
      resource: found ?? unknownArn,
      ...(keys.length > 0 && { context: { ...context, "kms:EncryptionContextKeys": keys } }),
    },
  ];
}
