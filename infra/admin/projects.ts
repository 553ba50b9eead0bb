import { type Command, InvalidArgumentError, Option } from "commander";
import * as z from "zod";
import { policySet, toPolicyVersionView } from "#shared/contract/policy-view.ts";
import type { Project } from "#shared/domain/account.ts";
import { DEFAULT_PROJECT_WEIGHT, MAX_PROJECT_WEIGHT } from "#shared/domain/fairness.ts";
import { MAX_DAILY } from "#shared/domain/planning/check-policy.ts";
import { PRESET_NAMES, type PresetName } from "#shared/domain/planning/presets.ts";
import { rulesOf } from "#shared/domain/planning/rules.ts";
import type { PostingPolicy } from "#shared/domain/policy.ts";
import { DEFAULT_LATE_POLICY } from "#shared/domain/task.ts";
import { durationInWords, instantInWords, quote } from "#shared/domain/words.ts";
import {
  type ChangePolicyRefusal,
  createChangePolicy,
  type PolicyChange,
} from "#shared/usecases/change-policy.ts";
import { FIRST_OWNER } from "#shared/usecases/initialize-service.ts";
import { createListPolicyVersions } from "#shared/usecases/read-policy.ts";
import type { CommandContext } from "./command.ts";
import { AdminError, type Service } from "./service.ts";

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DAY_MS = 86_400_000;

const SHOWN_VERSIONS = 10;

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
const toDailyMax = reads(wholeNumber(1, MAX_DAILY));
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

const toDailyMin = reads(wholeNumber(0, MAX_DAILY));
const toHours = reads(
  z
    .string()
    .regex(/^\d{1,2}(,\d{1,2})*$/, "Give hours of the project's day, such as 9,12,15")
    .transform((text) => text.split(",").map(Number)),
);
const toDates = reads(
  z
    .string()
    .regex(/^[\d-]{8,10}(,[\d-]{8,10})*$/, "Give dates, such as 2026-12-24,2026-12-31")
    .transform((text) => text.split(",")),
);

/** Fields of a policy as the API names them. */
function toFields(text: string): PolicyFields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('Give a JSON object, such as \'{"jitter":"20m"}\'.');
  }
  const parsed = policySet.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InvalidArgumentError(
    `${issue ? `${issue.path.join("/")}: ${issue.message}` : "It is not valid"}.`,
  );
}

type PolicyFields = z.output<typeof policySet>;

interface PolicyOptions {
  readonly preset?: PresetName;
  readonly interval?: number | typeof NONE;
  readonly dailyMin?: number | typeof NONE;
  readonly dailyMax?: number | typeof NONE;
  readonly blackout?: NonNullable<PostingPolicy["blackout"]> | typeof NONE;
  readonly blackoutDates?: readonly string[] | typeof NONE;
  readonly optimalHours?: readonly number[] | typeof NONE;
  readonly budget?: number | typeof NONE;
  readonly timeZone?: string;
  readonly weight?: number | typeof NONE;
  readonly set?: PolicyFields;
  readonly freeze?: true;
  readonly unfreeze?: true;
  readonly clear: boolean;
}

const changeOf = (options: PolicyOptions): Omit<PolicyChange, "by"> => {
  const { preset, clear, set, freeze, unfreeze } = options;
  const { interval, dailyMin, dailyMax, blackout, blackoutDates, optimalHours, budget, timeZone, weight } =
    options;
  return {
    from: preset !== undefined ? { preset } : clear ? "nothing" : "current",
    set: {
      ...(clear && { weight: undefined }),
      ...set,
      ...(interval !== undefined && { minIntervalMs: unlessNone(interval) }),
      ...(dailyMin !== undefined && { dailyMin: unlessNone(dailyMin) }),
      ...(dailyMax !== undefined && { dailyMax: unlessNone(dailyMax) }),
      ...(blackout !== undefined && { blackout: unlessNone(blackout) }),
      ...(blackoutDates !== undefined && { blackoutDates: unlessNone(blackoutDates) }),
      ...(optimalHours !== undefined && { optimalHours: unlessNone(optimalHours) }),
      ...(budget !== undefined && { monthlyBudgetMicros: unlessNone(budget) }),
      ...(timeZone !== undefined && { timeZone }),
      ...(weight !== undefined && { weight: unlessNone(weight) }),
      ...(freeze && { frozen: true }),
      ...(unfreeze && { frozen: undefined }),
    },
  };
};

