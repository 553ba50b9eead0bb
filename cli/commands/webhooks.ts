import type { Command } from "commander";
import { webhookBody } from "#shared/contract/webhook-view.ts";
import type { CallAnswer } from "../client.ts";
import { addCommand, addGroup, wholeNumber } from "../command.ts";
import type { CommandContext, Counter } from "../context.ts";
import { EXIT } from "../failures.ts";
import { readPages } from "../pages.ts";
import { oneLine } from "../text-width.ts";
import { showDuration } from "../times.ts";

type Webhook = CallAnswer<"listWebhooks">["items"][number];
type Event = Webhook["events"][number];
type Delivery = CallAnswer<"listDeliveries">["items"][number];

const ALL_EVENTS = webhookBody.shape.events.element.options;

const ID = "01KAN0Q6T3M6W3C8H1A9J7Z5RD";
const SECRET = "Shown only now: keep it where the endpoint verifies signatures.";
const PAUSE_MS = 1_000;
const PING_DEADLINE_MS = 30_000;

const toEvents = (text: string): readonly Event[] => text.split(",").map((event) => event.trim() as Event);

const lastOf = ({ attempts }: Delivery) => attempts.at(-1);

const outcomeOf = (delivery: Delivery): string => {
  const last = lastOf(delivery);
  return last?.code ?? (last?.status === undefined ? "" : `${last.status}`);
};

function addList(webhooks: Command, { act }: CommandContext): void {
  addCommand(webhooks, {
    usage: "list",
    says: "Lists your webhooks, and how their endpoints answer.",
    examples: [["punctual webhooks list"], ["punctual webhooks list --json"]],
  }).action(
    act(async (counter) => {
      const { items } = await counter.client.call("listWebhooks");
      const { table, time, zone } = counter;
      return {
        json: { items },
        ids: items.map(({ id }) => id),
        text: [
          ...table(
            [
              { title: "Id" },
              { title: "Status" },
              { title: "Fails", align: "right" },
              { title: "Address", isElastic: true },
              { title: `Delivered (${zone})` },
            ],
            items.map(({ id, status, url, health }) => [
              id,
              status,
              `${health.failedInRow}`,
              url,
              time(health.lastDeliveredAt),
            ]),
          ),
          ...items.flatMap(({ id, reason }) =>
            reason
              ? ["", `${id} is paused: ${oneLine(reason.message)}`, `Remedy: ${oneLine(reason.remedy)}`]
              : [],
          ),
          ...(items.length === 0 ? ["No webhooks. Make one: punctual webhooks create --help"] : []),
        ],
      };
    }),
  );
}

function addShow(webhooks: Command, { act }: CommandContext): void {
  addCommand(webhooks, {
    usage: "show <id>",
    says: "Shows a webhook and how its endpoint answers. Its secret is never shown again.",
    examples: [[`punctual webhooks show ${ID}`]],
  }).action(
    act<object, [string]>(async (counter, _options, id) => {
      const webhook = await counter.client.call("readWebhook", { params: { id } });
      const { status, url, events, description, project, reason, health } = webhook;
      const { failedInRow, lastDeliveredAt, lastFailedAt } = health;
      return {
        json: webhook,
        ids: [id],
        text: [
          `Webhook    ${id}`,
          `Status     ${status}`,
          `Address    ${oneLine(url)}`,
          `Events     ${events.join(", ")}`,
          ...(description === undefined ? [] : [`For        ${oneLine(description)}`]),
          ...(project === undefined ? [] : [`Project    ${oneLine(project)}`]),
          ...(lastDeliveredAt === undefined ? [] : [`Delivered  ${counter.timeAndZone(lastDeliveredAt)}`]),
          ...(lastFailedAt === undefined
            ? []
            : [`Failed     ${counter.timeAndZone(lastFailedAt)}, ${failedInRow} in a row`]),
          ...(reason
            ? [`Reason     ${oneLine(reason.message)}`, `Remedy     ${oneLine(reason.remedy)}`]
            : []),
        ],
      };
    }),
  );
}

