import type { Command } from "commander";
import type * as z from "zod";
import type { createProjectBody } from "#shared/contract/project-view.ts";
import type { CallAnswer } from "../client.ts";
import { addCommand, addGroup, collect } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { usageError } from "../failures.ts";
import { oneLine } from "../text-width.ts";

type Project = CallAnswer<"readProject">;
type Preset = NonNullable<z.input<typeof createProjectBody>["preset"]>;

const describeProject = (project: Project): readonly string[] => [
  `Project    ${oneLine(project.name)}`,
  `Time zone  ${oneLine(project.timeZone)}`,
  `Accounts   ${project.accounts.map(oneLine).join(", ")} (default: ${oneLine(project.defaultAccount)})`,
  `Sources    ${project.sources.map((source) => `drop/${oneLine(source)}/`).join(", ") || "none"}`,
  `Weight     ${project.weight}`,
  `Policy     version ${project.policyVersion}`,
];

interface CreateOptions {
  readonly account: readonly string[];
  readonly defaultAccount?: string;
  readonly preset?: Preset;
}

function addCreate(projects: Command, { act }: CommandContext): void {
  addCommand(projects, {
    usage: "create <name>",
    says: "Makes a project: accounts, a time zone and a policy of its own.",
    more: "Its zone is --time-zone, or yours: local times in dropped files are read by it.",
    examples: [
      ["punctual projects create shop --account shop --time-zone Europe/Berlin"],
      ["punctual projects create news --account main --account second --preset conservative"],
    ],
  })
    .requiredOption("--account <name>", "an account that it posts with; may be repeated", collect)
    .option("--default-account <name>", "of posts that name none (default: the first)")
    .option("--preset <name>", "the policy that it starts with; open has no rules (default: steady)")
    .action(
      act<CreateOptions, [string]>(async (counter, { account, defaultAccount, preset }, name) => {
        const project = await counter.client.call("createProject", {
          body: {
            name,
            timeZone: counter.zone,
            accounts: [...account],
            ...(defaultAccount !== undefined && { defaultAccount }),
            ...(preset !== undefined && { preset }),
          },
        });
        return {
          json: project,
          ids: [project.name],
          text: [
            ...describeProject(project),
            ...(project.job === undefined
              ? []
              : [`Job        ${oneLine(project.job)} keeps its daily minimum`]),
            ...project.warnings.flatMap(({ message, remedy }) => [
              `Mind: ${oneLine(message)}`,
              `Remedy: ${oneLine(remedy)}`,
            ]),
          ],
        };
      }),
    );
}

export function addProjectCommands(program: Command, context: CommandContext): void {
  const projects = addGroup(program, "projects", "Projects: accounts, a time zone and a policy.");
  const { act } = context;
  addCommand(projects, {
    usage: "list",
    says: "Lists your projects.",
    examples: [["punctual projects list"], ["punctual projects list --json"]],
  }).action(
    act(async (counter) => {
      const { items } = await counter.client.call("listProjects");
      return {
        json: { items },
        ids: items.map(({ name }) => name),
        text: counter.table(
          [
            { title: "Name" },
            { title: "Zone" },
            { title: "Accounts", isElastic: true },
            { title: "Default" },
            { title: "Policy", align: "right" },
          ],
          items.map(({ name, timeZone, accounts, defaultAccount, policyVersion }) => [
            name,
            timeZone,
            accounts.join(", "),
            defaultAccount,
            `${policyVersion}`,
          ]),
        ),
      };
    }),
  );
  addCommand(projects, {
    usage: "show <name>",
    says: "Shows a project; `punctual policy show` shows its rules.",
    examples: [["punctual projects show default"]],
  }).action(
    act<object, [string]>(async (counter, _options, name) => {
      const project = await counter.client.call("readProject", { params: { name } });
      return { json: project, ids: [project.name], text: describeProject(project) };
    }),
  );
  addCreate(projects, context);
  addCommand(projects, {
    usage: "update <name>",
    says: "Changes the accounts of a project. Zone, weight and rules are of its policy: `punctual policy set`.",
    examples: [
      ["punctual projects update shop --account shop --account second", "all of its accounts"],
      ["punctual projects update shop --default-account second"],
    ],
  })
    .option("--account <name>", "all accounts that it posts with; may be repeated", collect)
    .option("--default-account <name>", "of posts that name none")
    .action(
      act<Partial<CreateOptions>, [string]>(async (counter, { account, defaultAccount }, name) => {
        if (account === undefined && defaultAccount === undefined)
          throw usageError("There is nothing to change.", "Give --account or --default-account.");
        const { version } = await counter.client.call("readProject", { params: { name } });
        const project = await counter.client.call("updateProject", {
          params: { name },
          ifVersion: version,
          body: {
            ...(account && { accounts: [...account] }),
            ...(defaultAccount !== undefined && { defaultAccount }),
          },
        });
        return { json: project, ids: [project.name], text: describeProject(project) };
      }),
    );
  addCommand(projects, {
    usage: "delete <name>",
    says: "Deletes a project that has nothing to publish any more.",
    examples: [["punctual projects delete shop"], ["punctual projects delete shop --yes"]],
  }).action(
    act<object, [string]>(async (counter, _options, name) => {
      const { version } = await counter.client.call("readProject", { params: { name } });
      await counter.confirm(`Delete the project ${name}?`);
      const project = await counter.client.call("deleteProject", { params: { name }, ifVersion: version });
      return { json: project, ids: [name], text: [`Deleted ${oneLine(name)}.`] };
    }),
  );
}
