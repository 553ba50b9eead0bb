import { type Right, UnknownCall } from "./rights.ts";

/** What an S3 request does, as far as rights, size and events depend on it. */
export type ObjectCall =
  | "CompleteMultipartUpload"
  | "CopyObject"
  | "DeleteObject"
  | "DeleteObjects"
  | "PostObject"
  | "PutObject"
  | "Read"
  | "UploadPart"
  | "Other";

export interface ObjectRequest {
  readonly call: ObjectCall;
  readonly bucket: string;
  /** Decoded; empty for calls on the bucket. */
  readonly key: string;
  /** Empty where the rights hang on the body (`DeleteObjects`, `PostObject`). */
  readonly rights: readonly Right[];
}

/** Subresources whose rights are not worked out here; passing them on unchecked would hide a missing right. */
const unknownSubresources = [
  "accelerate",
  "acl",
  "cors",
  "encryption",
  "lifecycle",
  "notification",
  "object-lock",
  "policy",
  "publicAccessBlock",
  "renameObject",
  "replication",
  "restore",
  "retention",
  "select",
  "tagging",
  "torrent",
  "versioning",
  "versions",
  "website",
];

/**
 * Reads an S3 request in path style (`/<bucket>/<key>`), which SDKs use when the endpoint is an IP address.
 * @throws UnknownCall
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
 */
export function readObjectRequest(
  method: string,
  path: string,
  query: URLSearchParams,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): ObjectRequest {
  const [bucket, key] = splitPath(path);
  if (bucket === "") {
    throw new UnknownCall(`s3 ${method} ${path}`);
  }
  const unknown = unknownSubresources.find((name) => query.has(name));
  if (unknown !== undefined) {
    throw new UnknownCall(`s3 ${method} ?${unknown}`);
  }
  return key === ""
    ? readBucketRequest(method, bucket, query, headers)
    : readKeyRequest(method, bucket, key, query, headers);
}

function readBucketRequest(
  method: string,
  bucket: string,
  query: URLSearchParams,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): ObjectRequest {
  const resource = `arn:aws:s3:::${bucket}`;
  const other = (action: string, context?: Record<string, string>): ObjectRequest => ({
    call: "Other",
    bucket,
    key: "",
    rights: [{ action, resource, ...(context !== undefined && { context }) }],
  });
  switch (method) {
    case "GET": {
      const context = Object.fromEntries(
        ["prefix", "delimiter", "max-keys"].flatMap((name) => {
          const value = query.get(name);
          return value === null ? [] : [[`s3:${name}`, value]];
        }),
      );
      return other(query.has("uploads") ? "s3:ListBucketMultipartUploads" : "s3:ListBucket", context);
    }
    case "HEAD":
      return other("s3:ListBucket");
    case "POST":
      if (query.has("delete")) {
        return { call: "DeleteObjects", bucket, key: "", rights: [] };
      }
      if (String(headers["content-type"]).toLowerCase().startsWith("multipart/form-data")) {
        return { call: "PostObject", bucket, key: "", rights: [] };
      }
      break;
    case "PUT":
      return other("s3:CreateBucket");
    case "DELETE":
      return other("s3:DeleteBucket");
    default:
      break;
  }
  throw new UnknownCall(`s3 ${method} on the bucket ${bucket}`);
}

function readKeyRequest(
  method: string,
  bucket: string,
  key: string,
  query: URLSearchParams,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): ObjectRequest {
  const isUpload = query.has("uploadId");
  const request = (call: ObjectCall, ...rights: Right[]): ObjectRequest => ({ call, bucket, key, rights });
  switch (method) {
    case "GET":
    case "HEAD": {
      if (isUpload) {
        return request("Other", objectRight("ListMultipartUploadParts", bucket, key));
      }
      const read = objectRight(query.has("versionId") ? "GetObjectVersion" : "GetObject", bucket, key);
      return query.has("attributes")
        ? request("Read", read, objectRight("GetObjectAttributes", bucket, key))
        : request("Read", read);
    }
    case "PUT": {
      const source = headers["x-amz-copy-source"];
      if (typeof source === "string") {
        const [from, sourceKey] = splitPath(`/${source.replace(/^\//, "").replace(/\?.*$/, "")}`);
        return request(
          isUpload ? "UploadPart" : "CopyObject",
          objectRight("PutObject", bucket, key),
          objectRight("GetObject", from, sourceKey),
        );
      }
      return request(isUpload ? "UploadPart" : "PutObject", objectRight("PutObject", bucket, key));
    }
    case "POST":
      if (query.has("uploads") || isUpload) {
        return request(isUpload ? "CompleteMultipartUpload" : "Other", objectRight("PutObject", bucket, key));
      }
      break;
    case "DELETE":
      return isUpload
        ? request("Other", objectRight("AbortMultipartUpload", bucket, key))
        : request("DeleteObject", objectRight("DeleteObject", bucket, key));
    default:
      break;
  }
  throw new UnknownCall(`s3 ${method} on an object`);
}

export const objectRight = (action: string, bucket: string, key: string): Right => ({
  action: `s3:${action}`,
  resource: `arn:aws:s3:::${bucket}/${key}`,
});

function splitPath(path: string): [bucket: string, key: string] {
  const slash = path.indexOf("/", 1);
  const bucket = slash < 0 ? path.slice(1) : path.slice(1, slash);
  return [decodeURIComponent(bucket), slash < 0 ? "" : decodeURIComponent(path.slice(slash + 1))];
}
