import type { Command } from "commander";
import type { Account } from "#shared/domain/account.ts";
import { type AddAccountRefusal, createAddAccount } from "#shared/usecases/add-account.ts";
import { activated, changeAccount } from "#shared/usecases/connect-account.ts";
import { FIRST_OWNER } from "#shared/usecases/initialize-service.ts";
import type { CommandContext } from "./command.ts";
import { accountText, badName, CREDENTIALS_TEXT, warningTexts } from "./init.ts";
import { AdminError, readCredentials, type Service } from "./service.ts";

async function listAccounts({ accounts }: Service): Promise<readonly Account[]> {
  const projects = await accounts.listProjects(FIRST_OWNER);
  const ids = [...new Set(projects.flatMap(({ accountIds }) => accountIds))];
  const found = await Promise.all(ids.map((id) => accounts.getAccount(id)));
  return found.filter((account) => account !== undefined);
}

const refusalText = (refusal: AddAccountRefusal, name: string): string => {
  switch (refusal.reason) {
    case "bad-name":
      return badName("an account", refusal.name);
    case "unknown-project":
      return `There is no project ${refusal.project}. Remedy: name one of ${refusal.known.join(", ") || "none yet"} with --project, or make it: npm run admin -- init --project ${refusal.project} --account ${name}.`;
    case "no-credentials":
      return `The account ${name} has no credentials of X, and none are given. Remedy: put its own tokens into .env or a file of its own (--env-file); see .env.example.`;
    case "same-user": {
      const user = refusal.username === undefined ? "" : ` (@${refusal.username})`;
      return `The credentials belong to the account ${refusal.account}${user}. Remedy: put the tokens of another user of X into .env, or name another file with --env-file.`;
    }
  }
};

export function addAccountCommands(program: Command, { surroundings, act }: CommandContext): void {
  const accounts = program.command("accounts").description("accounts of X that may be posted with");
  accounts
    .command("list", { isDefault: true })
    .description("all accounts and their state")
    .action(
      act<object, []>(async (service) => {
        const found = await listAccounts(service);
        return {
          json: found.map(({ name, status, username, userId, reason }) => ({
            name,
            status,
            username,
            userId,
            reason,
          })),
          text:
            found.length === 0
              ? ["There are no accounts yet: `npm run admin -- init` makes one."]
              : found.map(
                  ({ name, status, username, reason }) =>
                    `${name}  ${status}${username === undefined ? "" : `  @${username}`}${reason ? `  ${reason.message} ${reason.remedy}` : ""}`,
                ),
        };
      }),
    );

  accounts
    .command("add <name>")
    .description("connects one more account and lets a project post with it")
    .option("--project <name>", "that may post with it", "default")
    .addHelpText(
      "after",
      `
The account's own tokens are read from .env, or from the file that --env-file names:
  npm run admin -- --env-file .env.second accounts add second --project shop
Posts whose account is left open then go out with any active account of the project.`,
    )
    .action(
      act<{ readonly project: string }, [string]>(async (service, options, [name]) => {
        const credentials = readCredentials(surroundings, options);
        const added = await createAddAccount(service)({
          name,
          project: options.project,
          ...(credentials && { credentials }),
        });
        if (!added.ok) throw new AdminError(refusalText(added.error, name));
        const { project, account, isNew, isNewInProject, isVerified, warnings } = added.value;
        const report = { account, isNewAccount: isNew, isVerified, warnings };
        return {
          json: {
            project: { name: project.name, accounts: project.accountIds.length },
            account: {
              name,
              status: account.status,
              ...(account.username !== undefined && { username: account.username }),
            },
            credentials: added.value.credentials,
            verified: isVerified,
            warnings,
          },
          text: [
            `Account      ${accountText(report)}`,
            `Credentials  ${CREDENTIALS_TEXT[added.value.credentials]}`,
            `Project      ${project.name} ${isNewInProject ? "may post with it now" : "posts with it already"}, and has ${project.accountIds.length} account${project.accountIds.length === 1 ? "" : "s"}`,
            ...warningTexts(report),
          ],
        };
      }),
    );

  accounts
    .command("resume <name>")
    .description("lets a stopped account post again; what was held because of it goes on within a minute")
    .action(
      act<object, [string]>(async (service, _options, [name]) => {
        const account = (await listAccounts(service)).find((candidate) => candidate.name === name);
        if (!account)
          throw new AdminError(`There is no account ${name}. Remedy: see \`npm run admin -- accounts\`.`);
        await changeAccount(service.accounts, account.id, (current) =>
          activated(current, service.clock.now()),
        );
        return {
          json: { name, status: "active" },
          text: [`${name} may post again.`],
        };
      }),
    );
}