interface CreateOptions {
  readonly events: readonly Event[];
  readonly description?: string;
  readonly project?: string;
}

function addCreate(webhooks: Command, { act }: CommandContext): void {
  addCommand(webhooks, {
    usage: "create <url>",
    says: "Sends events to an address from now on, and shows the secret that signs them, this once.",
    more: `Events: ${ALL_EVENTS.join(", ")}.\nWith --quiet the secret alone is printed; \`list\` has the id.`,
    examples: [
      ["punctual webhooks create https://hooks.example.com/punctual"],
      ["punctual webhooks create https://hooks.example.com/x --events published,failed,held --project shop"],
    ],
  })
    .option("--events <list>", "which, divided by commas (default: all)", toEvents, ALL_EVENTS)
    .option("--description <text>", "what it is for")
    .option("--project <name>", "only what concerns this project")
    .action(
      act<CreateOptions, [string]>(async (counter, { events, description, project }, url) => {
        const made = await counter.client.call("createWebhook", {
          body: {
            url,
            events: [...events],
            ...(description !== undefined && { description }),
            ...(project !== undefined && { project }),
          },
        });
        return {
          json: made,
          ids: [made.secret],
          text: [
            `Webhook ${made.id} sends to ${oneLine(made.url)}.`,
            made.secret,
            SECRET,
            `Try it: punctual webhooks ping ${made.id}`,
          ],
        };
      }),
    );
}

/** Looks for the delivery until its first attempt has ended. */
async function waitForDelivery(
  id: string,
  deliveryId: string,
  counter: Counter,
): Promise<Delivery | undefined> {
  const endsAt = counter.surroundings.now().getTime() + PING_DEADLINE_MS;
  const bar = counter.bar("Waiting for the endpoint", 1);
  try {
    for (;;) {
      const { items } = await counter.client.call("listDeliveries", { params: { id }, query: {} });
      const delivery = items.find((one) => one.id === deliveryId);
      if ((delivery && delivery.attempts.length > 0) || counter.surroundings.now().getTime() >= endsAt)
        return delivery;
      await counter.sleep(PAUSE_MS);
    }
  } finally {
    bar.stop();
  }
}

function addPing(webhooks: Command, { act }: CommandContext): void {
  addCommand(webhooks, {
    usage: "ping <id>",
    says: "Sends a test event, and tells how the endpoint answers.",
    examples: [[`punctual webhooks ping ${ID}`]],
  }).action(
    act<object, [string]>(async (counter, _options, id) => {
      const { deliveryId } = await counter.client.call("pingWebhook", { params: { id } });
      const delivery = await waitForDelivery(id, deliveryId, counter);
      const last = delivery && lastOf(delivery);
      const isTaken = last !== undefined && last.code === undefined;
      return {
        json: delivery ?? { id: deliveryId },
        ids: [deliveryId],
        text: [
          last === undefined
            ? `It is on its way. Look at it: punctual webhooks deliveries ${id}`
            : isTaken
              ? `The endpoint took it in ${showDuration(last.durationMs)} (${last.status}).`
              : `The endpoint did not take it: ${last.code}${last.status === undefined ? "" : ` (${last.status})`}.`,
          ...(last !== undefined && !isTaken
            ? ["Remedy: the address must be public https and answer 2xx within seconds, without redirects."]
            : []),
        ],
        code: last === undefined || isTaken ? EXIT.ok : EXIT.failed,
      };
    }),
  );
}

