import * as z from "zod";
import { ANY_ACCOUNT } from "#shared/domain/account-pool.ts";
import { CALLBACK_PATH, isCallbackUrl } from "#shared/domain/connection.ts";
import { Credentials } from "#shared/domain/credentials.ts";
import { nameField } from "#shared/domain/post-fields.ts";
import { accountView } from "./account-view.ts";
import { newNameField } from "./project-view.ts";

const target = {
  account: newNameField
    .refine((name) => name !== ANY_ACCOUNT, "no account can have this name")
    .meta({ description: "Name of the account. One that exists keeps its queue and history." }),
  project: nameField
    .optional()
    .meta({ description: "A project that is to post with it too. Absent: those that do already." }),
};

/** What X gives out: sent in headers, so printable and without spaces. */
const tokenField = z.string().regex(/^[!-~]{1,500}$/, "1 to 500 printable characters without spaces");
/** By its format it is kept out of the audit. */
const secretField = tokenField.meta({ format: "password" });

/** Body of the first step of OAuth 2.0. */
export const startConnectionBody = z
  .strictObject({
    ...target,
    clientId: tokenField.optional().meta({
      description: "OAuth 2.0 client id of the app. Absent: the one that the account was connected with.",
    }),
    clientSecret: secretField
      .optional()
      .meta({ description: "Of confidential clients only. Stored encrypted, never shown." }),
    callbackUrl: z
      .string()
      .max(500)
      .refine(isCallbackUrl, `https, or http on this machine, and the path ${CALLBACK_PATH}`)
      .meta({
        description: `This API's address with the path ${CALLBACK_PATH}, as registered with the app at X.`,
      }),
  })
  .refine(({ clientId, clientSecret }) => clientSecret === undefined || clientId !== undefined, {
    path: ["clientId"],
    error: "a secret is given together with its clientId",
  });

export const connectionStarted = z.strictObject({
  authorizeUrl: z.url().meta({
    format: "password",
    description: "Open it in a browser that is signed in to X. It works once, for whoever has it.",
  }),
  expiresAt: z.iso.datetime(),
});

/** Body with tokens that the owner has: exactly one of the two kinds. */
export const connectByTokensBody = z
  .strictObject({
    ...target,
    oauth1: z
      .strictObject({
        apiKey: secretField,
        apiSecret: secretField,
        accessToken: secretField,
        accessSecret: secretField,
      })
      .optional()
      .meta({ description: "OAuth 1.0a: the app's key and secret, the account's token and secret." }),
    oauth2: z
      .strictObject({
        clientId: tokenField,
        clientSecret: secretField.optional(),
        refreshToken: secretField.meta({
          format: "password",
          description: "It works once: it is used up, whatever is answered.",
        }),
      })
      .optional(),
  })
  .refine(({ oauth1, oauth2 }) => (oauth1 === undefined) !== (oauth2 === undefined), {
    path: ["oauth1"],
    error: "give oauth1 or oauth2, not both",
  });

export const accountConnected = z.strictObject({
  account: accountView,
  isNew: z.boolean().meta({ description: "There was no account of this name." }),
});

/** What X puts into the address of the browser; whatever else is there is not looked at. */
export const callbackQuery = z.object({
  state: z.string().optional(),
  code: z.string().optional(),
  error: z.string().optional(),
});

export function toCredentials({ oauth1, oauth2 }: z.output<typeof connectByTokensBody>): Credentials {
  if (oauth1) return new Credentials({ kind: "oauth1", ...oauth1 });
  if (!oauth2) throw new RangeError("a body without credentials was taken");
  const { clientId, clientSecret, refreshToken } = oauth2;
  return new Credentials({
    kind: "oauth2",
    clientId,
    ...(clientSecret !== undefined && { clientSecret }),
    refreshToken,
  });
}
