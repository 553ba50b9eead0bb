/** Who asks: a function (by logical id, acting with its role), a role, an AWS service, or the person who deploys. */
export type Principal =
  | { readonly function: string }
  | { readonly role: string }
  | { readonly service: string; readonly sourceArn?: string }
  | "operator";

export interface AccessRequest {
  readonly principal: Principal;
  /** An IAM action such as `sqs:SendMessage`; not the name of an API call. */
  readonly action: string;
  /** ARN of the resource, or `*` for actions without one. */
  readonly resource: string;
  /** Condition keys beside those that Access adds itself (`aws:SecureTransport`, `aws:SourceArn`, `aws:SourceAccount`). */
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
}

export type AccessDecision =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      /** AWS's sentence, then which statement in which resource of the template would allow it. */
      readonly message: string;
    };
