import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { Service, ServiceResponse } from "../gateway/service.ts";
import type { Assembly, Resource } from "../template/assembly.ts";

export interface KmsOptions {
  readonly assembly: Assembly;
  /**
   * Folder for the key material. Losing it makes everything that was encrypted unreadable, as deleting a key does.
   *
   * @default - none: keys live as long as the service
   */
  readonly stateDir?: string;
}

/** Ends a request with one of the API's own errors. */
class ApiError extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

const context = z.record(z.string(), z.string()).default({});
const base64 = z.base64().transform((text) => Buffer.from(text, "base64"));
const tolerated = { GrantTokens: z.array(z.string()).optional(), DryRun: z.literal(false).optional() };
const algorithm = z.literal("SYMMETRIC_DEFAULT").optional();

/** @see https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html */
const MAX_PLAINTEXT_BYTES = 4_096;

const encryptInput = z.strictObject({
  KeyId: z.string(),
  Plaintext: base64.refine(({ length }) => length > 0 && length <= MAX_PLAINTEXT_BYTES, "1 to 4096 bytes"),
  EncryptionContext: context,
  EncryptionAlgorithm: algorithm,
  ...tolerated,
});
const decryptInput = z.strictObject({
  KeyId: z.string().optional(),
  CiphertextBlob: base64,
  EncryptionContext: context,
  EncryptionAlgorithm: algorithm,
  ...tolerated,
});
const dataKeyInput = z.strictObject({
  KeyId: z.string(),
  KeySpec: z.enum(["AES_256", "AES_128"]).optional(),
  NumberOfBytes: z.int().min(1).max(1_024).optional(),
  EncryptionContext: context,
  ...tolerated,
});

/** Version, key id, nonce, tag, then the encrypted bytes. */
const VERSION = 1;
const KEY_ID_BYTES = 36;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES;

/** Key id inside a ciphertext; undefined for bytes that this service did not make. */
export function keyIdOf(ciphertext: Uint8Array): string | undefined {
  if (ciphertext.length <= HEADER_BYTES || ciphertext[0] !== VERSION) return undefined;
  return Buffer.from(ciphertext.subarray(1, 1 + KEY_ID_BYTES))
    .toString("latin1")
    .trimEnd();
}

