import type { Command } from "commander";
import type { CallAnswer } from "../client.ts";
import { addCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { EXIT } from "../failures.ts";
import { oneLine } from "../text-width.ts";

type Health = CallAnswer<"checkHealth">;

const COLOURS = { ok: "green", degraded: "yellow", down: "red", "not-checked": "dim" } as const;

const percent = (share: number): string => `${Number((share * 100).toFixed(1))} %`;

const describeAccounts = ({
  total,
  active,
  available,
  utilisation,
}: NonNullable<Health["accounts"]>): string =>
  `Accounts: ${active} of ${total} active, ${available} may post now${utilisation === null ? "" : `, ${percent(utilisation)} of X's quota used`}.`;

const describeActivity = (activity: NonNullable<Health["activity"]>): string => {
  const { postsPerMinute, requests, errorRate, meanResponseMs, p90ResponseMs } = activity;
  const told = [
    `${Number(postsPerMinute.toFixed(2))} posts a minute`,
    `${requests} requests`,
    ...(errorRate === null ? [] : [`${percent(errorRate)} failed`]),
    ...(meanResponseMs === null ? [] : [`${Math.round(meanResponseMs)} ms each`]),
    ...(p90ResponseMs === null ? [] : [`nine of ten within ${Math.round(p90ResponseMs)} ms`]),
  ];
  return `Last hour: ${told.join(", ")}.`;
};

export function addHealthCommand(program: Command, { act }: CommandContext): void {
  addCommand(program, {
    usage: "health",
    says: "Says what works, and why not. Ends with 1 unless everything is well.",
    examples: [["punctual health"], ["punctual health --json", "for a monitor"]],
  }).action(
    act(async (counter) => {
      const health = await counter.client.call("checkHealth");
      const { paint, table, timeAndZone } = counter;
      const { accounts, activity, queues = [] } = health;
      return {
        json: health,
        ids: [health.status],
        text: [
          `${paint(COLOURS[health.status], health.status)}  ${counter.client.url} (${health.stage}), ${timeAndZone(health.checkedAt)}`,
          "",
          ...table(
            [{ title: "Dependency" }, { title: "Status" }, { title: "Latency", align: "right" }],
            health.dependencies.map(({ name, status, latencyMs }) => [
              name,
              status,
              latencyMs === undefined ? "" : `${Math.round(latencyMs)} ms`,
            ]),
          ),
          ...health.dependencies.flatMap(({ name, status, why }) =>
            status === "ok" ? [] : [`${name}: ${oneLine(why)}`],
          ),
          ...(queues.length > 0 ? [""] : []),
          ...table(
            [
              { title: "Queue" },
              { title: "Waiting", align: "right" },
              { title: "In flight", align: "right" },
              { title: "Dead letters", align: "right" },
            ],
            queues.map(({ name, work, deadLetters }) => [
              name,
              work ? `${work.waiting + work.delayed}` : "",
              work ? `${work.inFlight}` : "",
              `${deadLetters.waiting + deadLetters.inFlight + deadLetters.delayed}`,
            ]),
          ),
          ...(accounts || activity ? [""] : []),
          ...(accounts ? [describeAccounts(accounts)] : []),
          ...(activity ? [describeActivity(activity)] : []),
        ],
        code: health.status === "ok" ? EXIT.ok : EXIT.failed,
      };
    }),
  );
}
