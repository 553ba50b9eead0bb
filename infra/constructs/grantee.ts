/** One thing that a function may do, on named resources. Actions are spelt out: a wildcard grants what nobody decided. */
export interface Allowance {
  /** What the statement is for; one word, unique within the role. */
  readonly sid: string;

  /** IAM actions, such as `sqs:SendMessage`. */
  readonly actions: readonly string[];

  readonly resources: readonly string[];

  /**
   * Condition operator → key → value.
   *
   * @default - always allowed
   */
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, string>>>>;

  /**
   * Why a resource may have a wildcard.
   *
   * @default - none of the resources has one
   */
  readonly wildcard?: {
    /** As cdk-nag names it, such as `Resource::<DropBucket.Arn>/drop/*`. */
    readonly finding: string;
    readonly reason: string;
  };
}

/** Whoever can be given a right: every construct that owns a resource grants its own rights through this. */
export interface Grantee {
  allow(allowance: Allowance): void;
}
