/**
 * The template cannot be run as it stands: an unknown intrinsic, attribute or resource type, or a parameter value that
 * its own constraints refuse. The message names the stack and the logical id, so that the reader knows where to look.
 */
export class TemplateFault extends Error {
  override readonly name = "TemplateFault";
  readonly code = "template-fault";
  readonly retry = "never";
  readonly stackName: string;
  readonly logicalId: string;

  constructor(stack: string, logicalId: string, problem: string) {
    super(`${stack}/${logicalId}: ${problem}`);
    this.stackName = stack;
    this.logicalId = logicalId;
  }
}
