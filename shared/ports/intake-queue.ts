/** The queue in front of `accept-drop`. Files reach it by the bucket's events; these are the messages of our own. */
export interface IntakeQueue {
  /** Look at everything dropped under `base` again, after `delayMs` (0 to 900,000). */
  settle(project: string, base: string, delayMs: number): Promise<void>;
  /** Look for files of the project's folder whose event was lost. */
  scan(project: string): Promise<void>;
}
