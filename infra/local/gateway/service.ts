/** A request to an AWS service that runs inside this process. Rights are already checked by the gateway. */
export interface ServiceRequest {
  readonly method: string;
  /** Path without the query, still percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Logical id of the calling function, or `OPERATOR`. */
  readonly caller: string;
}

export interface ServiceResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** The Scheduler and KMS stand-ins: the service's own wire protocol in, its own wire protocol out. */
export type Service = (request: ServiceRequest) => Promise<ServiceResponse>;

/** An object that was written to or removed from a bucket through the gateway. */
export interface ObjectChange {
  readonly kind: "created" | "deleted";
  readonly bucket: string;
  /** Decoded key. */
  readonly key: string;
  /** API that wrote it: `PutObject`, `POST Object`, `CopyObject`, `CompleteMultipartUpload`, `DeleteObject`. */
  readonly reason: string;
  readonly sizeBytes: number;
  /** Without quotes; empty for a deletion. */
  readonly etag: string;
}
