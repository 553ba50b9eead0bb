import type { CallAnswer } from "./client.ts";
import type { Counter } from "./context.ts";
import { oneLine } from "./text-width.ts";

type Who = CallAnswer<"whoami">;

export const readWho = ({ client }: Pick<Counter, "client">): Promise<Who> => client.call("whoami");

const all = (names: readonly string[] | undefined): string => names?.map(oneLine).join(", ") ?? "all";

export const describeWho = ({ owner, user, keyId, scopes }: Who): string =>
  `${user ? `${oneLine(user.name)} of ` : ""}${oneLine(owner)} with the key ${keyId} (${scopes.join(", ")})`;

export const listWho = ({ owner, user, keyId, scopes, projects, accounts }: Who): readonly string[] => [
  `Owner      ${oneLine(owner)}`,
  ...(user ? [`User       ${oneLine(user.name)}, ${user.role}`] : []),
  `Key        ${keyId}`,
  `Allows     ${scopes.join(", ")}`,
  `Projects   ${all(projects)}`,
  `Accounts   ${all(accounts)}`,
];
