import type { Command } from "commander";
import type * as z from "zod";
import type { connectByTokensBody } from "#shared/contract/connection-view.ts";
import { ROUTES } from "#shared/contract/routes.ts";
import { ApiProblem, type CallAnswer } from "../client.ts";
import { addCommand, addGroup } from "../command.ts";
import type { Answer, CommandContext, Counter } from "../context.ts";
import { CliError, EXIT, Interrupted, usageError } from "../failures.ts";
import { decodeText } from "../files.ts";
import { oneLine } from "../text-width.ts";

type Account = CallAnswer<"readAccount">;
type TokensBody = z.input<typeof connectByTokensBody>;

const PAUSE_MS = 2_000;
const COLOURS = { active: "green", paused: "yellow", "needs-reconnect": "red" } as const;

const describeAccount = (account: Account, { paint, timeAndZone }: Counter): readonly string[] => {
  const { name, status, reason, pausedUntil, username, userId, followers, maxTextLength } = account;
  return [
    `Account    ${oneLine(name)}`,
    `Status     ${paint(COLOURS[status], status)}${pausedUntil === undefined ? "" : ` until ${timeAndZone(pausedUntil)}`}`,
    ...(username === undefined
      ? []
      : [`On X       @${oneLine(username)}${userId === undefined ? "" : ` (${userId})`}`]),
    ...(followers === undefined ? [] : [`Followers  ${followers}`]),
    `Text       up to ${maxTextLength} characters`,
    ...(reason ? [`Reason     ${oneLine(reason.message)}`, `Remedy     ${oneLine(reason.remedy)}`] : []),
  ];
};

const answerAccount = (account: Account, counter: Counter): Answer => ({
  json: account,
  ids: [account.name],
  text: describeAccount(account, counter),
});

interface ConnectOptions {
  readonly project?: string;
  readonly clientId?: string;
  readonly tokens?: true;
  readonly tokensStdin?: true;
  readonly wait?: true;
}

/** Keys and tokens of the account: asked one by one and not shown, or JSON from the input. */
async function readTokens(
  { tokensStdin }: ConnectOptions,
  { surroundings }: Counter,
): Promise<Pick<TokensBody, "oauth1" | "oauth2">> {
  if (tokensStdin) {
    try {
      const given = JSON.parse(decodeText(await surroundings.readInput(), "The input")) as TokensBody;
      return { ...(given.oauth1 && { oauth1: given.oauth1 }), ...(given.oauth2 && { oauth2: given.oauth2 }) };
    } catch (error) {
      if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
      throw usageError(
        "The input is no JSON object.",
        'Send {"oauth1":{"apiKey":…,"apiSecret":…,"accessToken":…,"accessSecret":…}} or {"oauth2":{"clientId":…,"refreshToken":…}}.',
      );
    }
  }
  if (!surroundings.terminal.isInput)
    throw usageError("Nobody can be asked for the tokens.", "Send them as JSON with --tokens-stdin.");
  const { secret } = surroundings.prompts;
  return {
    oauth1: {
      apiKey: (await secret("API key of the app")).trim(),
      apiSecret: (await secret("API secret of the app")).trim(),
      accessToken: (await secret("Access token of the account")).trim(),
      accessSecret: (await secret("Access token secret")).trim(),
    },
  };
}

async function readVersion(name: string, { client }: Counter): Promise<number> {
  try {
    const account = await client.call("readAccount", { params: { name } });
    return account.status === "active" ? account.version : 0;
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) return 0;
    throw error;
  }
}

/** Until X has sent the browser back, or the address has run out. */
async function waitForConnection(
  name: string,
  before: number,
  expiresAt: string,
  counter: Counter,
): Promise<Answer> {
  const bar = counter.bar("Waiting for the browser", 1);
  try {
    while (counter.surroundings.now().getTime() < Date.parse(expiresAt)) {
      await counter.sleep(PAUSE_MS);
      if ((await readVersion(name, counter)) > before) {
        const account = await counter.client.call("readAccount", { params: { name } });
        return answerAccount(account, counter);
      }
    }
  } catch (error) {
    if (!(error instanceof Interrupted) && !counter.surroundings.interruption.aborted) throw error;
    bar.stop();
    counter.note(`The address works until ${counter.timeAndZone(expiresAt)}: punctual accounts show ${name}`);
    return { json: undefined, text: [], code: EXIT.interrupted };
  } finally {
    bar.stop();
  }
  throw new CliError("Nobody allowed it in time.", {
    code: "consent-late",
    remedy: "Run the command again, and open the address at once.",
  });
}

