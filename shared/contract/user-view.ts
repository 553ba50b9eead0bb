import * as z from "zod";
import { KEY_SCOPES } from "#shared/domain/api-key.ts";
import { asUserId } from "#shared/domain/ids.ts";
import { ROLES } from "#shared/domain/role.ts";
import { statusOf, type User } from "#shared/domain/user.ts";
import { instantInWords } from "#shared/domain/words.ts";
import { label } from "./key-view.ts";

export const userPath = z.strictObject({ id: z.ulid().transform(asUserId) });

const email = z.email().max(254);
const role = z.enum(ROLES).meta({
  description: "viewer: read; editor: + write; publisher: + publish; manager: + manage; admin: all.",
});

export const createUserBody = z.strictObject({
  name: label.meta({ description: "Unique, in any case." }),
  email: email.meta({ description: "Unique, in any case." }),
  role,
});

export const updateUserBody = z
  .strictObject({
    name: label.optional(),
    email: email.optional(),
    role: role.optional(),
    disabled: z
      .boolean()
      .optional()
      .meta({ description: "Ends sessions and keys of the user; `false` does not bring them back." }),
    renewInvitation: z.literal(true).optional().meta({
      description: "Ends password, sessions and keys; the person sets a new password with the code.",
    }),
  })
  .refine((change) => Object.keys(change).length > 0, "give at least one field");

export const userView = z.strictObject({
  id: z.ulid(),
  name: z.string(),
  email: z.string(),
  role: z.enum(ROLES),
  status: z.enum(["invited", "active", "disabled"]),
  invitedUntil: z.iso.datetime().optional().meta({ description: "When the invitation runs out." }),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  version: z.int().positive(),
});

/** `invitationCode` is in no other answer. */
export const invitedUserView = z.strictObject({
  ...userView.shape,
  invitationCode: z.string().meta({
    format: "password",
    description: "For the person, who sets a password with it. It is shown only now.",
  }),
});

export const updatedUserView = z.strictObject({
  ...userView.shape,
  invitationCode: invitedUserView.shape.invitationCode.optional(),
});

/** All users of an owner, oldest first. */
export const userList = z.strictObject({ items: z.array(userView) });

export const toUserView = (user: User): z.output<typeof userView> => {
  const { id, name, email, role, invitation, createdAt, updatedAt, version } = user;
  return {
    id,
    name,
    email,
    role,
    status: statusOf(user),
    ...(invitation && { invitedUntil: instantInWords(invitation.until) }),
    createdAt: instantInWords(createdAt),
    updatedAt: instantInWords(updatedAt),
    version,
  };
};

/** Who the caller is, and what they may do. */
export const whoamiView = z.strictObject({
  owner: z.string().meta({ description: "The tenant." }),
  keyId: z.string().meta({ description: "Start of the hash of the key, or of the session." }),
  via: z.enum(["key", "session"]),
  scopes: z.array(z.enum(KEY_SCOPES)),
  projects: z.array(z.string()).optional().meta({ description: "The only ones that the key reaches." }),
  accounts: z.array(z.string()).optional().meta({ description: "The only ones that the key reaches." }),
  user: userView.optional().meta({ description: "Who signed in, or made the key." }),
});
