/** One IAM action on one resource that a request needs; a request often needs several. */
export interface Right {
  readonly action: string;
  readonly resource: string;
  /** Condition keys of this action. */
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
}

/** Where the resources of a request live. */
export interface Place {
  readonly region: string;
  readonly accountId: string;
}

/** The request names something that IAM rights cannot be worked out for. */
export class UnknownCall extends Error {
  override readonly name = "UnknownCall";
}

export const text = (value: unknown): string => (typeof value === "string" ? value : "");

export const records = (value: unknown): readonly Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isObject) : [];

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
