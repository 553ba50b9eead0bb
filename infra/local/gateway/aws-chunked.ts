/**
 * Decodes the framing that SDKs put around streamed S3 bodies (`content-encoding: aws-chunked`): a line with the size
 * in hexadecimal, the bytes, and so on until size 0; what follows are trailers.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export async function* decodeAwsChunked(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  /** Bytes of the present chunk still to come; undefined while its size line is awaited. */
  let missing: number | undefined;
  for await (const piece of source) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    for (;;) {
      if (missing === undefined) {
        const end = rest.indexOf("\r\n");
        if (end < 0) {
          break;
        }
        const size = Number.parseInt(rest.toString("latin1", 0, end), 16);
        if (Number.isNaN(size)) {
          throw new RangeError("The body is not framed as aws-chunked.");
        }
        rest = rest.subarray(end + 2);
        if (size === 0) {
          rest = Buffer.alloc(0);
          missing = Number.POSITIVE_INFINITY;
          break;
        }
        missing = size;
      }
      if (missing === Number.POSITIVE_INFINITY) {
        rest = Buffer.alloc(0);
        break;
      }
      const available = Math.min(missing, rest.length);
      if (available > 0) {
        yield rest.subarray(0, available);
        rest = rest.subarray(available);
        missing -= available;
      }
      if (missing > 0 || rest.length < 2) {
        break;
      }
      rest = rest.subarray(2);
      missing = undefined;
    }
  }
  if (missing !== Number.POSITIVE_INFINITY) {
    throw new RangeError("The body ended inside an aws-chunked frame.");
  }
}
