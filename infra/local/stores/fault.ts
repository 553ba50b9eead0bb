/** A store of the local cloud cannot be used; the message says what to do about it. */
export class StoreFault extends Error {
  override readonly name = "StoreFault";
  readonly code: string;
  readonly retry = "never";

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
