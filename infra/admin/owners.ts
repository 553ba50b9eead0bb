import type { Command } from "commander";
import { keyIdOf } from "#shared/domain/api-key.ts";
import { type AddOwnerRefusal, createAddOwner } from "#shared/usecases/add-owner.ts";
import { FIRST_OWNER } from "#shared/usecases/initialize-service.ts";
import type { CommandContext } from "./command.ts";
import { badName } from "./init.ts";
import { AdminError } from "./service.ts";

const refusalText = (name: string, { reason }: AddOwnerRefusal): string =>
  reason === "bad-name"
    ? badName("a tenant", name)
    : `There is a tenant ${name} already. Remedy: see \`npm run admin -- owners list\`; another admin key: npm run admin -- keys create admin --scopes admin --owner ${name}.`;

/** Tenants: each has projects, accounts, keys and people of its own, and knows nothing of the others. */
export function addOwnerCommands(program: Command, { act }: CommandContext): void {
  const owners = program.command("owners").description("tenants of the deployment");
  owners
    .command("add <name>")
    .description("makes a tenant with an admin key of its own, and shows the key once")
    .action(
      act<object, [string]>(async (service, _options, [name]) => {
        const added = await createAddOwner({ ...service, owners: service.users })(name);
        if (!added.ok) throw new AdminError(refusalText(name, added.error));
        const { key, record } = added.value;
        return {
          json: { owner: name, keyId: keyIdOf(record), apiKey: key },
          text: [
            key,
            `The admin key of the tenant ${name}. Shown only now: keep it in a safe place. Its id is ${keyIdOf(record)}.`,
          ],
        };
      }),
    );
  owners
    .command("list", { isDefault: true })
    .description("all tenants, the first one first")
    .action(
      act<object, []>(async ({ users }) => {
        const names = [FIRST_OWNER, ...(await users.listOwners()).map(({ id }) => id)];
        return { json: names, text: names };
      }),
    );
}
