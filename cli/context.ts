/** What all commands share: how they reach the API, how they print, how they ask. */
import { styleText } from "node:util";
import type { Command } from "commander";
import { type Client, createClient } from "./client.ts";
import { EXIT, Interrupted, usageError } from "./failures.ts";
import { readSession, type Session } from "./profiles.ts";
import { type Bar, openBar } from "./progress.ts";
import type { Surroundings } from "./surroundings.ts";
import { type Column, renderTable } from "./table.ts";
import { checkZone, type ReadTime, readTime, showTime } from "./times.ts";

export interface GlobalOptions {
  readonly json?: true;
  readonly quiet?: true;
  readonly yes?: true;
  readonly profile?: string;
  readonly timeZone?: string;
  readonly timeout?: number;
}

/** What a command says: a document for scripts, ids for `--quiet`, lines for people. */
export interface Answer {
  readonly json: unknown;
  readonly ids?: readonly string[];
  readonly text: readonly string[];
  /** @default 0 */
  readonly code?: number;
}

type Style = Parameters<typeof styleText>[0];

/** One run of one command, without the API. */
export interface Desk {
  readonly surroundings: Surroundings;
  readonly options: GlobalOptions;
  readonly paint: (style: Style, text: string) => string;
  readonly table: (columns: readonly Column[], rows: readonly (readonly string[])[]) => readonly string[];
  /** Something to know besides the answer. On the error output, so that no script reads it. */
  readonly note: (text: string) => void;
  /** @throws CliError when nobody can be asked; resolves when it is wanted */
  readonly confirm: (question: string) => Promise<void>;
  readonly bar: (title: string, total: number) => Bar;
  /** Says what happened as soon as it did: a line of JSON, or one for people. */
  readonly tell: (event: unknown, text: string) => void;
  /** @throws Interrupted */
  readonly sleep: (ms: number) => Promise<void>;
}

/** The same with the API, in the name of the profile. */
export interface Counter extends Desk {
  readonly client: Client;
  readonly session: Session;
  /** Of the person: what local times mean, and how times are shown. */
  readonly zone: string;
  readonly time: (instant: string | undefined) => string;
  /** For fields: `2026-02-06 12:00:00 Asia/Shanghai`. */
  readonly timeAndZone: (instant: string) => string;
  readonly readTime: (text: string) => string;
}

export interface CommandContext {
  readonly surroundings: Surroundings;
  /** Runs an action with the API, and prints its answer. */
  act<Options = object, Args extends readonly unknown[] = []>(
    action: (counter: Counter, options: Options, ...args: Args) => Promise<Answer>,
  ): (...params: unknown[]) => Promise<void>;
  /** The same without the API: nobody has to be logged in. */
  actLocally<Options = object, Args extends readonly unknown[] = []>(
    action: (desk: Desk, options: Options, ...args: Args) => Promise<Answer>,
  ): (...params: unknown[]) => Promise<void>;
}

/** The command did nothing, since somebody said no. */
export class Declined extends Error {
  override readonly name = "Declined";
}

function createDesk(surroundings: Surroundings, options: GlobalOptions): Desk {
  const { terminal, out, err } = surroundings;
  const { json = false, quiet = false, yes = false } = options;
  const paint: Desk["paint"] = (style, text) =>
    terminal.hasColour ? styleText(style, text, { validateStream: false }) : text;
  return {
    surroundings,
    options,
    paint,
    table: (columns, rows) => renderTable(columns, rows, terminal),
    note(text) {
      if (!quiet) err(text);
    },
    async confirm(question) {
      if (yes) return;
      if (!terminal.isInput)
        throw usageError(
          `This asks “${question}”, and nobody can be asked: the input is no terminal.`,
          "Add --yes, if that is what you want.",
          "not-confirmed",
        );
      if (!(await surroundings.prompts.confirm(question))) throw new Declined("declined");
    },
    bar: (title, total) =>
      openBar({
        isSeen: terminal.isError && !json && !quiet,
        stream: surroundings.progressStream,
        title,
        total,
      }),
    tell(event, text) {
      if (json) out(JSON.stringify(event));
      else if (!quiet) out(text);
    },
    async sleep(ms) {
      await surroundings.sleep(ms, surroundings.interruption);
      if (surroundings.interruption.aborted) throw new Interrupted();
    },
  };
}

export function createCounter(desk: Desk, session: Session): Counter {
  const { surroundings, options } = desk;
  const zone = options.timeZone === undefined ? session.timeZone : checkZone(options.timeZone);
  const client = createClient({
    url: session.url,
    key: session.key,
    fetch: surroundings.fetch,
    now: () => surroundings.now().getTime(),
    sleep: surroundings.sleep,
    random: surroundings.random,
    newKey: surroundings.newKey,
    signal: surroundings.interruption,
    ...(options.timeout !== undefined && { timeoutMs: options.timeout * 1_000 }),
  });
  return {
    ...desk,
    client,
    session,
    zone,
    time: (instant) => (instant === undefined ? "" : showTime(instant, zone)),
    timeAndZone: (instant) => `${showTime(instant, zone)} ${zone}`,
    readTime(text) {
      const { value, note }: ReadTime = readTime(text, zone, surroundings.now());
      if (note !== undefined) desk.note(`Note: ${note}`);
      return value;
    },
  };
}

/** @param onCode - told the exit code of an answer that has one */
export function createContext(surroundings: Surroundings, onCode: (code: number) => void): CommandContext {
  function print({ json, ids = [], text, code = EXIT.ok }: Answer, options: GlobalOptions): void {
    const { out, terminal } = surroundings;
    if (options.json) {
      if (json !== undefined) out(JSON.stringify(json, undefined, terminal.isOutput ? 2 : undefined));
    } else for (const line of options.quiet ? ids : text) out(line);
    onCode(code);
  }
  const take = (params: readonly unknown[]) => {
    const command = params.at(-1) as Command;
    return { options: command.optsWithGlobals<GlobalOptions>(), args: params.slice(0, -2) };
  };
  return {
    surroundings,
    act:
      <Options, Args extends readonly unknown[]>(
        action: (counter: Counter, options: Options, ...args: Args) => Promise<Answer>,
      ) =>
      async (...params: unknown[]) => {
        const { options, args } = take(params);
        const session = await readSession(surroundings, options.profile);
        const counter = createCounter(createDesk(surroundings, options), session);
        print(await action(counter, options as Options, ...(args as unknown as Args)), options);
      },
    actLocally:
      <Options, Args extends readonly unknown[]>(
        action: (desk: Desk, options: Options, ...args: Args) => Promise<Answer>,
      ) =>
      async (...params: unknown[]) => {
        const { options, args } = take(params);
        const desk = createDesk(surroundings, options);
        print(await action(desk, options as Options, ...(args as unknown as Args)), options);
      },
  };
}