/** The context counts whatever its order. */
const boundTo = (keyId: string, encryptionContext: Readonly<Record<string, string>>): Buffer =>
  Buffer.from(
    JSON.stringify([keyId, Object.entries(encryptionContext).sort(([a], [b]) => (a < b ? -1 : 1))]),
  );

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ApiError("ValidationException", `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
}

function readMaterial(file: string | undefined): Map<string, string> {
  if (file === undefined) return new Map();
  try {
    return new Map(Object.entries(JSON.parse(readFileSync(file, "utf8")) as Record<string, string>));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    // New keys in place of unreadable ones would make every stored credential unreadable for good.
    throw new Error(`${file} cannot be read; restore it, or empty the local state with: npm run reset`, {
      cause: error,
    });
  }
}

/** KMS for the template's symmetric keys: Encrypt, Decrypt and GenerateDataKey with an encryption context. */
export function createKms({ assembly, stateDir }: KmsOptions): Service {
  const file = stateDir === undefined ? undefined : join(stateDir, "kms.json");
  const material = readMaterial(file);
  const keys = assembly.ofType("AWS::KMS::Key");
  const missing = keys.filter(({ physicalId }) => !material.has(physicalId));
  for (const { physicalId } of missing) material.set(physicalId, randomBytes(32).toString("base64"));
  if (file !== undefined && stateDir !== undefined && missing.length > 0) {
    mkdirSync(stateDir, { recursive: true });
    writeFileSync(file, JSON.stringify(Object.fromEntries(material)), { mode: 0o600 });
  }

  function keyOf(id: string): Resource {
    const alias = assembly
      .ofType("AWS::KMS::Alias")
      .find(({ physicalId, arn }) => id === physicalId || id === arn);
    const target = alias ? String(alias.properties["TargetKeyId"]) : id;
    const key = keys.find(({ physicalId, arn }) => target === physicalId || target === arn);
    if (!key) throw new ApiError("NotFoundException", `Key '${id}' does not exist`);
    return key;
  }
  const secretOf = ({ physicalId }: Resource): Buffer =>
    Buffer.from(material.get(physicalId) ?? "", "base64");

  function seal(key: Resource, plaintext: Uint8Array, encryptionContext: Record<string, string>): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", secretOf(key), nonce);
    cipher.setAAD(boundTo(key.physicalId, encryptionContext));
    const encrypted = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    const id = Buffer.from(key.physicalId.padEnd(KEY_ID_BYTES), "latin1");
    return Buffer.concat([Buffer.of(VERSION), id, nonce, cipher.getAuthTag(), encrypted]).toString("base64");
  }

  function open(key: Resource, ciphertext: Buffer, encryptionContext: Record<string, string>): Buffer {
    const nonceAt = 1 + KEY_ID_BYTES;
    const nonce = ciphertext.subarray(nonceAt, nonceAt + NONCE_BYTES);
    const tag = ciphertext.subarray(nonceAt + NONCE_BYTES, HEADER_BYTES);
    const decipher = createDecipheriv("aes-256-gcm", secretOf(key), nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(boundTo(key.physicalId, encryptionContext));
    decipher.setAuthTag(tag);
    try {
      return Buffer.concat([decipher.update(ciphertext.subarray(HEADER_BYTES)), decipher.final()]);
    } catch {
      // One answer for a wrong context and for changed bytes: AWS tells no more either.
      throw new ApiError("InvalidCiphertextException", "");
    }
  }

  const operations: Readonly<Record<string, (input: unknown) => object>> = {
    Encrypt(input) {
      const { KeyId, Plaintext, EncryptionContext } = parse(encryptInput, input);
      const key = keyOf(KeyId);
      const CiphertextBlob = seal(key, Plaintext, EncryptionContext);
      return { CiphertextBlob, KeyId: key.arn, EncryptionAlgorithm: "SYMMETRIC_DEFAULT" };
    },
    Decrypt(input) {
      const { KeyId, CiphertextBlob, EncryptionContext } = parse(decryptInput, input);
      const id = keyIdOf(CiphertextBlob);
      if (id === undefined) throw new ApiError("InvalidCiphertextException", "");
      const key = keyOf(id);
      if (KeyId !== undefined && keyOf(KeyId) !== key) {
        throw new ApiError(
          "IncorrectKeyException",
          "The key ID in the request does not identify a CMK that can perform this operation.",
        );
      }
      const Plaintext = open(key, CiphertextBlob, EncryptionContext).toString("base64");
      return { Plaintext, KeyId: key.arn, EncryptionAlgorithm: "SYMMETRIC_DEFAULT" };
    },
    GenerateDataKey(input) {
      const { KeyId, KeySpec, NumberOfBytes, EncryptionContext } = parse(dataKeyInput, input);
      if ((KeySpec === undefined) === (NumberOfBytes === undefined)) {
        throw new ApiError("ValidationException", "Please specify either number of bytes or key spec.");
      }
      const key = keyOf(KeyId);
      const plaintext = randomBytes(NumberOfBytes ?? (KeySpec === "AES_128" ? 16 : 32));
      const CiphertextBlob = seal(key, plaintext, EncryptionContext);
      return { CiphertextBlob, Plaintext: plaintext.toString("base64"), KeyId: key.arn };
    },
  };

  const respond = (status: number, body: object): ServiceResponse => ({
    status,
    headers: { "content-type": "application/x-amz-json-1.1" },
    body: JSON.stringify(body),
  });

  return async ({ headers, body }) => {
    const name = headers["x-amz-target"]?.replace(/^TrentService\./, "") ?? "";
    const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
    if (!operation)
      return respond(400, { __type: "UnknownOperationException", message: `${name} is not run here` });
    try {
      return respond(200, operation(JSON.parse(new TextDecoder().decode(body))));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return respond(400, { __type: error.type, message: error.message });
    }
  };
}
