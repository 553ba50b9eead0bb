/** `npm start`: Punctual on this machine until Ctrl-C. */
import "#infra/require-node.ts";
import { join, relative, resolve } from "node:path";
import { parseArgs, styleText } from "node:util";
import * as z from "zod";
import { readDotEnv } from "./dot-env.ts";
import { isFaultForPeople } from "./faults.ts";
import { launch } from "./launch.ts";
import type { Report } from "./reports.ts";

/** The laptop needs no minutes of lead: its Scheduler fires at the second and its uploads stay on the machine. */
const PARAMETERS = {
  HoldLeadSeconds: "5",
  NearLimitSeconds: "5",
  PrepareLeads: "photo=5,gif=5,video=10,large=30",
  SettleSeconds: "5",
};

const environment = z.object({
  PUNCTUAL_PORT: z
    .string()
    .regex(/^\d+$/)
    .default("4550")
    .transform(Number)
    .refine((port) => port <= 65_533),
});

const root = join(import.meta.dirname, "../..");

const help = `npm start [-- --sandbox] [-- --preset <name>] [-- --directory <path>]

Runs Punctual on this machine from the very template that deploys, until Ctrl-C. Copy files into the drop folder, or use
the API. With credentials of X in .env (see .env.example) posts go to the real X; else to a sandbox with a timeline page.

  --preset <name>      what a new project allows itself (default steady: 90 minutes between two posts, none before 7:00;
                       open: no rules). npm run admin -- --local projects policy default changes it later
  --sandbox            post to the sandbox, whatever .env holds
  --directory <path>   where drop/, outcome/ and state/ are (default .punctual)
  PUNCTUAL_PORT        the API's port (default 4550); the next two are the timeline page's and the AWS gateway's
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      sandbox: { type: "boolean" },
      preset: { type: "string" },
      directory: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const parsed = environment.safeParse(readDotEnv(root));
  if (!parsed.success) {
    console.error("PUNCTUAL_PORT must be a port number up to 65533; two more above it are used.");
    return 1;
  }
  const stopped = Promise.withResolvers<void>();
  let stops = 0;
  const stop = () => {
    if (++stops === 1) stopped.resolve();
    else if (stops === 2)
      console.error("Still stopping: running functions are finishing. Once more ends at once.");
    else process.exit(1);
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);

  const punctual = await launch({
    root,
    directory: values.directory === undefined ? join(root, ".punctual") : resolve(values.directory),
    sandboxOnly: values.sandbox ?? false,
    port: parsed.data.PUNCTUAL_PORT,
    // A receiver on this machine can be tried.
    parameters: { ...PARAMETERS, AllowLoopbackWebhooks: "true" },
    ...(values.preset !== undefined && { preset: values.preset }),
    onStep: (step) => console.error(styleText("dim", `${step} …`)),
    onReport: (report) => {
      if (isNewsworthy(report)) console.error(describe(report));
    },
  });
  const { apiUrl, apiKey, dropFolder, outcomeFolder, sandbox, warnings } = punctual;
  const row = (name: string, value: string) => console.log(`${name.padEnd(14)}${value}`);
  console.log(styleText("bold", "\nPunctual is running.\n"));
  row("Drop folder", join(relative(process.cwd(), dropFolder), "default/"));
  row("Outcomes", join(relative(process.cwd(), outcomeFolder), "default/"));
  row("API", `${apiUrl}/api/v1`);
  row("API key", apiKey);
  row("Rules", "npm run admin -- --local projects");
  row("Posts go to", sandbox ? `${sandbox.url} (sandbox timeline)` : "X, with the credentials of .env");
  for (const warning of warnings) console.log(styleText("yellow", `\n${warning}`));
  console.log(
    styleText(
      "dim",
      `\nTry:  echo 'Hello from a file' > ${join(relative(process.cwd(), dropFolder), "default/hello.txt")}\nStop: Ctrl-C. The next start finds everything as it was; \`npm run reset\` empties it.`,
    ),
  );

  await stopped.promise;
  console.log("\nStopping: running functions may finish …");
  await punctual.close();
  return 0;
}

/** The first, the tenth, the hundredth time: a loop of failures must not flood the terminal. */
const isNewsworthy = ({ count }: Report): boolean => Number.isInteger(Math.log10(count));

function describe({ message, count }: Report): string {
  return styleText("red", count > 1 ? `${message} (${count} times)` : message);
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!isFaultForPeople(error)) throw error;
  console.error(styleText("red", error.message));
  process.exitCode = 1;
}
