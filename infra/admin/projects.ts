import { type Command, InvalidArgumentError, Option } from "commander";
import * as z from "zod";
import type { Project } from "#shared/domain/account.ts";
import { DEFAULT_PROJECT_WEIGHT, MAX_PROJECT_WEIGHT } from "#shared/domain/fairness.ts";
import type { PostingPolicy } from "#shared/domain/policy.ts";
import { durationInWords } from "#shared/domain/words.ts";
import { createChangePolicy } from "#shared/usecases/change-policy.ts";
import { FIRST_OWNER } from "#shared/usecases/initialize-service.ts";
import type { CommandContext } from "./command.ts";
import { AdminError, type Service } from "./service.ts";

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DAY_MS = 86_400_000;

/** A value that takes the rule away. */
const NONE = "none";

const unlessNone = <Value>(value: Value | typeof NONE): Value | undefined =>
  value === NONE ? undefined : value;

/** Reads an option by a schema, or `none`. */
const reads =
  <Value>(schema: z.ZodType<Value, string>) =>
  (text: string): Value | typeof NONE => {
    if (text === NONE) return NONE;
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(`${parsed.error.issues[0]?.message ?? "It is not valid"}, or ${NONE}.`);
  };

const wholeNumber = (least: number, most: number) => {
  const message = `Give a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,6}$/, message)
    .transform(Number)
    .refine((value) => value >= least && value <= most, message);
};

const toInterval = reads(
  z
    .string()
    .regex(/^[1-9]\d{0,5}[smhd]$/, "Give a number and s, m, h or d, such as 90m")
    .transform((text) => Number.parseInt(text, 10) * (UNIT_MS[text.slice(-1)] ?? 0))
    .refine((ms) => ms <= DAY_MS, "Give at most 1d"),
);
const toDailyMax = reads(wholeNumber(1, 2_400));
const toWeight = reads(wholeNumber(1, MAX_PROJECT_WEIGHT));
const toBlackout = reads(
  z
    .string()
    .regex(
      /^(\d|1\d|2[0-3])-(\d|1\d|2[0-4])$/,
      "Give two hours of the project's day, such as 0-7, or 22-6 over midnight",
    )
    .transform((text) => {
      const [fromHour = 0, toHour = 0] = text.split("-").map(Number);
      return { fromHour, toHour };
    })
    .refine(
      ({ fromHour, toHour }) => fromHour !== toHour && toHour - fromHour < 24,
      "A blackout leaves some hours to post in; --freeze stops everything",
    ),
);
const toBudget = reads(
  z
    .string()
    .regex(/^\d{1,7}(\.\d{1,6})?$/, "Give US dollars, such as 5.00")
    .transform((text) => Math.round(Number(text) * 1_000_000)),
);

interface PolicyOptions {
  readonly interval?: number | typeof NONE;
  readonly dailyMax?: number | typeof NONE;
  readonly blackout?: NonNullable<PostingPolicy["blackout"]> | typeof NONE;
  readonly budget?: number | typeof NONE;
  readonly weight?: number | typeof NONE;
  readonly freeze?: true;
  readonly unfreeze?: true;
  readonly clear: boolean;
}

type Rule = readonly [name: string, text: (project: Project) => string];

const dollars = (micros: number): string =>
  `$${micros % 10_000 === 0 ? (micros / 1_000_000).toFixed(2) : micros / 1_000_000}`;

const RULES: readonly Rule[] = [
  [
    "interval between posts",
    ({ policy }) => (policy?.minIntervalMs ? durationInWords(policy.minIntervalMs) : NONE),
  ],
  ["posts a day", ({ policy }) => `${policy?.dailyMax ?? "as X allows"}`],
  [
    "blackout",
    ({ policy, timeZone }) =>
      policy?.blackout ? `${policy.blackout.fromHour}:00 to ${policy.blackout.toHour}:00 ${timeZone}` : NONE,
  ],
  [
    "budget a month",
    ({ policy }) => (policy?.monthlyBudgetMicros === undefined ? NONE : dollars(policy.monthlyBudgetMicros)),
  ],
  ["frozen", ({ policy }) => (policy?.frozen ? "yes: nothing is posted" : "no")],
  ["weight", ({ weight }) => `${weight ?? DEFAULT_PROJECT_WEIGHT}`],
];

const rulesInWords = (project: Project): string[] =>
  RULES.map(([name, text]) => `  ${name.padEnd(24)}${text(project)}`);

function changesInWords(before: Project, after: Project): string[] {
  const width = Math.max(...RULES.map(([, text]) => text(before).length));
  return RULES.map(([name, text]) => {
    const [old, now] = [text(before), text(after)];
    return `  ${name.padEnd(24)}${old === now ? now : `${old.padEnd(width)}  →  ${now}`}`;
  });
}

const describe = ({ name, timeZone, policy = {}, weight }: Project) => ({
  name,
  timeZone,
  policy,
  weight: weight ?? DEFAULT_PROJECT_WEIGHT,
});

async function accountNames({ accounts }: Service, { accountIds }: Project): Promise<readonly string[]> {
  const found = await Promise.all(accountIds.map((id) => accounts.getAccount(id)));
  return found.map((account, place) => account?.name ?? `${accountIds[place]} (gone)`);
}

export function addProjectCommands(program: Command, { act }: CommandContext): void {
  const projects = program.command("projects").description("projects and what they allow themselves");
  projects
    .command("list", { isDefault: true })
    .description("all projects with their accounts and rules")
    .action(
      act<object, []>(async (service) => {
        const found = await service.accounts.listProjects(FIRST_OWNER);
        const named = await Promise.all(
          found.map(async (project) => ({ project, accounts: await accountNames(service, project) })),
        );
        return {
          json: named.map(({ project, accounts }) => ({ ...describe(project), accounts })),
          text:
            named.length === 0
              ? ["There are no projects yet: `npm run admin -- init` makes one."]
              : named.flatMap(({ project, accounts }) => [
                  `${project.name}  drop/${project.name}/  ${project.timeZone}  accounts: ${accounts.join(", ")}`,
                  ...rulesInWords(project),
                ]),
        };
      }),
    );

  projects
    .command("policy <name>")
    .description("shows what a project allows itself, and changes what is given")
    .addOption(
      new Option("--interval <time>", "least time between two posts of an account: 90m, 2h").argParser(
        toInterval,
      ),
    )
    .addOption(new Option("--daily-max <posts>", "posts of an account within 24 hours").argParser(toDailyMax))
    .addOption(
      new Option("--blackout <hours>", "hours of the project's day without posts: 0-7, 22-6").argParser(
        toBlackout,
      ),
    )
    .addOption(
      new Option("--budget <dollars>", "what X may charge in a calendar month (UTC): 5.00").argParser(
        toBudget,
      ),
    )
    .addOption(
      new Option(
        "--weight <number>",
        `share when capacity is short, 1 to ${MAX_PROJECT_WEIGHT}; without one ${DEFAULT_PROJECT_WEIGHT}`,
      ).argParser(toWeight),
    )
    .addOption(new Option("--freeze", "post nothing until it is lifted").conflicts("unfreeze"))
    .option("--unfreeze", "post again")
    .option("--clear", "take all rules away that are not given now", false)
    .addHelpText(
      "after",
      `
Every value may be ${NONE}, which takes the one rule away. Posts that meet a rule wait for the instant it allows, and say so.
  npm run admin -- projects policy default --interval 90m --daily-max 10 --blackout 0-7 --budget 5.00
  npm run admin -- projects policy default --freeze`,
    )
    .action(
      act<PolicyOptions, [string]>(async (service, options, [name]) => {
        const { interval, dailyMax, blackout, budget, weight, freeze, unfreeze, clear } = options;
        const changed = await createChangePolicy(service)(name, {
          clear,
          set: {
            ...(interval !== undefined && { minIntervalMs: unlessNone(interval) }),
            ...(dailyMax !== undefined && { dailyMax: unlessNone(dailyMax) }),
            ...(blackout !== undefined && { blackout: unlessNone(blackout) }),
            ...(budget !== undefined && { monthlyBudgetMicros: unlessNone(budget) }),
            ...(weight !== undefined && { weight: unlessNone(weight) }),
            ...(freeze && { frozen: true }),
            ...(unfreeze && { frozen: undefined }),
          },
        });
        if (!changed.ok)
          throw new AdminError(
            `There is no project ${name}. Remedy: name one of ${changed.error.known.join(", ") || "none yet"}, or make it: npm run admin -- init --project ${name}.`,
          );
        const { before, after } = changed.value;
        return {
          json: { before: describe(before), after: describe(after) },
          text: [`Project ${after.name}`, ...changesInWords(before, after)],
        };
      }),
    );
}
