/** What goes wrong, in words: every failure has a remedy and an exit code. */
import type { ProblemCode } from "#shared/contract/problem.ts";
import { ApiProblem, LostAnswer, OddAnswer } from "./client.ts";

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unauthorised: 3,
  notFound: 4,
  conflict: 5,
  /** 128 and SIGINT, as shells count. */
  interrupted: 130,
} as const;

export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: number;
  /** Kebab-case. */
  readonly code: string;
  readonly remedy: string;

  constructor(
    message: string,
    said: { readonly remedy: string; readonly code: string; readonly exitCode?: number },
  ) {
    super(message);
    this.remedy = said.remedy;
    this.code = said.code;
    this.exitCode = said.exitCode ?? EXIT.failed;
  }
}

/** The command was called wrongly. */
export const usageError = (message: string, remedy: string, code = "usage"): CliError =>
  new CliError(message, { remedy, code, exitCode: EXIT.usage });

/** Somebody pressed Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor() {
    super("interrupted");
  }
}

export interface Explained {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
  /** More of the same, a line each. */
  readonly details: readonly string[];
  readonly remedy: string;
  readonly requestId?: string;
}

const list = (group: string) => `\`punctual ${group} list\` shows what there is.`;

const REMEDIES: Partial<Record<ProblemCode, string>> = {
  "task-not-found": list("tasks"),
  "run-not-found": "`punctual pool run` prints the id of the run it starts; it is kept for 90 days.",
  "job-not-found": list("scheduler"),
  "recurrence-not-found": list("recurrences"),
  "project-not-found": list("projects"),
  "account-not-found": list("accounts"),
  "key-not-found": list("keys"),
  "user-not-found": list("users"),
  "webhook-not-found": list("webhooks"),
  "unknown-project": list("projects"),
  "unknown-account": list("accounts"),
  "missing-scope":
    "Use a key that may: `punctual whoami` shows what yours allows, and an admin makes others.",
  "key-restricted": "`punctual whoami` shows which projects and accounts the key reaches.",
  "operator-only": "Ask whoever runs the deployment: only keys of its first owner may do this.",
  "task-final": "`punctual tasks show` tells how it ended; `punctual tasks retry` makes another one.",
  "in-flight": "It is decided within minutes: `punctual tasks watch` follows it.",
  "in-doubt": "Look at the account on X, then say what you found: `punctual tasks resolve`.",
  "not-in-doubt": "`punctual tasks show` tells what it waits for.",
  "not-failed": "Nothing to do: `punctual tasks watch` follows it.",
  "parts-posted": "`punctual tasks show` tells which parts are out.",
  "policy-stale": "Look at it with `punctual policy show`, then repeat your change.",
  "precondition-failed": "Somebody changed it meanwhile: look at it, then repeat the command.",
  "too-many-active-tasks":
    "`punctual tasks list` shows what has not ended: cancel some; an operator may raise activeTasksPerOwner.",
  "account-needs-reconnect": "`punctual accounts connect` connects it anew; its queue and history stay.",
  "project-in-use":
    "`punctual pool list` shows what is still to be published, `punctual scheduler list` its jobs.",
  "duplicate-content": "Say it differently, or look at the other one with `punctual tasks list`.",
  "near-duplicate": "Say it more differently, or look at the other one with `punctual tasks list`.",
  "media-used": "Take another one, or allow it with --set reuseMedia=true.",
  "batch-too-large": "Send fewer at once: --chunk, at most batchSize of `punctual settings show`.",
  "idempotency-in-flight":
    "Look before you repeat it: `punctual tasks list`. Only with the same --idempotency-key does a repetition get the first one's answer.",
  "idempotency-key-reused": "Take another key: this one was sent with something else within a day.",
  "bad-time": 'Write now, +90m, "tomorrow 09:00", "2026-12-01 09:00", or an instant with its offset.',
  "slot-passed": "Give a later time, or post it now: leave --at out.",
  "too-far-ahead": "Give an earlier time.",
  "no-free-slot": "`punctual plan` shows what takes the slots; `punctual policy show` shows the rules.",
  "text-too-long": "Shorten it, or let it become a thread: --set split=true.",
  internal: "Report it with the request id; the service's logs have the cause.",
};

