import type * as z from "zod";
import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { unknownProject } from "#functions/middleware/unknown-project.ts";
import {
  type changeRecurrenceBody,
  toRecurrenceSummary,
  toRecurrenceView,
} from "#shared/contract/recurrence-view.ts";
import { asRecurrenceId } from "#shared/domain/ids.ts";
import { quote } from "#shared/domain/words.ts";
import type { ChangeOccurrence, OccurrenceRefusal } from "#shared/usecases/change-occurrence.ts";
import type { ChangeRecurrence } from "#shared/usecases/change-recurrence.ts";
import type { RecurrenceRefusal, WantedRecurrence } from "#shared/usecases/check-recurrence.ts";
import type { CreateRecurrence } from "#shared/usecases/create-recurrence.ts";
import type { DeleteRecurrence } from "#shared/usecases/delete-recurrence.ts";
import type { ListRecurrences } from "#shared/usecases/list-recurrences.ts";
import type { ReadRecurrence } from "#shared/usecases/read-recurrence.ts";
import { unknownAccount } from "./create-refusal.ts";
import { changedSince } from "./stale-version.ts";

export interface RecurrenceRouteDeps {
  readonly createRecurrence: CreateRecurrence;
  readonly listRecurrences: ListRecurrences;
  readonly readRecurrence: ReadRecurrence;
  readonly changeRecurrence: ChangeRecurrence;
  readonly deleteRecurrence: DeleteRecurrence;
  readonly changeOccurrence: ChangeOccurrence;
}

const NOT_FOUND = {
  problem: "recurrence-not-found",
  detail: "No recurrence of this key's owner has this id.",
} as const;
const CONFLICT = {
  problem: "recurrence-conflict",
  detail: "Somebody else changed the recurrence every time. Try again.",
} as const;

type Body = z.output<typeof changeRecurrenceBody>;

const toWanted = ({ texts, ...body }: Body): WantedRecurrence => ({
  ...body,
  texts: texts.map((text) => (typeof text === "string" ? [text] : text)),
});

function refuse(refusal: RecurrenceRefusal, { texts }: Body) {
  switch (refusal.reason) {
    case "unknown-account":
      return unknownAccount(`The project has no account ${quote(refusal.name)}.`, { pointer: "/account" });
    case "bad-schedule": {
      const { field, index, why } = refusal.bad;
      const detail = `${why.message} ${why.remedy}`;
      const pointer = `/${field}${index === undefined ? "" : `/${index}`}`;
      return { problem: why.code, detail, errors: [{ pointer, detail }] } as const;
    }
    case "bad-text": {
      const { code, message, variant, part } = refusal;
      const isThread = typeof texts[variant] !== "string";
      const pointer = `/texts/${variant}${isThread && part !== undefined ? `/${part}` : ""}`;
      return { problem: code, detail: message, errors: [{ pointer, detail: message }] } as const;
    }
  }
}

function refuseOccurrence(refusal: Exclude<OccurrenceRefusal, { readonly reason: "bad-text" }>) {
  switch (refusal.reason) {
    case "not-found":
      return NOT_FOUND;
    case "conflict":
      return CONFLICT;
    case "stale":
      return changedSince(refusal);
    case "bad-occurrence": {
      const { field, why } = refusal;
      return {
        problem: why.code,
        detail: why.message,
        errors: [{ pointer: `/${field}`, detail: why.message }],
      } as const;
    }
  }
}

type RecurrenceRoutes = Pick<
  RouteHandlers,
  | "createRecurrence"
  | "listRecurrences"
  | "readRecurrence"
  | "changeRecurrence"
  | "deleteRecurrence"
  | "skipOccurrence"
  | "overrideOccurrence"
>;

/** Posts that recur: which answer each outcome is. */
export const createRecurrenceRoutes = (usecases: RecurrenceRouteDeps): RecurrenceRoutes => ({
  async createRecurrence({ caller: { ownerId }, body, newId }): Promise<RouteAnswer<"createRecurrence">> {
    const { project, ...wanted } = body;
    const id = newId === undefined ? undefined : asRecurrenceId(newId);
    const created = await usecases.createRecurrence({ ...toWanted(wanted), ownerId, id, project });
    if (created.ok) {
      const recurrence = toRecurrenceView(created.value);
      const location = `/api/v1/scheduling/recurrences/${recurrence.id}`;
      return { status: 201, body: recurrence, headers: { location } };
    }
    const { error } = created;
    return error.reason === "unknown-project"
      ? unknownProject(error.name, error.known, { pointer: "/project" })
      : refuse(error, wanted);
  },

  async listRecurrences({ caller: { ownerId }, query: { limit, cursor } }) {
    const page = await usecases.listRecurrences(ownerId, {
      limit,
      ...(cursor !== undefined && { after: cursor }),
    });
    return {
      status: 200,
      body: {
        items: page.items.map(toRecurrenceSummary),
        ...(page.next !== undefined && { next: page.next }),
      },
    };
  },

  async readRecurrence({ caller: { ownerId }, params }) {
    const read = await usecases.readRecurrence(ownerId, params.id);
    return read.ok ? { status: 200, body: toRecurrenceView(read.value) } : NOT_FOUND;
  },

  async changeRecurrence({
    caller: { ownerId },
    params,
    body,
    ifVersion,
  }): Promise<RouteAnswer<"changeRecurrence">> {
    const changed = await usecases.changeRecurrence(ownerId, params.id, toWanted(body), ifVersion);
    if (changed.ok) return { status: 200, body: toRecurrenceView(changed.value) };
    const { error } = changed;
    switch (error.reason) {
      case "not-found":
        return NOT_FOUND;
      case "conflict":
        return CONFLICT;
      case "stale":
        return changedSince(error);
      default:
        return refuse(error, body);
    }
  },

  async deleteRecurrence({
    caller: { ownerId },
    params,
    ifVersion,
  }): Promise<RouteAnswer<"deleteRecurrence">> {
    const deleted = await usecases.deleteRecurrence(ownerId, params.id, ifVersion);
    if (deleted.ok) return { status: 200, body: toRecurrenceSummary(deleted.value) };
    const { error } = deleted;
    if (error.reason === "stale") return changedSince(error);
    return error.reason === "not-found" ? NOT_FOUND : CONFLICT;
  },

  async skipOccurrence({
    caller: { ownerId },
    params,
    body,
    ifVersion,
  }): Promise<RouteAnswer<"skipOccurrence">> {
    const kind = body.undo ? "restore" : "skip";
    const changed = await usecases.changeOccurrence(ownerId, params.id, body.occurrence, { kind }, ifVersion);
    if (changed.ok) return { status: 200, body: toRecurrenceView(changed.value) };
    if (changed.error.reason === "bad-text") throw new RangeError("a skip has no text");
    return refuseOccurrence(changed.error);
  },

  async overrideOccurrence({
    caller: { ownerId },
    params,
    body,
    ifVersion,
  }): Promise<RouteAnswer<"overrideOccurrence">> {
    const { occurrence, text, thread, publishAt } = body;
    const texts = thread ?? (text === undefined ? undefined : [text]);
    const wish = { kind: "override", texts, publishAt } as const;
    const changed = await usecases.changeOccurrence(ownerId, params.id, occurrence, wish, ifVersion);
    if (changed.ok) return { status: 200, body: toRecurrenceView(changed.value) };
    const { error } = changed;
    if (error.reason !== "bad-text") return refuseOccurrence(error);
    const pointer = thread ? `/thread${error.part === undefined ? "" : `/${error.part}`}` : "/text";
    return { problem: error.code, detail: error.message, errors: [{ pointer, detail: error.message }] };
  },
});
