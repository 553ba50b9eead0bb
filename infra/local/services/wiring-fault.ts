/**
 * Something in the template is not allowed to do its work: a role action, a queue policy, a `Lambda::Permission`, a
 * trust policy. AWS would drop the event in silence or count a metric nobody looks at; here it is a message that names
 * the resource to change.
 */
export class WiringFault extends Error {
  override readonly name = "WiringFault";
  readonly code = "wiring";
  readonly retry = "never";
  /** Logical id of the resource that could not do its work. */
  readonly resource: string;
  /** The IAM action that was refused, for example `sqs:SendMessage`. */
  readonly action: string;

  constructor(resource: string, action: string, problem: string, options?: ErrorOptions) {
    super(`${resource}: ${action} refused: ${problem}`, options);
    this.resource = resource;
    this.action = action;
  }
}

/** Where faults go that have no caller to be thrown at: a timer, a poller or a delivery met them. */
export type ReportFault = (fault: Error) => void;
