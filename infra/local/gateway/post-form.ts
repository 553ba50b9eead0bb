import { isObject } from "./rights.ts";

/** Fields come before the file, which S3 takes as the last field. */
export interface PostForm {
  /** Lower-case field names. */
  readonly fields: ReadonlyMap<string, string>;
  readonly fileName: string;
  readonly file: AsyncIterable<Buffer>;
}

/** The form or its policy is not accepted; code and status as S3 gives them. */
export class FormRefusal extends Error {
  override readonly name = "FormRefusal";
  readonly code: string;
  readonly status: number;

  constructor(code: string, status: number, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** S3 takes 20 kB of fields; the header of the file part comes on top. */
const longestFieldsBytes = 24 * 1024;

/**
 * Reads the fields of a browser upload and leaves the file to be streamed.
 * @throws FormRefusal
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 */
export async function readPostForm(iterator: AsyncIterator<Buffer>, contentType: string): Promise<PostForm> {
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (boundary === undefined) {
    throw malformed();
  }
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const fields = new Map<string, string>();
  // The first boundary has no line break before it; with one, every part ends alike.
  let rest: Buffer = Buffer.from("\r\n");
  const more = async (): Promise<void> => {
    const next = await iterator.next();
    if (next.done === true) {
      throw malformed();
    }
    rest = Buffer.concat([rest, next.value]);
  };
  let fieldsBytes = 0;
  for (;;) {
    const start = rest.indexOf(delimiter);
    const headerEnd = start < 0 ? -1 : rest.indexOf("\r\n\r\n", start);
    if (headerEnd < 0) {
      if (rest.length > longestFieldsBytes) {
        throw new FormRefusal(
          "MaxPostPreDataLengthExceeded",
          400,
          "The fields before the file are longer than 20 kB.",
        );
      }
      await more();
      continue;
    }
    const header = rest.toString("utf8", start, headerEnd);
    const name = /;\s*name="([^"]*)"/i.exec(header)?.[1]?.toLowerCase();
    if (name === undefined) {
      throw malformed();
    }
    fieldsBytes += headerEnd - start;
    if (name === "file") {
      const fileName = /;\s*filename="([^"]*)"/i.exec(header)?.[1] ?? "";
      const first = rest.subarray(headerEnd + 4);
      return {
        fields,
        fileName: fileName.slice(Math.max(fileName.lastIndexOf("/"), fileName.lastIndexOf("\\")) + 1),
        file: untilDelimiter(first, iterator, delimiter),
      };
    }
    let end = rest.indexOf(delimiter, headerEnd + 4);
    while (end < 0) {
      if (rest.length > longestFieldsBytes) {
        throw new FormRefusal(
          "MaxPostPreDataLengthExceeded",
          400,
          "The fields before the file are longer than 20 kB.",
        );
      }
      await more();
      end = rest.indexOf(delimiter, headerEnd + 4);
    }
    fieldsBytes += end - headerEnd;
    if (fieldsBytes > longestFieldsBytes) {
      throw new FormRefusal(
        "MaxPostPreDataLengthExceeded",
        400,
        "The fields before the file are longer than 20 kB.",
      );
    }
    fields.set(name, rest.toString("utf8", headerEnd + 4, end));
    rest = rest.subarray(end);
  }
}

const malformed = (): FormRefusal =>
  new FormRefusal(
    "MalformedPOSTRequest",
    400,
    "The body of your POST request is not well-formed multipart/form-data.",
  );

async function* untilDelimiter(
  first: Buffer,
  iterator: AsyncIterator<Buffer>,
  delimiter: Buffer,
): AsyncGenerator<Buffer> {
  let held = first;
  for (;;) {
    const end = held.indexOf(delimiter);
    if (end >= 0) {
      if (end > 0) {
        yield held.subarray(0, end);
      }
      // What follows the file is ignored, but has to be read before the client looks for the answer.
      while ((await iterator.next()).done !== true);
      return;
    }
    const safe = held.length - delimiter.length;
    if (safe > 0) {
      yield held.subarray(0, safe);
      held = held.subarray(safe);
    }
    const next = await iterator.next();
    if (next.done === true) {
      throw malformed();
    }
    held = Buffer.concat([held, next.value]);
  }
}

export interface CheckedPolicy {
  readonly shortestBytes: number;
  readonly longestBytes: number;
}

/**
 * Holds a form to its policy: not expired, every field covered by a condition, every condition met.
 * @throws FormRefusal
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
export function checkPolicy(
  form: { readonly fields: ReadonlyMap<string, string> },
  bucket: string,
  now: Date,
): CheckedPolicy {
  const refuse = (message: string): never => {
    throw new FormRefusal("AccessDenied", 403, `Invalid according to Policy: ${message}`);
  };
  let policy: unknown;
  try {
    policy = JSON.parse(Buffer.from(form.fields.get("policy") ?? "", "base64").toString("utf8"));
  } catch {
    throw new FormRefusal("InvalidPolicyDocument", 400, "Invalid Policy: Invalid JSON.");
  }
  const expiresAt = isObject(policy) ? Date.parse(String(policy["expiration"])) : Number.NaN;
  const conditions: readonly unknown[] =
    isObject(policy) && Array.isArray(policy["conditions"]) ? policy["conditions"] : [];
  if (!(expiresAt > now.getTime())) {
    refuse("Policy expired.");
  }
  let size: CheckedPolicy = { shortestBytes: 0, longestBytes: Number.POSITIVE_INFINITY };
  const covered = new Set(["policy", "x-amz-signature", "file"]);
  const fieldValue = (name: string): string => (name === "bucket" ? bucket : (form.fields.get(name) ?? ""));
  const check = (operator: string, name: string, wanted: string): void => {
    const value = fieldValue(name);
    covered.add(name);
    if (operator === "eq" ? value !== wanted : !value.startsWith(wanted)) {
      refuse(`Policy Condition failed: ["${operator}", "$${name}", "${wanted}"]`);
    }
  };
  for (const condition of conditions) {
    if (Array.isArray(condition)) {
      const [operator, first, second]: unknown[] = condition;
      if (operator === "content-length-range") {
        size = { shortestBytes: Number(first), longestBytes: Number(second) };
      } else if (operator === "eq" || operator === "starts-with") {
        check(operator, String(first).replace(/^\$/, "").toLowerCase(), String(second));
      } else {
        refuse(`unknown operator ${String(operator)}.`);
      }
    } else if (isObject(condition)) {
      for (const [name, wanted] of Object.entries(condition)) {
        check("eq", name.toLowerCase(), String(wanted));
      }
    }
  }
  for (const name of form.fields.keys()) {
    if (!covered.has(name) && !name.startsWith("x-ignore-")) {
      refuse(`Extra input fields: ${name}`);
    }
  }
  return size;
}

/**
 * Ends the stream with S3's refusal when the file leaves the allowed range.
 * @throws FormRefusal
 */
export async function* limitSize(
  file: AsyncIterable<Buffer>,
  allowed: CheckedPolicy,
): AsyncGenerator<Buffer> {
  let sizeBytes = 0;
  for await (const piece of file) {
    sizeBytes += piece.length;
    if (sizeBytes > allowed.longestBytes) {
      throw new FormRefusal("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size");
    }
    yield piece;
  }
  if (sizeBytes < allowed.shortestBytes) {
    throw new FormRefusal(
      "EntityTooSmall",
      400,
      "Your proposed upload is smaller than the minimum allowed size",
    );
  }
}
