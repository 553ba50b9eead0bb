import type { OwnerId, RecurrenceId } from "#shared/domain/ids.ts";
import type { Reason } from "#shared/domain/reason.ts";
import { instantOf, type LocalTime, localTimeOf } from "#shared/domain/recurrence/local-time.ts";
import { listOccurrences } from "#shared/domain/recurrence/occurrences.ts";
import { readTime } from "#shared/domain/recurrence/read-recurrence.ts";
import {
  MAX_EXCEPTIONS,
  MAX_MOVE_MS,
  type Override,
  type Recurrence,
  type RecurrenceContent,
} from "#shared/domain/recurrence/recurrence.ts";
import { durationInWords, instantInWords, quote } from "#shared/domain/words.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { RecurrenceStore, StoredRecurrence } from "#shared/ports/recurrence-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import {
  type ChangeRecurrenceRefusal,
  changeOwnRecurrence,
  type RecurrenceChange,
} from "./change-own-recurrence.ts";
import { type BadVariant, checkVariant } from "./check-recurrence.ts";
import { type ExpandAtOnceDeps, expandAndShow } from "./expand-at-once.ts";
import type { ShownRecurrence, ShowRecurrenceDeps } from "./show-recurrence.ts";

export interface ChangeOccurrenceDeps extends ShowRecurrenceDeps, ExpandAtOnceDeps {
  readonly recurrences: RecurrenceStore;
  readonly accounts: AccountStore;
}

/** What becomes of one occurrence; `restore`: it is like the others again. */
export type OccurrenceWish =
  | { readonly kind: "skip" | "restore" }
  | {
      readonly kind: "override";
      /** One per part. Absent: the text of the rotation. */
      readonly texts?: readonly string[] | undefined;
      /** As written. Absent: when the rule says. */
      readonly publishAt?: string | undefined;
    };

export type OccurrenceRefusal =
  | ChangeRecurrenceRefusal
  | BadVariant
  | {
      readonly reason: "bad-occurrence";
      readonly field: "occurrence" | "publishAt";
      readonly why: Pick<Reason, "message"> & {
        readonly code: "no-such-occurrence" | "slot-passed" | "bad-time" | "too-many-exceptions";
      };
    };

/** Leaves out, moves or rewords one coming occurrence, or undoes that. */
export type ChangeOccurrence = (
  ownerId: OwnerId,
  id: RecurrenceId,
  /** As written: the local time that the rule names, or its instant. */
  occurrence: string,
  wish: OccurrenceWish,
  ifVersion?: number,
) => Promise<Result<ShownRecurrence, OccurrenceRefusal>>;

const DAY_MS = 86_400_000;
/** Together with the texts of the largest request they fit into an item of DynamoDB, 400 kB. */
const MAX_OVERRIDE_BYTES = 100_000;
const later = (at: Date, ms: number): Date => new Date(at.getTime() + ms);

type BadOccurrence = Extract<OccurrenceRefusal, { readonly reason: "bad-occurrence" }>;
const refuse = (
  field: BadOccurrence["field"],
  code: BadOccurrence["why"]["code"],
  message: string,
): Result<never, BadOccurrence> => err({ reason: "bad-occurrence", field, why: { code, message } });

