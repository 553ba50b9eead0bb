import type { TooManyWebhooks } from "#shared/domain/webhook.ts";
import type { RefusedUrl } from "#shared/domain/webhook-url.ts";
import type { UnknownProject } from "#shared/usecases/find-project.ts";
import { unknownProject } from "./unknown-project.ts";

export const NO_WEBHOOK = {
  problem: "webhook-not-found",
  detail: "No webhook of this key's owner has this id.",
} as const;

export const WEBHOOK_CONFLICT = {
  problem: "webhook-conflict",
  detail: "Somebody else changed the owner's webhooks every time. Try again.",
} as const;

export const refuseTooMany = ({ limit }: TooManyWebhooks) =>
  ({
    problem: "too-many-webhooks",
    detail: `There are ${limit} webhooks already, and more are not taken. Delete one first.`,
  }) as const;

/** What is wrong with what a webhook is to be. */
export function refuseWebhook(refusal: RefusedUrl | UnknownProject) {
  switch (refusal.reason) {
    case "url-refused": {
      const detail = `${refusal.message} ${refusal.remedy}`;
      return { problem: "webhook-url-refused", detail, errors: [{ pointer: "/url", detail }] } as const;
    }
    case "unknown-project":
      return unknownProject(refusal.name, refusal.known, { pointer: "/project" });
  }
}
