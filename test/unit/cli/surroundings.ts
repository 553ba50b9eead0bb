import { randomUUID } from "node:crypto";
import { PassThrough } from "node:stream";
import { runCli } from "#cli/program.ts";
import type { Surroundings } from "#cli/surroundings.ts";

const NOW = new Date("2026-12-01T01:00:00Z");

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Typed {
  readonly input?: string | Uint8Array;
  readonly variables?: Readonly<Record<string, string>>;
  /** Somebody sits there and answers in this order. */
  readonly answers?: readonly (string | boolean)[];
  readonly columns?: number;
  readonly over?: Partial<Surroundings>;
}

/** A place where commands are typed. Nothing of this machine shows through. */
export function aTerminal(home: string, shared: Partial<Surroundings> = {}) {
  const asked: string[] = [];
  const surroundings = (
    args: readonly string[],
    typed: Typed = {},
    said: { readonly out: string[]; readonly err: string[] } = { out: [], err: [] },
  ): Surroundings => {
    const answers = [...(typed.answers ?? [])];
    const answer = async (message: string) => {
      asked.push(message);
      if (answers.length === 0) throw new Error(`nobody answers “${message}”`);
      return answers.shift();
    };
    return {
      args,
      variables: typed.variables ?? {},
      directory: home,
      home,
      root: home,
      systemZone: "Asia/Shanghai",
      out: (text) => said.out.push(text),
      err: (text) => said.err.push(text),
      terminal: {
        isInput: typed.answers !== undefined,
        isOutput: false,
        isError: false,
        hasColour: false,
        ...(typed.columns !== undefined && { columns: typed.columns }),
      },
      readInput: async () => Buffer.from(typed.input ?? ""),
      prompts: {
        text: async (message) => String(await answer(message)),
        secret: async (message) => String(await answer(message)),
        confirm: async (message) => (await answer(message)) === true,
      },
      progressStream: new PassThrough(),
      now: () => NOW,
      sleep: async () => undefined,
      random: () => 0.5,
      newKey: randomUUID,
      fetch: async () => {
        throw new TypeError("fetch failed", {
          cause: Object.assign(new Error("refused"), { code: "ECONNREFUSED" }),
        });
      },
      interruption: new AbortController().signal,
      run: async () => 0,
      ...shared,
      ...typed.over,
    };
  };
  const run = async (args: readonly string[], typed: Typed = {}): Promise<Ran> => {
    const said = { out: [] as string[], err: [] as string[] };
    const code = await runCli(surroundings(args, typed, said));
    return { code, out: said.out.join("\n"), err: said.err.join("\n") };
  };
  return { run, asked, surroundings };
}
