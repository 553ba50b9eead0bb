import * as z from "zod";
import type { AuditEntry } from "#shared/domain/audit.ts";
import { instantInWords } from "#shared/domain/words.ts";
import { cursorField, limitField, nextField } from "./paging.ts";

const MAX_PAGE = 100;
const MAX_STEP = 5_000;

const wholeNumber = (most: number, standard: string) =>
  z
    .string()
    .regex(/^\d{1,4}$/, "write a whole number")
    .default(standard)
    .transform(Number)
    .pipe(z.int().min(1).max(most));

export const listAuditQuery = z.strictObject({ limit: limitField, cursor: cursorField.optional() });

export const auditEntryView = z.strictObject({
  id: z.ulid(),
  at: z.iso.datetime(),
  actor: z
    .strictObject({
      keyId: z.string().optional(),
      userId: z.string().optional(),
      sessionId: z.string().optional(),
    })
    .meta({ description: "Empty: nobody who is known." }),
  action: z.string().meta({ description: "Name of the route; `authorize-request` for a denial before any." }),
  target: z.record(z.string(), z.string()).meta({ description: "Parameters of the path." }),
  phase: z
    .enum(["attempt", "outcome"])
    .meta({ description: "attempt: written before it was done. outcome: it went as `status` says." }),
  status: z.int().meta({ description: "HTTP." }),
  problem: z.string().optional().meta({ description: "Code of the refusal." }),
  requestId: z.string(),
  sourceIp: z.string(),
  before: z.json().optional().meta({ description: "Fields that changed, as they were." }),
  after: z
    .json()
    .optional()
    .meta({ description: "Fields that changed. Secrets are `***`, texts are `{ length, sha256 }`." }),
  chain: z.int().nonnegative(),
  number: z.int().positive(),
});

/** Newest first. */
export const auditPage = z.strictObject({
  items: z.array(auditEntryView).max(MAX_PAGE),
  next: nextField.meta({ description: "Cursor of the next page; absent on the last one." }),
});

export const verifyAuditQuery = z.strictObject({
  limit: wholeNumber(MAX_STEP, String(MAX_STEP)),
  cursor: cursorField.optional(),
});

export const auditVerification = z.strictObject({
  ok: z.boolean().meta({ description: "Nothing is wrong with what was checked." }),
  checked: z.int().nonnegative().meta({ description: "Entries of this step." }),
  bad: z
    .strictObject({
      chain: z.int().nonnegative(),
      number: z.int().nonnegative(),
      fault: z.enum(["removed", "altered", "moved", "cut", "head-altered"]),
    })
    .optional()
    .meta({ description: "The first entry that is wrong." }),
  ends: z
    .array(z.strictObject({ chain: z.int().nonnegative(), count: z.int().nonnegative(), hash: z.string() }))
    .meta({
      description:
        "Ends of the chains that were checked to their end. Noted elsewhere, they date what is before them.",
    }),
  next: z
    .string()
    .optional()
    .meta({ description: "Cursor of the next step; absent: everything is checked, or something is wrong." }),
});

export const toAuditEntryView = ({
  ownerId: _,
  ...entry
}: AuditEntry & { readonly chain: number; readonly number: number }): z.output<typeof auditEntryView> => {
  const { at, actor, target, before, after, ...plain } = entry;
  return {
    ...plain,
    at: instantInWords(at),
    actor: { ...actor },
    target: { ...target },
    ...(before !== undefined && { before: before as z.output<ReturnType<typeof z.json>> }),
    ...(after !== undefined && { after: after as z.output<ReturnType<typeof z.json>> }),
  };
};
