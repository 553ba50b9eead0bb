import type { Command } from "commander";
import type * as z from "zod";
import { writeSettingsBody } from "#shared/contract/settings-view.ts";
import type { CallAnswer } from "../client.ts";
import { addCommand, addGroup, wholeNumber } from "../command.ts";
import type { Answer, CommandContext, Counter } from "../context.ts";
import { usageError } from "../failures.ts";
import { readPages } from "../pages.ts";
import { oneLine } from "../text-width.ts";

type Body = z.input<typeof writeSettingsBody>;
type Settings = CallAnswer<"readSettings">;
type Name = keyof Settings["settings"];

const NAMES = Object.keys(writeSettingsBody.shape);

/** `name=number` */
function readPairs(pairs: readonly string[]): Body {
  const given = pairs.map((pair) => {
    const [, name = "", value = ""] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    if (!NAMES.includes(name))
      throw usageError(`“${pair}” sets nothing.`, `Write name=number; the names are ${NAMES.join(", ")}.`);
    return [name, value.trim() === "" ? Number.NaN : Number(value)] as const;
  });
  const parsed = writeSettingsBody.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  throw usageError(
    parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join(" "),
    "`punctual settings show` tells the ranges.",
  );
}

const answerSettings = (
  view: Settings,
  { table, timeAndZone }: Counter,
  names = Object.keys(view.settings),
): Answer => ({
  json: view,
  ids: [`${view.version}`],
  text: [
    view.version === 0
      ? "Version 0: the defaults, nobody has saved any."
      : `Version ${view.version}${view.savedAt === undefined ? "" : `, saved ${timeAndZone(view.savedAt)} by ${oneLine(view.savedBy ?? "")}`}.`,
    "",
    ...table(
      [
        { title: "Setting" },
        { title: "Value", align: "right" },
        { title: "Unit" },
        { title: "Range" },
        { title: "Default", align: "right" },
        { title: "What it is", isElastic: true },
      ],
      names.map((one) => {
        const name = one as Name;
        const { min, max, unit, summary, default: standard } = view.ranges[name];
        return [name, `${view.settings[name]}`, unit, `${min}–${max}`, `${standard}`, summary];
      }),
    ),
  ],
});

export function addSettingsCommands(program: Command, { act }: CommandContext): void {
  const settings = addGroup(
    program,
    "settings",
    "Numbers of the deployment; every function follows within 30 s.",
  );
  addCommand(settings, {
    usage: "show",
    says: "Shows the settings in force, and what they may be.",
    examples: [["punctual settings show"], ["punctual settings show --json"]],
  }).action(act(async (counter) => answerSettings(await counter.client.call("readSettings"), counter)));
  addCommand(settings, {
    usage: "set <name=value...>",
    says: "Changes settings; the others stay. Only the deployment's first owner may.",
    more: `Settings: ${NAMES.join(", ")}.`,
    examples: [
      ["punctual settings set batchSize=100"],
      ["punctual settings set batchSize=100 concurrentPublishers=5 --yes"],
    ],
  }).action(
    act<object, [string[]]>(async (counter, _options, pairs) => {
      const body = readPairs(pairs);
      const before = await counter.client.call("readSettings");
      await counter.confirm(`Change ${Object.keys(body).join(", ")} for the whole deployment?`);
      const after = await counter.client.call("writeSettings", { body, ifVersion: before.version });
      return answerSettings(after, counter, Object.keys(body));
    }),
  );
  addCommand(settings, {
    usage: "history",
    says: "Lists the versions of the settings, newest first: what changed, when, and by whom.",
    examples: [["punctual settings history"], ["punctual settings history --limit 5 --json"]],
  })
    .option("--limit <n>", "how many", wholeNumber(1, 10_000), 20)
    .action(
      act<{ readonly limit: number }>(async (counter, { limit }) => {
        const { items, hasMore } = await readPages(limit, (cursor, size) =>
          counter.client.call("listSettingVersions", {
            query: { limit: size, ...(cursor !== undefined && { cursor }) },
          }),
        );
        return {
          json: { items, hasMore },
          ids: items.map(({ version }) => `${version}`),
          text: [
            ...counter.table(
              [
                { title: "Version", align: "right" },
                { title: `Saved (${counter.zone})` },
                { title: "By" },
                { title: "Changed", isElastic: true },
              ],
              items.map(({ version, savedAt, savedBy, changed, restores }) => [
                `${version}`,
                counter.time(savedAt),
                savedBy,
                `${restores === undefined ? "" : `back to version ${restores}: `}${changed
                  .map(({ name, from, to }) => `${name} ${from} → ${to}`)
                  .join(", ")}`,
              ]),
            ),
            ...(items.length === 0 ? ["Nobody has saved any: the defaults are in force."] : []),
            ...(hasMore ? ["There are more: --limit."] : []),
          ],
        };
      }),
    );
  addCommand(settings, {
    usage: "rollback <version>",
    says: "Brings an old version back, as a new one. 0 are the defaults.",
    examples: [["punctual settings rollback 3"], ["punctual settings rollback 0 --yes"]],
  }).action(
    act<object, [string]>(async (counter, _options, text) => {
      if (!/^\d{1,8}$/.test(text))
        throw usageError(
          `“${text}” is no version.`,
          "Give its number: `punctual settings history` shows them; 0 are the defaults.",
        );
      const version = Number(text);
      const before = await counter.client.call("readSettings");
      await counter.confirm(`Bring version ${version} back in place of ${before.version}?`);
      const after = await counter.client.call("rollbackSettings", {
        body: { version },
        ifVersion: before.version,
      });
      return answerSettings(after, counter);
    }),
  );
}
