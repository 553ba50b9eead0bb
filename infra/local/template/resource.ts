/** One resource of the synthesized template, as CloudFormation would know it after a deploy. */
export interface Resource {
  readonly logicalId: string;
  /** Name of the stack that declares it. */
  readonly stack: string;
  /** CloudFormation type, for example `AWS::SQS::Queue`. */
  readonly type: string;
  /** Properties with every intrinsic resolved and every `AWS::NoValue` left out. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** What `Ref` answers: a table name, a queue URL of the gateway, a function name … */
  readonly physicalId: string;
  /** Empty for the few types that have no ARN of their own, such as a policy attached to a queue. */
  readonly arn: string;
}