function addDeliveries(webhooks: Command, { act }: CommandContext): void {
  addCommand(webhooks, {
    usage: "deliveries <id>",
    says: "Lists what was sent to an endpoint and how it answered, newest first; kept for 30 days.",
    examples: [
      [`punctual webhooks deliveries ${ID}`],
      [`punctual webhooks deliveries ${ID} --limit 100 --json`],
    ],
  })
    .option("--limit <n>", "how many", wholeNumber(1, 10_000), 20)
    .action(
      act<{ readonly limit: number }, [string]>(async (counter, { limit }, id) => {
        const { items, hasMore } = await readPages(limit, (cursor, size) =>
          counter.client.call("listDeliveries", {
            params: { id },
            query: { limit: size, ...(cursor !== undefined && { cursor }) },
          }),
        );
        const { table, time, zone } = counter;
        return {
          json: { items, hasMore },
          ids: items.map((delivery) => delivery.id),
          text: [
            ...table(
              [
                { title: "Delivery" },
                { title: "Event", isElastic: true },
                { title: `At (${zone})` },
                { title: "Status", isElastic: true },
                { title: "Tries", align: "right" },
              ],
              items.map((delivery) => [
                delivery.id,
                delivery.type,
                time(delivery.occurredAt),
                `${delivery.status} ${outcomeOf(delivery)}`,
                `${delivery.attemptCount}`,
              ]),
            ),
            ...(items.length === 0 ? ["Nothing was sent yet."] : []),
            ...(hasMore ? ["There are more: --limit."] : []),
          ],
        };
      }),
    );
}

function addRotate(webhooks: Command, { act }: CommandContext): void {
  addCommand(webhooks, {
    usage: "rotate <id>",
    says: "Gives a webhook a new secret. For a day events are signed with both.",
    more: "With --quiet the secret alone is printed.",
    examples: [
      [`punctual webhooks rotate ${ID}`],
      [`punctual webhooks rotate ${ID} --overlap-hours 0`, "the old one is known"],
    ],
  })
    .option("--overlap-hours <n>", "how long the old secret signs too (default: 24)", wholeNumber(0, 1_000))
    .action(
      act<{ readonly overlapHours?: number }, [string]>(async (counter, { overlapHours }, id) => {
        await counter.confirm(`Make a new secret for the webhook ${id}?`);
        const made = await counter.client.call("rotateWebhookSecret", {
          params: { id },
          body: { ...(overlapHours !== undefined && { overlapHours }) },
        });
        return {
          json: made,
          ids: [made.secret],
          text: [
            made.secret,
            SECRET,
            made.oldValidUntil === undefined
              ? "The old one has ended."
              : `The old one signs too until ${counter.timeAndZone(made.oldValidUntil)}.`,
          ],
        };
      }),
    );
}

export function addWebhookCommands(program: Command, context: CommandContext): void {
  const webhooks = addGroup(program, "webhooks", "Addresses that events are sent to.");
  const { act } = context;
  for (const add of [addList, addShow, addCreate, addPing, addDeliveries]) add(webhooks, context);
  addCommand(webhooks, {
    usage: "replay <id> <delivery>",
    says: "Sends an event once more, under the same id.",
    examples: [[`punctual webhooks replay ${ID} 01KAN0Q6T3M6W3C8H1A9J7Z5RE`]],
  }).action(
    act<object, [string, string]>(async (counter, _options, id, deliveryId) => {
      const delivery = await counter.client.call("replayDelivery", { params: { id, deliveryId } });
      return {
        json: delivery,
        ids: [deliveryId],
        text: [`It is sent again. Look: punctual webhooks deliveries ${id}`],
      };
    }),
  );
  addRotate(webhooks, context);
  addCommand(webhooks, {
    usage: "resume <id>",
    says: "Sends events to a paused webhook again. What happened meanwhile is not sent.",
    examples: [[`punctual webhooks resume ${ID}`]],
  }).action(
    act<object, [string]>(async (counter, _options, id) => {
      const webhook = await counter.client.call("resumeWebhook", { params: { id } });
      return { json: webhook, ids: [id], text: [`Webhook ${id} is ${webhook.status}.`] };
    }),
  );
  addCommand(webhooks, {
    usage: "delete <id>",
    says: "Deletes a webhook and its secrets.",
    examples: [[`punctual webhooks delete ${ID}`], [`punctual webhooks delete ${ID} --yes`]],
  }).action(
    act<object, [string]>(async (counter, _options, id) => {
      await counter.confirm(`Delete the webhook ${id}?`);
      const webhook = await counter.client.call("deleteWebhook", { params: { id } });
      return { json: webhook, ids: [id], text: [`Deleted ${oneLine(webhook.url)}.`] };
    }),
  );
}
