/** What all commands share: how they reach the service and how they print. */
import type { Command } from "commander";
import { type AdminSurroundings, type Connection, connect, type Service } from "./service.ts";

export type GlobalOptions = Connection & { readonly json: boolean };

/** What a command says: a value for scripts, and lines for people. */
export interface Answer {
  readonly json: unknown;
  readonly text: readonly string[];
  /** The exit code. @default 0 */
  readonly code?: number;
}

export interface CommandContext {
  readonly surroundings: AdminSurroundings;
  /** Runs an action on an open service, prints its answer and closes the service. */
  act<Options, Args extends readonly string[]>(
    action: (service: Service, options: Options & GlobalOptions, args: Args) => Promise<Answer>,
  ): (...params: unknown[]) => Promise<void>;
}

/** @param onCode - told the exit code of an answer that has one */
export const createContext = (
  surroundings: AdminSurroundings,
  onCode: (code: number) => void,
): CommandContext => ({
  surroundings,
  act:
    <Options, Args extends readonly string[]>(
      action: (service: Service, options: Options & GlobalOptions, args: Args) => Promise<Answer>,
    ) =>
    async (...params: unknown[]) => {
      const command = params.at(-1) as Command;
      const options = command.optsWithGlobals<Options & GlobalOptions>();
      const service = connect(surroundings, options);
      try {
        const { json, text, code } = await action(service, options, params.slice(0, -2) as unknown as Args);
        if (options.json) surroundings.out(JSON.stringify(json));
        else for (const line of text) surroundings.out(line);
        if (code !== undefined) onCode(code);
      } finally {
        service.close();
      }
    },
});
