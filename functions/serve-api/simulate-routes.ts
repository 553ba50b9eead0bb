import type * as z from "zod";
import { checkInput } from "#functions/middleware/http-input.ts";
import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { unknownProject } from "#functions/middleware/unknown-project.ts";
import type { InputError, ProblemCode } from "#shared/contract/problem.ts";
import {
  type DraftView,
  draftId,
  simulateEntry,
  toDraftView,
  toSimulateView,
} from "#shared/contract/simulate-view.ts";
import { toSuggestionView } from "#shared/contract/suggestion-view.ts";
import type { TextExcess } from "#shared/domain/planning/simulate-calendar.ts";
import { quote } from "#shared/domain/words.ts";
import { err, type Result } from "#shared/result.ts";
import type { SimulateCalendar } from "#shared/usecases/simulate-calendar.ts";
import type { SuggestSlots } from "#shared/usecases/suggest-slots.ts";
import { createRefusal, unknownAccount } from "./create-refusal.ts";
import { toNewTask } from "./new-task.ts";

export interface SimulateRouteDeps {
  readonly simulateCalendar: SimulateCalendar;
  readonly suggestSlots: SuggestSlots;
}

type Entry = z.output<typeof simulateEntry>;

interface Refusal {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly errors?: readonly InputError[];
  readonly tooLong?: readonly TextExcess[];
}

const refused = (pointer: string, { code, detail, errors, tooLong = [] }: Refusal): DraftView => ({
  pointer,
  outcome: "refused",
  code,
  detail,
  ...(errors && { errors: [...errors] }),
  ...(tooLong.length > 0 && { tooLong: tooLong.map((excess) => ({ ...excess })) }),
});

/** A draft names its project or leaves it to the request: another one's calendar is not looked at. */
function readDraft(entry: unknown, project: string, pointer: string): Result<Entry, DraftView> {
  const isObject = typeof entry === "object" && entry !== null && !Array.isArray(entry);
  const read = checkInput(simulateEntry, isObject ? { project, ...entry } : entry, "body");
  if (!read.ok) {
    const errors = read.error.errors?.map((one) => ({ ...one, pointer: `${pointer}${one.pointer ?? ""}` }));
    const { code, detail } = read.error;
    return err(refused(pointer, { code, detail, ...(errors && { errors }) }));
  }
  if (read.value.project === project) return read;
  const detail = `This dry run is of the project ${quote(project)}: simulate drafts of another one by themselves.`;
  const errors = [{ pointer: `${pointer}/project`, detail }];
  return err(refused(pointer, { code: "invalid-input", detail, errors }));
}

type SimulateRoutes = Pick<RouteHandlers, "simulate" | "suggestSlots">;

/** What would happen, and where there is room: which answer each outcome is. */
export const createSimulateRoutes = (usecases: SimulateRouteDeps): SimulateRoutes => ({
  async simulate({ caller: { ownerId }, body }): Promise<RouteAnswer<"simulate">> {
    const { project, account, days } = body;
    const entries = body.drafts.map((entry, index) => readDraft(entry, project, `/drafts/${index}`));
    const wanted = entries.flatMap((entry, index) =>
      entry.ok ? [{ id: draftId(index), post: toNewTask(ownerId, entry.value) }] : [],
    );
    const simulated = await usecases.simulateCalendar({ ownerId, project, account, days, drafts: wanted });
    if (!simulated.ok) {
      const { error } = simulated;
      return error.reason === "unknown-project"
        ? unknownProject(error.name, error.known, { pointer: "/project" })
        : unknownAccount(`The project ${quote(project)} has no account ${quote(error.name)}.`, {
            pointer: "/account",
          });
    }
    const run = simulated.value;
    let next = 0;
    const drafts = entries.map((entry, index): DraftView => {
      if (!entry.ok) return entry.error;
      const draft = run.drafts[next++];
      if (!draft) throw new RangeError("a draft has no answer");
      if (draft.ok) return toDraftView(draft.value);
      const { refusal, excesses } = draft.error;
      const root = `/drafts/${index}`;
      const isThread = entry.value.thread !== undefined;
      const { problem, detail, errors } = createRefusal(refusal, { project, isThread, root });
      return refused(root, { code: problem, detail, errors, tooLong: excesses });
    });
    return { status: 200, body: toSimulateView(run, drafts) };
  },

  async suggestSlots({ caller: { ownerId }, query }): Promise<RouteAnswer<"suggestSlots">> {
    const suggested = await usecases.suggestSlots({ ownerId, ...query });
    if (suggested.ok) return { status: 200, body: toSuggestionView(suggested.value) };
    const { error } = suggested;
    switch (error.reason) {
      case "unknown-project":
        return unknownProject(error.name, error.known, { parameter: "project" });
      case "unknown-account":
        return unknownAccount(`The project ${quote(query.project)} has no account ${quote(error.name)}.`, {
          parameter: "account",
        });
      case "bad-time": {
        // The rule speaks of `publishAt`, which is `from` here.
        const detail = error.why.message.replace(/^publishAt/, "from");
        return { problem: error.code, detail, errors: [{ parameter: "from", detail }] };
      }
      case "no-free-slot": {
        const detail = `${error.why.message} ${error.why.remedy}`;
        return { problem: "no-free-slot", detail, errors: [{ parameter: "strategy", detail }] };
      }
    }
  },
});
