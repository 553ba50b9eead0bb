/** Faults whose message says what the person can do: they are shown without a stack. Everything else is a bug. */
const FOR_PEOPLE = new Set([
  "LaunchFault",
  "PortTakenFault",
  "StoreFault",
  "SynthesisFault",
  "TemplateFault",
  "WiringFault",
]);

export const isFaultForPeople = (error: unknown): error is Error =>
  error instanceof Error && FOR_PEOPLE.has(error.name);
