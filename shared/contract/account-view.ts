import * as z from "zod";
import type { Account } from "#shared/domain/account.ts";
import { type Gate, QUARTER_LIMIT, type UsedWindow } from "#shared/domain/gate.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import { nameField } from "#shared/domain/post-fields.ts";
import type { Reason } from "#shared/domain/reason.ts";
import { instantInWords } from "#shared/domain/words.ts";

export const accountPath = z.strictObject({ name: nameField });

const reasonView = z.strictObject({ code: z.string(), message: z.string(), remedy: z.string() });
const instant = z.iso.datetime();

/** An account of X that posts are made with. Its credentials are never shown. */
export const accountView = z.strictObject({
  name: z.string(),
  status: z.enum(["active", "paused", "needs-reconnect"]),
  /** Why it is not active. */
  reason: reasonView.optional(),
  pausedUntil: instant.optional().meta({ description: "The pause ends by itself then." }),
  userId: z.string().optional().meta({ description: "X's own id, once X vouched for the account." }),
  username: z.string().optional(),
  followers: z.int().nonnegative().optional().meta({ description: "When X was last asked." }),
  maxTextLength: z.int().positive().meta({ description: "Weighted characters: 280, or more with Premium." }),
  version: z.int().positive(),
});
export type AccountView = z.output<typeof accountView>;

export const accountList = z.strictObject({ items: z.array(accountView) });

/** Body of a pause. */
export const pauseBody = z
  .strictObject({
    until: instant
      .transform((iso) => new Date(iso))
      .optional()
      .meta({ description: "The pause ends by itself then. Absent: when it is resumed." }),
  })
  .optional();

/** What X said when it was asked now. */
export const verificationView = z.strictObject({
  verified: z.boolean(),
  account: accountView,
  /** What X refused. */
  refusal: reasonView.optional(),
});

const windowView = z.strictObject({
  used: z.int().nonnegative().meta({ description: "Posts, reserved ones included." }),
  resetAt: instant.optional().meta({ description: "Absent: nothing is counted." }),
});

export const accountQuotaView = z.strictObject({
  account: z.string(),
  quarterHour: windowView.extend({
    limit: z.int().positive().meta({ description: "X's own, in 15 minutes." }),
    remaining: z.int().nonnegative(),
  }),
  day: windowView.meta({ description: "24 hours from the first post in them; each project has its limit." }),
  reserved: z.int().nonnegative().meta({ description: "Posts that are under way or in doubt." }),
  lastPostAt: instant.optional(),
  nextPostAt: instant.optional().meta({ description: "Not before. Absent: now." }),
  closed: z
    .strictObject({ until: instant, reason: reasonView.optional() })
    .optional()
    .meta({ description: "X takes nothing until then." }),
  projects: z.array(
    z.strictObject({
      project: z.string(),
      minIntervalSeconds: z.number().nonnegative(),
      dailyMax: z.int().nullable().meta({ description: "null: no limit." }),
      monthlyBudgetUsd: z.number().nullable().meta({ description: "null: no limit." }),
      spentUsd: z.number().nonnegative().meta({ description: "This month, in UTC, of the whole project." }),
    }),
  ),
});

export const accountHealthView = z.strictObject({
  account: z.string(),
  status: accountView.shape.status,
  reason: reasonView.optional(),
  pausedUntil: instant.optional(),
  credentials: z.strictObject({
    stored: z.boolean(),
    kind: z
      .enum(["oauth1", "oauth2"])
      .nullable()
      .meta({ description: "null: none, or stored before their kind was noted." }),
    needsReconnect: z.boolean(),
  }),
  circuit: z.strictObject({
    state: z
      .enum(["closed", "open", "probing"])
      .meta({ description: "open: X did not answer, so the account is left alone for a while." }),
    failures: z.int().nonnegative().meta({ description: "In a row." }),
    openUntil: instant.optional(),
  }),
  successRate: z.number().min(0).max(1).meta({ description: "Of the last posts; newer ones weigh more." }),
  lastPostAt: instant.optional(),
  lastPostId: z.string().optional(),
});