const refusalText = (name: string, refusal: ChangePolicyRefusal): string => {
  switch (refusal.reason) {
    case "unknown-project":
      return `There is no project ${name}. Remedy: name one of ${refusal.known.join(", ") || "none yet"}, or make it: npm run admin -- init --project ${name}.`;
    case "stale":
      return `Somebody else changed the policy of ${name} at the same time. Remedy: look at it, and try again.`;
    case "refused":
      return `The policy of ${name} cannot be kept, and nothing was changed.\n${refusal.findings.map(({ message }) => `  ${message}`).join("\n")}\nRemedy: change what contradicts each other in one command.`;
  }
};

/** What the rules are read from: a project, or an older version of its policy. */
type Ruled = Pick<Project, "policy" | "timeZone" | "weight">;
type Rule = readonly [name: string, text: (project: Ruled) => string];

const dollars = (micros: number): string =>
  `$${micros % 10_000 === 0 ? (micros / 1_000_000).toFixed(2) : micros / 1_000_000}`;
const percent = (share: number): string => `${Math.round(share * 1_000) / 10} %`;
const clock = (hours: readonly number[]): string => hours.map((hour) => `${hour}:00`).join(", ") || NONE;

const RULES: readonly Rule[] = [
  [
    "interval between posts",
    ({ policy }) => (policy?.minIntervalMs ? durationInWords(policy.minIntervalMs) : NONE),
  ],
  [
    "posts a day",
    ({ policy }) => `${policy?.dailyMin ? `${policy.dailyMin} to ` : ""}${policy?.dailyMax ?? "as X allows"}`,
  ],
  [
    "blackout",
    ({ policy, timeZone }) =>
      policy?.blackout ? `${policy.blackout.fromHour}:00 to ${policy.blackout.toHour}:00 ${timeZone}` : NONE,
  ],
  ["days without posts", ({ policy }) => policy?.blackoutDates?.join(", ") || NONE],
  [
    "holidays",
    ({ policy }) =>
      policy?.holidays?.map(({ name, dates }) => `${quote(name)} (${dates.length} days)`).join(", ") || NONE,
  ],
  [
    "budget a month",
    ({ policy }) => (policy?.monthlyBudgetMicros === undefined ? NONE : dollars(policy.monthlyBudgetMicros)),
  ],
  ["frozen", ({ policy }) => (policy?.frozen ? "yes: nothing is posted" : "no")],
  ["optimal hours", ({ policy }) => clock(rulesOf(policy).optimalHours)],
  ["preferred hours", ({ policy }) => clock(rulesOf(policy).preferredHours)],
  [
    "jitter, lead",
    ({ policy }) => {
      const { jitterMs, leadMs } = rulesOf(policy);
      return `${durationInWords(jitterMs)}, ${durationInWords(leadMs)}`;
    },
  ],
  ["quota buffer", ({ policy }) => percent(rulesOf(policy).quotaBuffer)],
  ["kept for urgent posts", ({ policy }) => percent(rulesOf(policy).urgentShare)],
  [
    "near-duplicates",
    ({ policy }) => {
      const { windowMs, threshold, near } = rulesOf(policy).duplicates;
      return windowMs === 0
        ? "not looked for"
        : `${near}, from ${threshold} within ${durationInWords(windowMs)}`;
    },
  ],
  ["a medium is posted", ({ policy }) => (rulesOf(policy).uniqueMedia ? "once" : "as often as it comes")],
  [
    "when it is late",
    ({ policy }) => {
      const { postWithinMs, then } = policy?.latePolicy ?? DEFAULT_LATE_POLICY;
      return postWithinMs === undefined
        ? "posted at any time"
        : `${then} after ${durationInWords(postWithinMs)}`;
    },
  ],
  ["when an answer is lost", ({ policy }) => policy?.reconcile ?? "repost a text, hold what has media"],
  ["time zone", ({ timeZone }) => timeZone],
  ["weight", ({ weight }) => `${weight ?? DEFAULT_PROJECT_WEIGHT}`],
];

const rulesInWords = (project: Ruled): string[] =>
  RULES.map(([name, text]) => `  ${name.padEnd(24)}${text(project)}`);

function changesInWords(before: Project, after: Project): string[] {
  const changed = RULES.map(([name, text]) => ({ name, old: text(before), now: text(after) }));
  const width = Math.max(0, ...changed.flatMap(({ old, now }) => (old === now ? [] : [old.length])));
  return changed.map(
    ({ name, old, now }) => `  ${name.padEnd(24)}${old === now ? now : `${old.padEnd(width)}  →  ${now}`}`,
  );
}