/** The authorizer says no with 401 or 403, before the API sees anything. */
const isRefusedKey = (status: number, code: string): boolean => status === 401 || code === "http-403";

/** For whatever has no remedy of its own. */
function remedyByStatus(status: number, code: string): string {
  if (isRefusedKey(status, code))
    return "`punctual login` saves a new key; check PUNCTUAL_KEY if it is set: it wins over the profile.";
  if (status === 403) return "Use a key that may do this: `punctual whoami` shows what yours allows.";
  if (status === 404) return "Check the spelling; the `list` command of the same group shows what there is.";
  if (status === 409 || status === 412) return "Look at what is stored now, then decide again.";
  if (status === 429)
    return "Wait, then repeat the command; a key may make a limited number of requests an hour.";
  if (status >= 500) return "Wait a little and repeat it; `punctual health` says what works.";
  if (status >= 300 && status < 400) return "Log in with the address that it leads to.";
  return "Correct what is named and repeat the command; `--help` shows what it takes.";
}

function exitCodeOf({ status, code }: ApiProblem): number {
  if (status === 401 || status === 403) return EXIT.unauthorised;
  if (status === 404 || code.startsWith("unknown-")) return EXIT.notFound;
  if (status === 409 || status === 412) return EXIT.conflict;
  return status === 400 ? EXIT.usage : EXIT.failed;
}

function explainProblem(problem: ApiProblem): Explained {
  const { status, code, detail, errors, requestId, retryAfterMs } = problem;
  const remedy = (REMEDIES as Readonly<Record<string, string>>)[code] ?? remedyByStatus(status, code);
  const isKeyRefused = isRefusedKey(status, code);
  const wait =
    retryAfterMs === undefined ? "" : ` It may be asked again in ${Math.ceil(retryAfterMs / 1_000)} s.`;
  return {
    exitCode: exitCodeOf(problem),
    code,
    message: isKeyRefused ? "The server does not accept the key." : `${detail}${wait}`,
    details: errors.flatMap((error) => {
      const line = `${error.pointer ?? error.parameter ?? ""}: ${error.detail}`.replace(/^: /, "");
      // The detail of most problems names its errors already.
      return detail.includes(error.detail) ? [] : [line];
    }),
    remedy,
    ...(requestId !== undefined && { requestId }),
  };
}

/** Whether a request that failed may have taken effect all the same. */
export function maybeDone(error: unknown): boolean {
  if (error instanceof LostAnswer) return error.maybeDone;
  if (error instanceof ApiProblem) return error.status >= 500 || error.code === "idempotency-in-flight";
  return error instanceof OddAnswer;
}

/** @returns nothing for what is a bug */
export function explain(error: unknown): Explained | undefined {
  if (error instanceof CliError) return { ...pick(error), message: error.message, details: [] };
  if (error instanceof ApiProblem) return explainProblem(error);
  if (error instanceof LostAnswer)
    return {
      exitCode: EXIT.failed,
      code: "no-answer",
      message: error.maybeDone
        ? `${error.message} Whether it took effect is not known.`
        : `${error.message} Nothing was changed.`,
      details: [],
      remedy: error.maybeDone
        ? "Look before you repeat it: `punctual tasks list` and the other lists show what is there."
        : `Check that ${error.url} is right and reachable; for the local cloud, \`punctual local start\` must be running.`,
      ...(error.requestId !== undefined && { requestId: error.requestId }),
    };
  if (error instanceof OddAnswer)
    return {
      exitCode: EXIT.failed,
      code: "odd-answer",
      message: error.message,
      details: [],
      remedy: "This version of punctual and the server differ: update the older one.",
      ...(error.requestId !== undefined && { requestId: error.requestId }),
    };
  return undefined;
}

const pick = ({ exitCode, code, remedy }: CliError) => ({ exitCode, code, remedy });
