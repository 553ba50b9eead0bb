export interface LoggedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** What was answered; 0 while it is being answered and for a connection that was dropped. */
  readonly status: number;
  /** When the head of the request had arrived, in ms since 1970. */
  readonly arrivedAtMs: number;
  readonly host: string;
  /** `undefined` when the credentials were missing or wrong. */
  readonly userId?: string;
}

export type OpenEntry = { -readonly [Key in keyof LoggedRequest]: LoggedRequest[Key] };

export interface RequestLog {
  /** The caller completes the entry while the request goes on. */
  open(entry: LoggedRequest): OpenEntry;
  entries(): readonly LoggedRequest[];
}

/** The last requests to the X API, oldest first. */
export function createRequestLog(capacity = 10_000): RequestLog {
  const entries: OpenEntry[] = [];
  return {
    open(entry) {
      const open = { ...entry };
      entries.push(open);
      if (entries.length > capacity) entries.shift();
      return open;
    },
    entries: () => entries.map((entry) => ({ ...entry })),
  };
}