const describe = ({ name, timeZone, policy = {}, weight, policyVersion = 0 }: Project) => ({
  name,
  timeZone,
  policy,
  weight: weight ?? DEFAULT_PROJECT_WEIGHT,
  version: policyVersion,
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
      new Option("--preset <name>", "start from a preset instead of what is in force").choices(PRESET_NAMES),
    )
    .addOption(
      new Option("--interval <time>", "least time between two posts of an account: 90m, 2h").argParser(
        toInterval,
      ),
    )
    .addOption(
      new Option("--daily-min <posts>", "posts of an account in a day that deferrable ones fill").argParser(
        toDailyMin,
      ),
    )
    .addOption(new Option("--daily-max <posts>", "posts of an account within 24 hours").argParser(toDailyMax))
    .addOption(
      new Option("--blackout <hours>", "hours of the project's day without posts: 0-7, 22-6").argParser(
        toBlackout,
      ),
    )
    .addOption(
      new Option("--blackout-dates <dates>", "days without posts: 2026-12-24,2026-12-31").argParser(toDates),
    )
    .addOption(
      new Option("--optimal-hours <hours>", "for the strategy optimal: 9,12,15,18,21").argParser(toHours),
    )
    .addOption(
      new Option("--budget <dollars>", "what X may charge in a calendar month (UTC): 5.00").argParser(
        toBudget,
      ),
    )
    .option("--time-zone <name>", "of the project, IANA; slots that are planned stay")
    .addOption(
      new Option(
        "--weight <number>",
        `share when capacity is short, 1 to ${MAX_PROJECT_WEIGHT}; without one ${DEFAULT_PROJECT_WEIGHT}`,
      ).argParser(toWeight),
    )
    .addOption(
      new Option("--set <json>", "any other field, as docs/api.md names it; null takes it away").argParser(
        toFields,
      ),
    )
    .addOption(new Option("--freeze", "post nothing until it is lifted").conflicts("unfreeze"))
    .option("--unfreeze", "post again")
    .addOption(
      new Option("--clear", "take all rules away that are not given now").default(false).conflicts("preset"),
    )
    .addHelpText(
      "after",
      `
Every value may be ${NONE}, which takes the one rule away. Posts that meet a rule wait for the instant it allows, and say so.
What cannot be kept is refused with the arithmetic. Each change is a version: \`projects versions <name>\`.
  npm run admin -- projects policy default --interval 90m --daily-max 10 --blackout 0-7 --budget 5.00
  npm run admin -- projects policy default --preset conservative --blackout-dates 2026-12-24
  npm run admin -- projects policy default --set '{"holidays":[{"name":"DE","dates":["2026-12-25"]}]}'
  npm run admin -- projects policy default --freeze`,
    )
    .action(
      act<PolicyOptions, [string]>(async (service, options, [name]) => {
        const change = { ...changeOf(options), by: "admin" };
        const changed = await createChangePolicy(service)(FIRST_OWNER, name, change);
        if (!changed.ok) throw new AdminError(refusalText(name, changed.error));
        const { before, after, warnings } = changed.value;
        return {
          json: {
            before: describe(before),
            after: describe(after),
            warnings: warnings.map(({ code, message }) => ({ code, message })),
          },
          text: [
            `Project ${after.name}`,
            ...changesInWords(before, after),
            ...warnings.map(({ message }) => `Warning: ${message}`),
          ],
        };
      }),
    );

  projects
    .command("versions <name>")
    .description("the last changes of a project's policy, newest first: what, when and by whom")
    .action(
      act<object, [string]>(async (service, _, [name]) => {
        const listed = await createListPolicyVersions(service)(FIRST_OWNER, name, { limit: SHOWN_VERSIONS });
        if (!listed.ok) throw new AdminError(refusalText(name, listed.error));
        const { versions } = listed.value;
        return {
          json: versions.map(toPolicyVersionView),
          text:
            versions.length === 0
              ? ["Nobody has changed it yet."]
              : versions.flatMap(({ version, savedAt, savedBy, ...set }) => [
                  `Version ${version}, ${instantInWords(savedAt)}, by ${savedBy}`,
                  ...rulesInWords(set),
                ]),
        };
      }),
    );
}
