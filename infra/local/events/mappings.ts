import { readMappings } from "./mapping-settings.ts";
import { type RunningMapping, startQueueMapping } from "./queue-mapping.ts";
import { type StreamMappingDeps, startStreamMapping } from "./stream-mapping.ts";

export interface EventSources {
  /** Logical ids of the mappings that run. */
  readonly running: readonly string[];
  /**
   * Stops polling at once and resolves when no batch is worked on. It does not cut batches short: to stop quickly, call
   * it, then close the Lambda runtime, then await it.
   */
  close(): Promise<void>;
}

/**
 * Starts every `AWS::Lambda::EventSourceMapping` of the template.
 *
 * @throws WiringFault naming mapping, function and action when a role lacks a right; everything started is stopped again.
 */
export async function startEventSources(deps: StreamMappingDeps): Promise<EventSources> {
  const started = await Promise.allSettled(
    readMappings(deps.assembly, deps.runtime).map((settings) =>
      settings.kind === "queue" ? startQueueMapping(settings, deps) : startStreamMapping(settings, deps),
    ),
  );
  const running: RunningMapping[] = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const close = async (): Promise<void> => {
    await Promise.all(running.map((mapping) => mapping.close()));
  };
  const failed = started.find((one) => one.status === "rejected");
  if (failed) {
    await close();
    throw failed.reason;
  }
  return { running: running.map(({ logicalId }) => logicalId), close };
}
