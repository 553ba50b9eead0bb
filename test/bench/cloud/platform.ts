/** X for the benches: the sandbox with its own limits, in a process of its own. */
import { setTimeout } from "node:timers/promises";
import * as z from "zod";
import { startSandbox } from "#infra/local/sandbox/sandbox.ts";
import { answerParent } from "#test/bench/process.ts";
import { benchAccounts } from "./accounts.ts";
import { type Arrivals, type ArrivedPost, startSchema } from "./x-messages.ts";

const LOOK_EVERY_MS = 200;
const waitSchema = z.object({ posts: z.int(), untilMs: z.number() });

let sandbox: Awaited<ReturnType<typeof startSandbox>> | undefined;
const running = () => {
  if (!sandbox) throw new Error("X was not started");
  return sandbox;
};

/** The log of requests has no texts, and posts have no arrival: of one account both come in the same order. */
function arrivals(): Arrivals {
  const requests = running()
    .requests()
    .filter(({ method, path }) => method === "POST" && path === "/2/tweets");
  const made = requests.filter(({ status }) => status === 201);
  const posts = Map.groupBy(running().posts(), ({ userId }) => userId);
  const matched = [...Map.groupBy(made, ({ userId }) => userId)].flatMap(([userId = "", own]) => {
    const texts = posts.get(userId) ?? [];
    if (texts.length !== own.length)
      throw new Error(`account ${userId}: ${own.length} requests, ${texts.length} posts`);
    return own.map(
      ({ arrivedAtMs }, index): ArrivedPost => ({ text: texts[index]?.text ?? "", arrivedAtMs }),
    );
  });
  return { posts: matched, refused: requests.length - made.length };
}

answerParent(
  {
    async start(argument) {
      const { accounts } = startSchema.parse(argument);
      sandbox = await startSandbox({
        users: benchAccounts(accounts).map(({ user }) => user),
        keepMedia: "hash",
      });
      return sandbox.url;
    },
    async setLatency(argument) {
      running().setLatency(z.number().parse(argument));
    },
    /** Answers how many posts there are, once there are so many or the time is over. */
    async waitForPosts(argument) {
      const { posts, untilMs } = waitSchema.parse(argument);
      while (running().posts().length < posts && Date.now() < untilMs) await setTimeout(LOOK_EVERY_MS);
      return running().posts().length;
    },
    async arrivals() {
      return arrivals();
    },
  },
  async () => sandbox?.close(),
);