const toReasonView = ({ code, message, remedy }: Reason) => ({ code, message, remedy });

export const toAccountView = ({
  name,
  status,
  reason,
  pausedUntil,
  userId,
  username,
  followers,
  maxTextLength,
  version,
}: Account): AccountView => ({
  name,
  status,
  ...(reason && { reason: toReasonView(reason) }),
  ...(pausedUntil && { pausedUntil: instantInWords(pausedUntil) }),
  ...(userId !== undefined && { userId }),
  ...(username !== undefined && { username }),
  ...(followers !== undefined && { followers }),
  maxTextLength,
  version,
});

export const toVerificationView = ({
  account,
  refusal,
}: {
  readonly account: Account;
  readonly refusal?: Reason;
}): z.output<typeof verificationView> => ({
  verified: refusal === undefined,
  account: toAccountView(account),
  ...(refusal && { refusal: toReasonView(refusal) }),
});

const toWindowView = ({ used, resetAt }: UsedWindow) => ({
  used,
  ...(resetAt && { resetAt: instantInWords(resetAt) }),
});

const MICROS = 1_000_000;

interface ShownQuota {
  readonly account: Account;
  readonly gate: Gate;
  readonly quarter: UsedWindow;
  readonly day: UsedWindow;
  readonly nextPostAt?: Date;
  readonly projects: readonly {
    readonly project: { readonly name: string; readonly policy?: Policy };
    readonly spentMicros: number;
  }[];
}

export function toAccountQuotaView({
  account,
  gate,
  quarter,
  day,
  nextPostAt,
  projects,
}: ShownQuota): z.output<typeof accountQuotaView> {
  const { reservations, lastPostAt, closedUntil, closedReason } = gate;
  const isClosed = closedUntil && nextPostAt && closedUntil <= nextPostAt;
  return {
    account: account.name,
    quarterHour: {
      ...toWindowView(quarter),
      limit: QUARTER_LIMIT,
      remaining: Math.max(0, QUARTER_LIMIT - quarter.used),
    },
    day: toWindowView(day),
    reserved: reservations.reduce((sum, { units, used }) => sum + units - used, 0),
    ...(lastPostAt && { lastPostAt: instantInWords(lastPostAt) }),
    ...(nextPostAt && { nextPostAt: instantInWords(nextPostAt) }),
    ...(isClosed && {
      closed: {
        until: instantInWords(closedUntil),
        ...(closedReason && { reason: toReasonView(closedReason) }),
      },
    }),
    projects: projects.map(({ project: { name, policy }, spentMicros }) => ({
      project: name,
      minIntervalSeconds: (policy?.minIntervalMs ?? 0) / 1_000,
      dailyMax: policy?.dailyMax ?? null,
      monthlyBudgetUsd:
        policy?.monthlyBudgetMicros === undefined ? null : policy.monthlyBudgetMicros / MICROS,
      spentUsd: spentMicros / MICROS,
    })),
  };
}

interface ShownHealth {
  readonly account: Account;
  readonly gate: Gate;
  readonly circuit: "closed" | "open" | "probing";
  readonly credentials?: { readonly kind?: "oauth1" | "oauth2" };
}

export function toAccountHealthView({
  account,
  gate,
  circuit,
  credentials,
}: ShownHealth): z.output<typeof accountHealthView> {
  const { name, status, reason, pausedUntil } = toAccountView(account);
  const { failures, openUntil } = gate.circuit;
  return {
    account: name,
    status,
    ...(reason && { reason }),
    ...(pausedUntil !== undefined && { pausedUntil }),
    credentials: {
      stored: credentials !== undefined,
      kind: credentials?.kind ?? null,
      needsReconnect: credentials === undefined || status === "needs-reconnect",
    },
    circuit: {
      state: circuit,
      failures,
      ...(openUntil && { openUntil: instantInWords(openUntil) }),
    },
    successRate: gate.successRate,
    ...(gate.lastPostAt && { lastPostAt: instantInWords(gate.lastPostAt) }),
    ...(gate.lastPostId !== undefined && { lastPostId: gate.lastPostId }),
  };
}
