import type { Account, Project } from "#shared/domain/account.ts";
import { ANY_ACCOUNT } from "#shared/domain/account-pool.ts";
import { checkPost } from "#shared/domain/post-text.ts";
import { type BadSchedule, readSchedule } from "#shared/domain/recurrence/read-recurrence.ts";
import { MAX_VARIANTS, type Recurrence } from "#shared/domain/recurrence/recurrence.ts";
import {
  DEFAULT_LATE_POLICY,
  type LatePolicy,
  type Part,
  type ReconcilePolicy,
} from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { findAccount, type UnknownAccount } from "./find-project.ts";

/** What a person decides about a recurrence. */
export interface WantedRecurrence {
  readonly name: string;
  /** Names, as people know them. `any`: whichever has most room. Absent: the project's default. */
  readonly account?: string | undefined;
  /** In rotation; each has one text per part. */
  readonly texts: readonly (readonly string[])[];
  readonly rule: string;
  /** As written: a local time, or an instant. */
  readonly dtStart: string;
  /** Absent: the project's. */
  readonly timeZone?: string | undefined;
  readonly exDates: readonly string[];
  readonly rDates: readonly string[];
  /** Nothing of it is posted until it is not paused any more. */
  readonly paused: boolean;
  readonly priority: number;
  readonly language: string;
  /** Absent: the project's. */
  readonly latePolicy?: LatePolicy | undefined;
  readonly reconcile?: ReconcilePolicy | undefined;
  readonly maxRetries: number;
}

export interface BadVariant {
  readonly reason: "bad-text";
  readonly code: TextCode;
  readonly message: string;
  /** Place of the text among the texts, from 0. */
  readonly variant: number;
  /** The first part of it that does not fit, from 0; absent: the text as a whole. */
  readonly part?: number;
}

export type RecurrenceRefusal =
  | UnknownAccount
  | BadVariant
  | { readonly reason: "bad-schedule"; readonly bad: BadSchedule };

const TEXT_CODES = ["empty-post", "empty-part", "too-many-parts", "invalid-text", "text-too-long"] as const;
type TextCode = (typeof TEXT_CODES)[number];

type CheckedRecurrence = Pick<
  Recurrence,
  | "accountId"
  | "isAny"
  | "name"
  | "schedule"
  | "status"
  | "strategy"
  | "priority"
  | "language"
  | "latePolicy"
  | "maxRetries"
> & { readonly reconcile?: ReconcilePolicy };

export interface CheckedWish {
  readonly recurrence: CheckedRecurrence;
  readonly variants: readonly (readonly Part[])[];
}

/** Checks all that a person decides about a recurrence of this project, and how long its texts may be. */
export async function checkRecurrence(
  accounts: Pick<AccountStore, "getAccount">,
  project: Project,
  wanted: WantedRecurrence,
): Promise<Result<CheckedWish, RecurrenceRefusal>> {
  const { name, priority, language, maxRetries } = wanted;
  const latePolicy = wanted.latePolicy ?? project.policy?.latePolicy ?? DEFAULT_LATE_POLICY;
  const reconcile = wanted.reconcile ?? project.policy?.reconcile;
  const account = await accountOf(accounts, project, wanted.account);
  if (!account.ok) return account;
  const schedule = readSchedule({ ...wanted, timeZone: wanted.timeZone ?? project.timeZone });
  if (!schedule.ok) return err({ reason: "bad-schedule", bad: schedule.error });
  if (wanted.texts.length === 0 || wanted.texts.length > MAX_VARIANTS)
    throw new RangeError(`the contract takes 1 to ${MAX_VARIANTS} texts, not ${wanted.texts.length}`);
  const variants: (readonly Part[])[] = [];
  for (const [variant, texts] of wanted.texts.entries()) {
    const parts = checkVariant(texts, account.value, variant);
    if (!parts.ok) return parts;
    variants.push(parts.value);
  }
  return ok({
    recurrence: {
      accountId: account.value.id,
      isAny: wanted.account === ANY_ACCOUNT,
      name,
      schedule: schedule.value,
      status: wanted.paused ? "paused" : "active",
      strategy: "fixed",
      priority,
      language,
      latePolicy,
      ...(reconcile && { reconcile }),
      maxRetries,
    },
    variants,
  });
}

async function accountOf(
  accounts: Pick<AccountStore, "getAccount">,
  project: Project,
  name: string | undefined,
): Promise<Result<Account, UnknownAccount>> {
  const { ownerId, defaultAccountId } = project;
  if (name !== undefined && name !== ANY_ACCOUNT) return findAccount(accounts, ownerId, name, project);
  const account = await accounts.getAccount(defaultAccountId);
  return account?.ownerId === ownerId
    ? ok(account)
    : err({ reason: "unknown-account", name: String(defaultAccountId) });
}

/** Checks one text of the rotation, or of one occurrence. */
export function checkVariant(
  texts: readonly string[],
  { maxTextLength }: Pick<Account, "maxTextLength">,
  variant: number,
): Result<readonly Part[], BadVariant> {
  const limits = { maxTextLength, hasMedia: false };
  const checked = checkPost(texts, limits);
  if (checked.ok) return checked;
  const { code, message } = checked.error;
  const known = TEXT_CODES.find((one) => one === code);
  if (!known) throw new RangeError(`no answer is known for ${code}`);
  const isOfOnePart = texts.length > 1 && known !== "too-many-parts";
  const part = isOfOnePart ? texts.findIndex((text) => !checkPost([text], limits).ok) : -1;
  return err({ reason: "bad-text", code: known, message, variant, ...(part >= 0 && { part }) });
}