export function createChangeOccurrence(deps: ChangeOccurrenceDeps): ChangeOccurrence {
  const { accounts, clock } = deps;

  async function decide(
    { recurrence, content }: StoredRecurrence,
    written: string,
    wish: OccurrenceWish,
  ): Promise<Result<RecurrenceChange, OccurrenceRefusal>> {
    const now = clock.now();
    const found = findOccurrence(recurrence, written);
    if (!found.ok) return found;
    const local = found.value;
    const { timeZone } = recurrence.schedule;
    const named = instantOf(local, timeZone).at;
    const moved = content.overrides[local]?.at;
    const due = moved ? instantOf(moved, timeZone).at : named;
    if (due <= now)
      return refuse("occurrence", "slot-passed", `It was due at ${instantInWords(due)}: what is past stays.`);

    const kept = keepComing(recurrence, content, now);
    const skips = kept.skips.filter((one) => one !== local);
    const { [local]: before, ...overrides } = kept.overrides;
    switch (wish.kind) {
      case "restore":
        return ok({ recurrence: { skips }, ...(before && { content: { overrides } }) });
      case "skip":
        return limited({ recurrence: { skips: [...skips, local].toSorted() } }, [...skips, local], overrides);
      case "override": {
        const account = wish.texts && (await accounts.getAccount(recurrence.accountId));
        const parts = wish.texts && account && checkVariant(wish.texts, account, 0);
        if (parts && !parts.ok) return parts;
        const at = wish.publishAt === undefined ? undefined : readTime(wish.publishAt, timeZone);
        if (wish.publishAt !== undefined) {
          if (!at) return refuse("publishAt", "bad-time", `publishAt ${quote(wish.publishAt)} is no time.`);
          const instant = instantOf(at, timeZone).at;
          if (instant <= now)
            return refuse("publishAt", "slot-passed", `${instantInWords(instant)} has passed.`);
          if (Math.abs(instant.getTime() - named.getTime()) > MAX_MOVE_MS)
            return refuse(
              "publishAt",
              "bad-time",
              `An occurrence moves by ${durationInWords(MAX_MOVE_MS)} at most, from ${instantInWords(named)}.`,
            );
        }
        const override: Override = { ...(parts && { parts: parts.value }), ...(at && { at }) };
        const next = { ...overrides, [local]: override };
        return limited({ recurrence: { skips }, content: { overrides: next } }, skips, next);
      }
    }
  }

  return async (ownerId, id, occurrence, wish, ifVersion) => {
    const changed = await changeOwnRecurrence<OccurrenceRefusal>(deps, ownerId, id, ifVersion, (stored) =>
      decide(stored, occurrence, wish),
    );
    return changed.ok ? ok(await expandAndShow(deps, changed.value.after)) : changed;
  };
}

/** The local time of an occurrence that the rule or an added date names, skipped or not. */
function findOccurrence({ schedule }: Recurrence, written: string): Result<LocalTime, BadOccurrence> {
  const local = readTime(written, schedule.timeZone);
  if (!local)
    return refuse(
      "occurrence",
      "bad-time",
      `occurrence ${quote(written)} is no time; write it as the recurrence shows it.`,
    );
  const { at } = instantOf(local, schedule.timeZone);
  const near = listOccurrences(schedule, { after: later(at, -DAY_MS), until: later(at, DAY_MS) });
  // One that the clocks moved is also known by the time that they show.
  const found =
    near.find((one) => one.local === local) ??
    near.find((one) => one.isShifted && localTimeOf(one.at, schedule.timeZone) === local);
  if (found) return ok(found.local);
  const shown = near.map((one) => one.local.replace("T", " ")).slice(0, 5);
  return refuse(
    "occurrence",
    "no-such-occurrence",
    `The rule names nothing at ${local.replace("T", " ")}${shown.length > 0 ? `; it names ${shown.join(", ")}` : ""}.`,
  );
}

/** Exceptions that still mean something. */
function keepComing(
  { skips }: Recurrence,
  { overrides }: RecurrenceContent,
  now: Date,
): { readonly skips: readonly LocalTime[]; readonly overrides: RecurrenceContent["overrides"] } {
  const oldest = localTimeOf(later(now, -MAX_MOVE_MS - 2 * DAY_MS), "UTC");
  return {
    skips: skips.filter((local) => local >= oldest),
    overrides: Object.fromEntries(Object.entries(overrides).filter(([local]) => local >= oldest)),
  };
}

function limited(
  change: RecurrenceChange,
  skips: readonly LocalTime[],
  overrides: RecurrenceContent["overrides"],
): Result<RecurrenceChange, BadOccurrence> {
  const count = new Set([...skips, ...Object.keys(overrides)]).size;
  const sizeBytes = Buffer.byteLength(JSON.stringify(overrides));
  if (count <= MAX_EXCEPTIONS && sizeBytes <= MAX_OVERRIDE_BYTES) return ok(change);
  return refuse(
    "occurrence",
    "too-many-exceptions",
    count > MAX_EXCEPTIONS
      ? `${count} coming occurrences differ from the rule; at most ${MAX_EXCEPTIONS} may. Change the rule instead.`
      : `The texts of single occurrences have ${sizeBytes} bytes together; at most ${MAX_OVERRIDE_BYTES} are taken.`,
  );
}
