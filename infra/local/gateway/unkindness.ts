/** Which requests a rule meets; a field left out meets all. */
interface Scope {
  /** Credential scope, such as `dynamodb`. */
  readonly service?: string;
  /** API call, such as `TransactWriteItems`, `SendMessage`, `GetObject` or `CreateSchedule`; or any of several. */
  readonly operation?: string | readonly string[];
  /** Logical id of the calling function. The operator is never met. */
  readonly caller?: string;
}

interface Chance {
  /** 0 to 1. @default 1 */
  readonly probability?: number;
  /** Only the nth request that the scope meets, counted from 1. */
  readonly nth?: number;
  /** How often the rule strikes at most. @default unlimited */
  readonly times?: number;
}

/** What AWS does on a bad day and the local stores never do by themselves. */
export type UnkindRule = Scope &
  Chance &
  (
    | { readonly kind: "throttle" }
    /** `TransactWriteItems` is cancelled for a conflict with another transaction. */
    | { readonly kind: "conflict" }
    /** The request is carried out and the connection dropped before the answer. */
    | { readonly kind: "lost-answer" }
    /** Items written within the last `staleForMs` are missing from answers of index queries. */
    | { readonly kind: "stale-index"; readonly staleForMs: number }
    /** All workers of the calling function die, before or after the request was carried out. */
    | { readonly kind: "crash"; readonly when: "before" | "after" }
    /** A delivery is made twice: see {@link Unkindness.doubles}. */
    | { readonly kind: "twice" }
  );

interface UnkindRequest {
  readonly service: string;
  readonly operation: string;
  readonly caller: string;
}

export interface Unkindness {
  /** Sets a rule; the answer takes it back. */
  add(rule: UnkindRule): () => void;
  clear(): void;
  /** The first rule that strikes this request; counts it. Never one that doubles. */
  strike(request: UnkindRequest): UnkindRule | undefined;
  /**
   * Whether this delivery is made twice, as whatever promises “at least once” may do: a message that a function sends
   * (`sqs`, `SendMessage`), an event for a function (`lambda`, `InvokeAsync`, the function as caller) or of an object
   * (`s3`, `ObjectEvent`, the bucket as caller).
   */
  doubles(delivery: UnkindRequest): boolean;
  /** Longest staleness asked for, in milliseconds; 0 when no rule asks for any. */
  staleForMs(): number;
}

interface Armed {
  readonly rule: UnkindRule;
  met: number;
  struck: number;
}

/** @param random 0 to 1, for probabilities */
export function createUnkindness(random: () => number): Unkindness {
  let rules: readonly Armed[] = [];

  function find(request: UnkindRequest, isKind: (rule: UnkindRule) => boolean): UnkindRule | undefined {
    for (const armed of rules) {
      const { rule } = armed;
      const isMet =
        isKind(rule) &&
        (rule.service ?? request.service) === request.service &&
        (rule.operation === undefined || [rule.operation].flat().includes(request.operation)) &&
        (rule.caller ?? request.caller) === request.caller &&
        (rule.kind !== "conflict" || request.operation === "TransactWriteItems") &&
        (rule.kind !== "stale-index" || request.operation === "Query");
      if (!isMet) {
        continue;
      }
      armed.met += 1;
      const isDue =
        (rule.nth ?? armed.met) === armed.met && armed.struck < (rule.times ?? Number.POSITIVE_INFINITY);
      if (isDue && random() < (rule.probability ?? 1)) {
        armed.struck += 1;
        return rule;
      }
    }
    return undefined;
  }

  return {
    add: (rule) => {
      const armed: Armed = { rule, met: 0, struck: 0 };
      rules = [...rules, armed];
      return () => {
        rules = rules.filter((other) => other !== armed);
      };
    },
    clear: () => {
      rules = [];
    },
    strike: (request) => find(request, ({ kind }) => kind !== "twice"),
    doubles: (delivery) => find(delivery, ({ kind }) => kind === "twice") !== undefined,
    staleForMs: () =>
      Math.max(0, ...rules.map(({ rule }) => (rule.kind === "stale-index" ? rule.staleForMs : 0))),
  };
}