function addConnect(accounts: Command, { act }: CommandContext): void {
  addCommand(accounts, {
    usage: "connect <name>",
    says: "Connects an account of X, or connects it anew: its queue and history stay.",
    more: `Without --tokens it prints an address; open it in a browser that is signed in to X, and allow the app.
The app must have this callback address at X: the API's, with the path ${ROUTES.finishConnection.path}.
Tokens are sent once, stored encrypted, and never shown again.`,
    examples: [
      ["punctual accounts connect main --client-id abc --wait", "OAuth 2.0, by the browser"],
      ["punctual accounts connect main --tokens", "OAuth 1.0a, asked and not shown"],
      ["punctual accounts connect main --tokens-stdin < tokens.json"],
    ],
  })
    .option("--project <name>", "a project that is to post with it too")
    .option("--client-id <id>", "of the app at X (default: the one that it was connected with)")
    .option("--tokens", "ask for the keys and tokens of OAuth 1.0a")
    .option("--tokens-stdin", "read keys and tokens as JSON from the input")
    .option("--wait", "wait until the browser has allowed it")
    .action(
      act<ConnectOptions, [string]>(async (counter, options, name) => {
        const { project, clientId, tokens, tokensStdin, wait } = options;
        const target = { account: name, ...(project !== undefined && { project }) };
        if (tokens || tokensStdin) {
          const body = { ...target, ...(await readTokens(options, counter)) };
          const { account, isNew } = await counter.client.call("connectByTokens", { body });
          return {
            json: { account, isNew },
            ids: [account.name],
            text: [isNew ? "Connected." : "Connected anew.", ...describeAccount(account, counter)],
          };
        }
        const before = await readVersion(name, counter);
        const started = await counter.client.call("startConnection", {
          body: {
            ...target,
            ...(clientId !== undefined && { clientId }),
            callbackUrl: `${counter.client.url}${ROUTES.finishConnection.path}`,
          },
        });
        const { authorizeUrl, expiresAt } = started;
        if (wait) {
          counter.tell(started, `Open this address in a browser that is signed in to X:\n${authorizeUrl}`);
          return waitForConnection(name, before, expiresAt, counter);
        }
        return {
          json: started,
          ids: [authorizeUrl],
          text: [
            "Open this address in a browser that is signed in to X:",
            authorizeUrl,
            `It works once, until ${counter.timeAndZone(expiresAt)}. Then: punctual accounts show ${name}`,
          ],
        };
      }),
    );
}

function addQuota(accounts: Command, { act }: CommandContext): void {
  addCommand(accounts, {
    usage: "quota <name>",
    says: "Shows how much an account may post, and what was spent.",
    examples: [["punctual accounts quota main"], ["punctual accounts quota main --json"]],
  }).action(
    act<object, [string]>(async (counter, _options, name) => {
      const quota = await counter.client.call("readQuota", { params: { name } });
      const { timeAndZone, table } = counter;
      const { quarterHour, day, reserved, lastPostAt, nextPostAt, closed, projects } = quota;
      const resets = (at: string | undefined) => (at === undefined ? "" : `, anew at ${timeAndZone(at)}`);
      return {
        json: quota,
        ids: [`${quarterHour.remaining}`],
        text: [
          `Account    ${oneLine(quota.account)}`,
          `15 min     ${quarterHour.used} of ${quarterHour.limit}${resets(quarterHour.resetAt)}`,
          `24 hours   ${day.used}${resets(day.resetAt)}`,
          `Under way  ${reserved}`,
          ...(lastPostAt === undefined ? [] : [`Last post  ${timeAndZone(lastPostAt)}`]),
          `Next post  ${nextPostAt === undefined ? "now" : timeAndZone(nextPostAt)}`,
          ...(closed
            ? [
                `Closed     until ${timeAndZone(closed.until)}${closed.reason ? `: ${oneLine(closed.reason.message)}` : ""}`,
              ]
            : []),
          "",
          ...table(
            [
              { title: "Project" },
              { title: "Least interval", align: "right" },
              { title: "A day", align: "right" },
              { title: "Spent", align: "right" },
              { title: "Budget", align: "right" },
            ],
            projects.map(({ project, minIntervalSeconds, dailyMax, spentUsd, monthlyBudgetUsd }) => [
              project,
              `${minIntervalSeconds / 60} min`,
              dailyMax === null ? "no limit" : `${dailyMax}`,
              `$${spentUsd.toFixed(3)}`,
              monthlyBudgetUsd === null ? "no limit" : `$${monthlyBudgetUsd}`,
            ]),
          ),
        ],
      };
    }),
  );
}

