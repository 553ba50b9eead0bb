import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import * as z from "zod";

/** A module that runs in a process of its own and answers what it is asked. */
export interface BenchProcess {
  /** @throws Error with what the process said, or that it ended */
  ask(question: string, argument?: unknown): Promise<unknown>;
  end(): Promise<void>;
}

const answerSchema = z.union([
  z.object({ id: z.number(), error: z.string() }),
  z.object({ id: z.number(), value: z.unknown().optional() }),
]);

/** @param nodeOptions - of that process alone */
export function startProcess(file: string, nodeOptions: readonly string[] = []): BenchProcess {
  const { NODE_OPTIONS: _ours, ...env } = process.env;
  const child: ChildProcess = fork(file, {
    env,
    execArgv: [...nodeOptions],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let serial = 0;

  child.on("message", (message) => {
    const answer = answerSchema.parse(message);
    const asker = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ("error" in answer) asker?.reject(new Error(answer.error));
    else asker?.resolve(answer.value);
  });
  const exited = once(child, "exit").then(([code, signal]) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended (${signal ?? code})`));
  });

  return {
    ask(question, argument) {
      const id = ++serial;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        child.send({ id, question, argument }, (error) => {
          if (error) reject(error);
        });
      });
    },
    async end() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

const questionSchema = z.object({ id: z.number(), question: z.string(), argument: z.unknown().optional() });

/** The other end: answers until the parent is gone, then cleans up and ends the process. */
export function answerParent(
  answers: Readonly<Record<string, (argument: unknown) => Promise<unknown>>>,
  cleanUp: () => Promise<void> = async () => {},
): void {
  process.on("message", (message) => {
    const { id, question, argument } = questionSchema.parse(message);
    Promise.resolve(
      answers[question]?.(argument) ?? Promise.reject(new Error(`no answer to ${question}`)),
    ).then(
      (value) => process.send?.({ id, value }),
      (error: unknown) =>
        process.send?.({
          id,
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        }),
    );
  });
  process.on("disconnect", () => {
    cleanUp().finally(() => process.exit());
  });
}
