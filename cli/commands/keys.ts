import type { Command } from "commander";
import type { CallAnswer } from "../client.ts";
import { addCommand, addGroup, collect, wholeNumber } from "../command.ts";
import type { CommandContext, Counter } from "../context.ts";
import { findItem } from "../find-item.ts";
import { oneLine } from "../text-width.ts";

type Key = CallAnswer<"listKeys">["items"][number];
type Scope = Key["scopes"][number];

const SECRET = "Shown only now: keep it in a safe place.";

const hasEnded = ({ expiresAt }: Key, now: Date): boolean =>
  expiresAt !== undefined && Date.parse(expiresAt) <= now.getTime();

/** Of keys with one name the one that is in use: a rotation leaves the old one behind. */
async function findKey({ client, surroundings }: Counter, wanted: string): Promise<Key> {
  const { items } = await client.call("listKeys");
  const now = surroundings.now();
  const current = items.filter((key) => key.replacedBy === undefined && !hasEnded(key, now));
  const isCurrent = current.some(({ name }) => name === wanted);
  return findItem(isCurrent ? current : items, wanted, { what: "key", list: "punctual keys list" });
}

const toList = (text: string): readonly string[] => text.split(",").map((item) => item.trim());

interface CreateOptions {
  readonly scopes: readonly Scope[];
  readonly expiresInDays?: number;
  readonly project?: readonly string[];
  readonly account?: readonly string[];
}

export function addKeyCommands(program: Command, { act }: CommandContext): void {
  const keys = addGroup(program, "keys", "API keys: who may do what.");

  addCommand(keys, {
    usage: "list",
    says: "Lists your keys, oldest first. The keys themselves are stored nowhere.",
    examples: [["punctual keys list"], ["punctual keys list --json"]],
  }).action(
    act(async (counter) => {
      const { items } = await counter.client.call("listKeys");
      const { table, time, zone, surroundings } = counter;
      const now = surroundings.now();
      const nameOf = (key: Key) =>
        `${key.name}${hasEnded(key, now) ? " (ended)" : key.replacedBy === undefined ? "" : " (replaced)"}`;
      return {
        json: { items },
        ids: items.map(({ id }) => id),
        text: table(
          [
            { title: "Id" },
            { title: "Name", isElastic: true },
            { title: "Scopes", isElastic: true },
            { title: `Until (${zone})` },
            { title: "Last used" },
          ],
          items.map((key) => [
            key.id,
            nameOf(key),
            key.scopes.join(","),
            key.expiresAt === undefined ? "no end" : time(key.expiresAt),
            key.lastUsedAt === undefined ? "never" : time(key.lastUsedAt),
          ]),
        ),
      };
    }),
  );

  addCommand(keys, {
    usage: "create <name>",
    says: "Makes a key and shows it once. Nobody gives a key more than they have.",
    more: "With --quiet the key alone is printed.",
    examples: [
      ["punctual keys create ci --scopes read,write --expires-in-days 90"],
      ["punctual keys create shop --scopes read,write,publish --project shop --account shop"],
      ["punctual keys create ci --scopes read -q > key.txt", "the key alone"],
    ],
  })
    .option("--scopes <list>", "some of read,write,publish,manage,admin", toList, ["read"])
    .option(
      "--expires-in-days <days>",
      "how long it works (default: until it is revoked)",
      wholeNumber(1, 3_650),
    )
    .option("--project <name>", "the only project that it reaches; may be repeated", collect)
    .option("--account <name>", "the only account that it reaches; may be repeated", collect)
    .action(
      act<CreateOptions, [string]>(async (counter, { scopes, expiresInDays, project, account }, name) => {
        const made = await counter.client.call("createKey", {
          body: {
            name,
            scopes: [...scopes],
            ...(expiresInDays !== undefined && { expiresInDays }),
            ...(project && { projects: [...project] }),
            ...(account && { accounts: [...account] }),
          },
        });
        return {
          json: made,
          ids: [made.apiKey],
          text: [made.apiKey, `${SECRET} Its id is ${made.id}; it allows ${made.scopes.join(", ")}.`],
        };
      }),
    );

  addCommand(keys, {
    usage: "rotate <key>",
    says: "Makes a key in place of another one, by its id or name. Both work for a while.",
    more: "With --quiet the new key alone is printed.",
    examples: [
      ["punctual keys rotate ci"],
      ["punctual keys rotate 3fa9c2d41b07 --overlap-hours 0", "the old one ends at once"],
    ],
  })
    .option("--overlap-hours <n>", "how long both work (default: 24)", wholeNumber(0, 10_000))
    .action(
      act<{ readonly overlapHours?: number }, [string]>(async (counter, { overlapHours }, wanted) => {
        const { id, name } = await findKey(counter, wanted);
        if (overlapHours === 0) await counter.confirm(`End the key ${name} (${id}) at once?`);
        const made = await counter.client.call("rotateKey", {
          params: { id },
          ...(overlapHours !== undefined && { body: { overlapHours } }),
        });
        const { expiresAt } = made.replaces;
        return {
          json: made,
          ids: [made.apiKey],
          text: [
            made.apiKey,
            `${SECRET} Its id is ${made.id}.`,
            expiresAt === undefined
              ? "The old one still works."
              : `The old one works until ${counter.timeAndZone(expiresAt)}.`,
          ],
        };
      }),
    );

  addCommand(keys, {
    usage: "revoke <key>",
    says: "Ends a key for good, at the latest a minute later; by its id or name.",
    examples: [["punctual keys revoke ci"], ["punctual keys revoke 3fa9c2d41b07 --yes"]],
  }).action(
    act<object, [string]>(async (counter, _options, wanted) => {
      const { id, name } = await findKey(counter, wanted);
      await counter.confirm(`Revoke the key ${oneLine(name)} (${id})? Whoever uses it is locked out.`);
      const key = await counter.client.call("revokeKey", { params: { id } });
      return {
        json: key,
        ids: [id],
        text: [`${oneLine(name)} (${id}) no longer works, at the latest in a minute.`],
      };
    }),
  );
}
