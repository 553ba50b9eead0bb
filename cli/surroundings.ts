/** Everything that the command line sees of the machine: tests bring their own. */
export interface Surroundings {
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Paths are relative to it. */
  readonly directory: string;
  readonly home: string;
  /** The clone that this command line is of. */
  readonly root: string;
  /** IANA name. */
  readonly systemZone: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly terminal: {
    /** Somebody can be asked. */
    readonly isInput: boolean;
    readonly isOutput: boolean;
    readonly isError: boolean;
    /** Of the output, in columns; absent: lines may be as long as they are. */
    readonly columns?: number;
    readonly hasColour: boolean;
  };
  readonly readInput: () => Promise<Uint8Array>;
  readonly prompts: Prompts;
  /** Somewhere to draw progress; what is written to it is not for scripts. */
  readonly progressStream: NodeJS.WritableStream;
  readonly now: () => Date;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly random: () => number;
  readonly newKey: () => string;
  readonly fetch: typeof fetch;
  /** Aborted by Ctrl-C. */
  readonly interruption: AbortSignal;
  /** Runs a command in the clone on this terminal. @returns its exit code */
  readonly run: (command: string, args: readonly string[]) => Promise<number>;
}

export interface Prompts {
  readonly text: (message: string, initial?: string) => Promise<string>;
  readonly secret: (message: string) => Promise<string>;
  readonly confirm: (message: string) => Promise<boolean>;
}
