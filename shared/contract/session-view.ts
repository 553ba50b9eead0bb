import * as z from "zod";
import { asOwnerId } from "#shared/domain/ids.ts";
import { type Session, sessionIdOf } from "#shared/domain/session.ts";
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from "#shared/domain/user-password.ts";
import { instantInWords } from "#shared/domain/words.ts";

export const sessionPath = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{12}$/, "12 hexadecimal digits"),
});

/** Longer than any that is taken, so that a wrong one is wrong and not malformed. */
const MAX_TYPED = 4 * MAX_PASSWORD_LENGTH;
const password = z.string().min(1).max(MAX_TYPED);

export const signInBody = z.strictObject({
  owner: z
    .string()
    .min(1)
    .max(63)
    .default("main")
    .transform(asOwnerId)
    .meta({ description: "The tenant. `main` is the first one of a deployment." }),
  email: z.string().min(1).max(254),
  password: password.meta({ format: "password" }),
});

export const acceptInvitationBody = z.strictObject({
  invitationCode: z.string().min(1).max(200).meta({ format: "password" }),
  password: password.meta({
    format: "password",
    description: `${MIN_PASSWORD_LENGTH} to ${MAX_PASSWORD_LENGTH} characters, without the name or the e-mail address.`,
  }),
});

export const sessionView = z.strictObject({
  id: z.string().meta({ description: "Start of the hash of the session's token." }),
  userId: z.ulid(),
  createdAt: z.iso.datetime(),
  lastSeenAt: z.iso.datetime().meta({ description: "To within a minute. It ends an hour after it." }),
  expiresAt: z.iso.datetime().meta({ description: "However much it is used." }),
  sourceIp: z.string().meta({ description: "Where the person signed in." }),
  current: z.boolean().meta({ description: "The request came with it." }),
});

export const sessionList = z.strictObject({ items: z.array(sessionView) });

export const toSessionView = (
  session: Session,
  currentId: string | undefined,
): z.output<typeof sessionView> => {
  const { userId, createdAt, lastSeenAt, expiresAt, sourceIp } = session;
  const id = sessionIdOf(session);
  return {
    id,
    userId,
    createdAt: instantInWords(createdAt),
    lastSeenAt: instantInWords(lastSeenAt),
    expiresAt: instantInWords(expiresAt),
    sourceIp,
    current: id === currentId,
  };
};
