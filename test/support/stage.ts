/** One running Punctual for a file of end-to-end tests that break things: set up once, calmed down after each. */
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { FaultRule, Sandbox } from "#infra/local/sandbox/sandbox.ts";
import type { TaskId } from "#shared/domain/ids.ts";
import { type Books, createBooks, sandboxOf } from "./books.ts";
import { createLapse, type Lapse } from "./lapse.ts";
import { createOperator, type Operator } from "./operator.ts";
import { startPunctual, type TestPunctual } from "./punctual.ts";
import { createSteering, type Steering } from "./steering.ts";

/** Assigned before the first test of a file that calls `useStage`. */
export let punctual: TestPunctual;
export let sandbox: Sandbox;
export let steering: Steering;
export let books: Books;
export let lapse: Lapse;
let operator: Operator;

/** Call it at the top of a file. */
export function useStage(): void {
  beforeAll(async () => {
    punctual = await startPunctual();
    sandbox = sandboxOf(punctual);
    steering = createSteering(punctual);
    operator = createOperator(punctual);
    books = createBooks(punctual, steering, operator);
    lapse = createLapse(steering);
  });
  beforeEach(() => books.open());
  afterEach(async () => {
    sandbox.clearFaults();
    sandbox.setLatency(0);
    punctual.cloud.unkindness.clear();
    await steering.restoreAccount();
  });
  afterAll(async () => {
    operator?.close();
    steering?.close();
    await punctual?.close();
  });
}

/** The request that makes a post. */
export const CREATE = { method: "POST", path: "/2/tweets" } as const;

/** Whatever comes by this method and path meets the fault. */
export const meet = (match: FaultRule["match"], action: FaultRule["action"]) =>
  sandbox.addFault({ match, action });

/** A problem as X answers it. */
export const problem = (status: number, title: string, over: object = {}) => ({
  status,
  body: { title, detail: title, type: "about:blank", status, ...over },
});

export const postsOf = (text: string) => sandbox.posts().filter((post) => post.text === text);

/** @returns the requests to create a post since then */
export function watchPosting() {
  const seen = () => steering.calls("POST", /^\/2\/tweets$/);
  const before = seen().length;
  return () => seen().slice(before);
}

export const publishNow = (id: TaskId) =>
  punctual.api(`/scheduling/tasks/${id}/publish-now`, { method: "POST" });
