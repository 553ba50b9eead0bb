import type { Command } from "commander";
import type { CallAnswer, Client } from "../client.ts";
import { addCommand, addGroup } from "../command.ts";
import type { Answer, CommandContext, Counter } from "../context.ts";
import { usageError } from "../failures.ts";
import { findItem } from "../find-item.ts";
import { oneLine } from "../text-width.ts";

type User = CallAnswer<"listUsers">["items"][number];
type Role = User["role"];
type Changed = CallAnswer<"updateUser">;

async function findUser(client: Client, wanted: string): Promise<User> {
  const { items } = await client.call("listUsers");
  const byMail = items.find(({ email }) => email.toLowerCase() === wanted.toLowerCase());
  return byMail ?? findItem(items, wanted, { what: "user", list: "punctual users list" });
}

const describeUser = ({ id, name, email, role, status }: User): string =>
  `${oneLine(name)} <${oneLine(email)}>, ${role}, ${status} (${id})`;

const answerUser = (user: Changed, { timeAndZone }: Counter): Answer => ({
  json: user,
  ids: [user.invitationCode ?? user.id],
  text: [
    describeUser(user),
    ...(user.invitationCode === undefined
      ? []
      : [
          user.invitationCode,
          `Shown only now. Give the person this code: it sets a password${user.invitedUntil === undefined ? "" : ` until ${timeAndZone(user.invitedUntil)}`}.`,
        ]),
  ],
});

interface ChangeOptions {
  readonly name?: string;
  readonly email?: string;
  readonly role?: Role;
  readonly disable?: true;
  readonly enable?: true;
  readonly renewInvitation?: true;
}

function addUpdate(users: Command, { act }: CommandContext): void {
  addCommand(users, {
    usage: "update <user>",
    says: "Changes a user, by id, name or e-mail. Whoever is disabled or invited anew loses sessions and keys.",
    examples: [
      ["punctual users update anne@example.com --role publisher"],
      ["punctual users update anne --disable"],
      ["punctual users update anne --renew-invitation", "a lost password"],
    ],
  })
    .option("--name <name>", "another name")
    .option("--email <address>", "another address")
    .option("--role <role>", "viewer, editor, publisher, manager or admin")
    .option("--disable", "ends sessions and keys")
    .option("--enable", "may sign in again")
    .option("--renew-invitation", "the person sets a new password with a code")
    .action(
      act<ChangeOptions, [string]>(async (counter, options, wanted) => {
        const { name, email, role, disable, enable, renewInvitation } = options;
        if (disable && enable)
          throw usageError("--disable and --enable contradict each other.", "Give one of them.");
        const user = await findUser(counter.client, wanted);
        if (disable || renewInvitation)
          await counter.confirm(`End all sessions and keys of ${oneLine(user.name)}?`);
        const changed = await counter.client.call("updateUser", {
          params: { id: user.id },
          ifVersion: user.version,
          body: {
            ...(name !== undefined && { name }),
            ...(email !== undefined && { email }),
            ...(role !== undefined && { role }),
            ...((disable || enable) && { disabled: disable === true }),
            ...(renewInvitation && { renewInvitation }),
          },
        });
        return answerUser(changed, counter);
      }),
    );
}

export function addUserCommands(program: Command, context: CommandContext): void {
  const users = addGroup(program, "users", "People who may sign in, and their roles.");
  const { act } = context;
  addCommand(users, {
    usage: "list",
    says: "Lists the users, oldest first.",
    examples: [["punctual users list"], ["punctual users list --json"]],
  }).action(
    act(async (counter) => {
      const { items } = await counter.client.call("listUsers");
      return {
        json: { items },
        ids: items.map(({ id }) => id),
        text: [
          ...counter.table(
            [
              { title: "Name", isElastic: true },
              { title: "E-mail", isElastic: true },
              { title: "Role" },
              { title: "Status" },
              { title: "Id" },
            ],
            items.map(({ name, email, role, status, id }) => [name, email, role, status, id]),
          ),
          ...(items.length === 0 ? ["No users. Invite one: punctual users create --help"] : []),
        ],
      };
    }),
  );
  addCommand(users, {
    usage: "create <name> <email>",
    says: "Invites a person. The code is shown once, and works once, for three days.",
    more: "With --quiet the code alone is printed.",
    examples: [["punctual users create Anne anne@example.com --role editor"]],
  })
    .option("--role <role>", "viewer, editor, publisher, manager or admin", "viewer")
    .action(
      act<{ readonly role: Role }, [string, string]>(async (counter, { role }, name, email) =>
        answerUser(await counter.client.call("createUser", { body: { name, email, role } }), counter),
      ),
    );
  addUpdate(users, context);
  addCommand(users, {
    usage: "delete <user>",
    says: "Deletes a user, and ends the sessions and keys that the user made.",
    examples: [["punctual users delete anne@example.com"], ["punctual users delete anne --yes"]],
  }).action(
    act<object, [string]>(async (counter, _options, wanted) => {
      const user = await findUser(counter.client, wanted);
      await counter.confirm(`Delete ${describeUser(user)}?`);
      const deleted = await counter.client.call("deleteUser", {
        params: { id: user.id },
        ifVersion: user.version,
      });
      return { json: deleted, ids: [user.id], text: [`Deleted ${oneLine(user.name)}.`] };
    }),
  );
}
