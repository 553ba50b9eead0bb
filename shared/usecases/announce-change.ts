import type { OwnerId } from "#shared/domain/ids.ts";
import type { Webhook, WebhookEventName } from "#shared/domain/webhook.ts";
import {
  type AnnouncedAccount,
  type AnnouncedTask,
  deliveryIdFor,
  needsAttention,
  type TaskAfter,
  type TaskBefore,
  taskEvents,
  type WebhookEvent,
} from "#shared/domain/webhook-event.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { WebhookMessage, WebhookQueue } from "#shared/ports/webhook-queue.ts";
import type { WebhookStore } from "#shared/ports/webhook-store.ts";

export interface AnnounceChangeDeps {
  readonly webhooks: Pick<WebhookStore, "getRegister">;
  readonly accounts: Pick<AccountStore, "getProject">;
  readonly queue: WebhookQueue;
  readonly clock: Pick<Clock, "now">;
}

/** A write as the table's stream tells of it. */
export type AnnouncedChange =
  | {
      readonly kind: "task";
      readonly before?: TaskBefore;
      readonly after: AnnouncedTask & TaskAfter;
      /** When it was written: the same however often it is told. */
      readonly at: Date;
    }
  | {
      readonly kind: "account";
      readonly before?: Pick<AnnouncedAccount, "status" | "reason">;
      readonly after: AnnouncedAccount;
      readonly at: Date;
    };

/** @returns how many messages it sent */
export type AnnounceChange = (change: AnnouncedChange) => Promise<number>;

/** How long a new, changed or deleted webhook may go unnoticed. */
export const REGISTER_FRESH_MS = 60_000;
const OWNERS_REMEMBERED = 1_000;

/**
 * Hands what happened to the endpoints that want to know, one message for each. It calls no endpoint.
 *
 * Repeatable: what is told twice has the same delivery ids, and is delivered by one of its messages. An owner is looked up
 * once a minute, and only when something happened that anybody could want to know.
 *
 * @throws DependencyFault when the queue takes not all of them: tell it again
 */
export function createAnnounceChange({
  webhooks,
  accounts,
  queue,
  clock,
}: AnnounceChangeDeps): AnnounceChange {
  /** Oldest first. */
  const known = new Map<OwnerId, { readonly until: number; readonly active: readonly Webhook[] }>();

  async function activeOf(ownerId: OwnerId): Promise<readonly Webhook[]> {
    const now = clock.now().getTime();
    const remembered = known.get(ownerId);
    if (remembered && remembered.until > now) return remembered.active;
    const register = await webhooks.getRegister(ownerId);
    const active = register.webhooks.filter(({ status }) => status === "active");
    known.delete(ownerId);
    known.set(ownerId, { until: now + REGISTER_FRESH_MS, active });
    const [oldest] = known.keys();
    if (known.size > OWNERS_REMEMBERED && oldest !== undefined) known.delete(oldest);
    return active;
  }

  async function concerns({ project }: Webhook, { after, kind }: AnnouncedChange): Promise<boolean> {
    if (!project) return true;
    if (kind === "task") return after.projectId === project.id;
    const { accountIds = [] } = (await accounts.getProject(project.id)) ?? {};
    return accountIds.includes(after.id);
  }

  return async (change) => {
    const events = eventsOf(change);
    if (events.length === 0) return 0;
    const { ownerId } = change.after;
    const messages: WebhookMessage[] = [];
    for (const webhook of await activeOf(ownerId)) {
      const wanted = events.filter(({ type }) => wants(webhook, type));
      if (wanted.length === 0 || !(await concerns(webhook, change))) continue;
      for (const event of wanted) {
        const deliveryId = deliveryIdFor(webhook.id, event);
        messages.push({ ownerId, webhookId: webhook.id, deliveryId, attempt: 1, event });
      }
    }
    if (messages.length > 0) await queue.send(messages);
    return messages.length;
  };
}

const wants = ({ events }: Webhook, type: WebhookEvent["type"]): boolean =>
  events.includes(type as WebhookEventName);

function eventsOf(change: AnnouncedChange): readonly WebhookEvent[] {
  const { at } = change;
  if (change.kind === "task")
    return taskEvents(change.before, change.after).map((type) => ({
      type,
      at,
      task: announced(change.after),
    }));
  const { before, after: account } = change;
  return needsAttention(before, account) ? [{ type: "account-needs-attention", at, account }] : [];
}

/** Without what only tells what happened. */
function announced({
  recoveries: _recoveries,
  arrangedFor: _arrangedFor,
  ...task
}: TaskAfter & AnnouncedTask) {
  return task satisfies AnnouncedTask;
}
