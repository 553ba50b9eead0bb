import { invalidRequest } from "./problems.ts";

const CRLF = "\r\n";

/**
 * The fields of a `multipart/form-data` body, as views into it. Strict: one part per name, every part closed, nothing
 * before the first or after the last boundary but line ends.
 * @throws XProblem 400
 * @see https://www.rfc-editor.org/rfc/rfc7578
 */
export function parseMultipart(body: Buffer, contentType: string): ReadonlyMap<string, Buffer> {
  const [, quoted, bare] =
    /^multipart\/form-data\b.*;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) {
    throw invalidRequest({ message: "Requests with media must have content-type of multipart/form-data." });
  }

  const broken = (what: string) =>
    invalidRequest({ message: `Request body is not valid multipart: ${what}.` });
  const fields = new Map<string, Buffer>();
  const delimiter = Buffer.from(`${CRLF}--${boundary}`);
  if (!body.subarray(0, delimiter.length - 2).equals(delimiter.subarray(2)))
    throw broken("no first boundary");

  let at = delimiter.length - 2;
  for (;;) {
    const after = body.toString("latin1", at, at + 2);
    if (after === "--") break;
    if (after !== CRLF) throw broken("a boundary without a line end");

    const head = at + 2;
    const headEnd = body.indexOf(CRLF + CRLF, head - 2);
    if (headEnd < 0) throw broken("a part without a head");
    const end = body.indexOf(delimiter, headEnd + 4);
    if (end < 0) throw broken("no last boundary");
    const name = /^content-disposition:\s*form-data\b.*;\s*name="([^"]*)"/im.exec(
      body.toString("utf8", head, headEnd),
    )?.[1];
    if (name === undefined) throw broken("a part without a name");
    if (fields.has(name)) throw broken("a name twice");
    fields.set(name, body.subarray(headEnd + 4, end));
    at = end + delimiter.length;
  }
  if (!/^(\r\n)?$/.test(body.toString("latin1", at + 2))) throw broken("bytes after the last boundary");
  return fields;
}