function addVerify(accounts: Command, { act }: CommandContext): void {
  addCommand(accounts, {
    usage: "verify <name>",
    says: "Asks X whether the account's credentials still work.",
    examples: [["punctual accounts verify main"]],
  }).action(
    act<object, [string]>(async (counter, _options, name) => {
      const result = await counter.client.call("verifyAccount", { params: { name } });
      const { verified, refusal, account } = result;
      return {
        json: result,
        ids: [account.name],
        text: [
          verified ? "X vouches for it." : `X refuses it: ${oneLine(refusal?.message ?? "")}`,
          ...(refusal ? [`Remedy: ${oneLine(refusal.remedy)}`] : []),
          ...describeAccount(account, counter),
        ],
        code: verified ? EXIT.ok : EXIT.failed,
      };
    }),
  );
}

function addPause(accounts: Command, { act }: CommandContext): void {
  addCommand(accounts, {
    usage: "pause <name>",
    says: "Posts nothing with an account until it is resumed. Its tasks wait.",
    examples: [["punctual accounts pause main"], ['punctual accounts pause main --until "tomorrow 09:00"']],
  })
    .option("--until <time>", "the pause ends by itself then")
    .action(
      act<{ readonly until?: string }, [string]>(async (counter, { until }, name) => {
        const account = await counter.client.call("pauseAccount", {
          params: { name },
          ...(until !== undefined && { body: { until: counter.readTime(until) } }),
        });
        return answerAccount(account, counter);
      }),
    );
  addCommand(accounts, {
    usage: "resume <name>",
    says: "Lets a paused account post again.",
    examples: [["punctual accounts resume main"]],
  }).action(
    act<object, [string]>(async (counter, _options, name) =>
      answerAccount(await counter.client.call("resumeAccount", { params: { name } }), counter),
    ),
  );
}

export function addAccountCommands(program: Command, context: CommandContext): void {
  const accounts = addGroup(program, "accounts", "Accounts of X that posts are made with.");
  const { act } = context;
  addCommand(accounts, {
    usage: "list",
    says: "Lists your accounts.",
    examples: [["punctual accounts list"], ["punctual accounts list --json"]],
  }).action(
    act(async (counter) => {
      const { items } = await counter.client.call("listAccounts");
      return {
        json: { items },
        ids: items.map(({ name }) => name),
        text: [
          ...counter.table(
            [
              { title: "Name" },
              { title: "Status" },
              { title: "On X" },
              { title: "Text", align: "right" },
              { title: "Reason", isElastic: true },
            ],
            items.map(({ name, status, username, maxTextLength, reason }) => [
              name,
              status,
              username === undefined ? "" : `@${username}`,
              `${maxTextLength}`,
              reason?.message ?? "",
            ]),
          ),
          ...(items.length === 0 ? ["No accounts. Connect one: punctual accounts connect --help"] : []),
        ],
      };
    }),
  );
  addCommand(accounts, {
    usage: "show <name>",
    says: "Shows an account, its credentials' kind and how it fares. Tokens are never shown.",
    examples: [["punctual accounts show main"], ["punctual accounts show main --json"]],
  }).action(
    act<object, [string]>(async (counter, _options, name) => {
      const account = await counter.client.call("readAccount", { params: { name } });
      const health = await counter.client.call("readAccountHealth", { params: { name } });
      const { credentials, circuit, successRate, lastPostAt } = health;
      return {
        json: { ...account, health },
        ids: [account.name],
        text: [
          ...describeAccount(account, counter),
          `Tokens     ${credentials.stored ? (credentials.kind ?? "stored") : "none"}${credentials.needsReconnect ? ": connect it anew" : ""}`,
          `Circuit    ${circuit.state}${circuit.openUntil === undefined ? "" : ` until ${counter.timeAndZone(circuit.openUntil)}`}`,
          `Success    ${Math.round(successRate * 100)} % of the last posts`,
          ...(lastPostAt === undefined ? [] : [`Last post  ${counter.timeAndZone(lastPostAt)}`]),
        ],
      };
    }),
  );
  for (const add of [addConnect, addVerify, addPause, addQuota]) add(accounts, context);
  addCommand(accounts, {
    usage: "disconnect <name>",
    says: "Forgets an account's credentials. Connecting it again brings it back.",
    examples: [["punctual accounts disconnect second"], ["punctual accounts disconnect second --yes"]],
  }).action(
    act<object, [string]>(async (counter, _options, name) => {
      await counter.confirm(`Disconnect the account ${name}? Nothing can be posted with it then.`);
      const account = await counter.client.call("disconnectAccount", { params: { name } });
      return answerAccount(account, counter);
    }),
  );
}
