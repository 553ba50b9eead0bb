import { Credentials } from "#shared/domain/credentials.ts";
import { err, ok, type Result } from "#shared/result.ts";

const OAUTH1 = ["X_API_KEY", "X_API_SECRET", "X_ACCESS_TOKEN", "X_ACCESS_SECRET"] as const;
const OAUTH2_NEEDED = ["X_CLIENT_ID", "X_REFRESH_TOKEN"] as const;
const OAUTH2 = [...OAUTH2_NEEDED, "X_CLIENT_SECRET"] as const;

export interface XCredentialsProblem {
  readonly reason: "incomplete" | "two-sets";
  /** Names the variables to add or to remove; shows no value. */
  readonly message: string;
}

/**
 * X's credentials as people write them into `.env`: one complete set, or nothing.
 *
 * Only `npm start` and `npm run admin` read them; a function gets them sealed. An empty value counts as not set.
 *
 * @returns undefined when none of the variables is set
 */
export function readXCredentials(
  variables: Readonly<Record<string, string | undefined>>,
): Result<Credentials | undefined, XCredentialsProblem> {
  const textOf = (name: string): string => variables[name]?.trim() ?? "";
  const set = (names: readonly string[]) => names.filter((name) => textOf(name) !== "");
  const unset = (names: readonly string[]) => names.filter((name) => textOf(name) === "");

  const hasOAuth1 = set(OAUTH1).length > 0;
  const hasOAuth2 = set(OAUTH2).length > 0;
  if (!hasOAuth1 && !hasOAuth2) return ok(undefined);
  if (hasOAuth1 && hasOAuth2)
    return err({
      reason: "two-sets",
      message: `There are variables of OAuth 1.0a (${set(OAUTH1).join(", ")}) and of OAuth 2.0 (${set(OAUTH2).join(", ")}). Keep one kind.`,
    });
  const missing = unset(hasOAuth1 ? OAUTH1 : OAUTH2_NEEDED);
  if (missing.length > 0)
    return err({
      reason: "incomplete",
      message: `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing: ${hasOAuth1 ? "OAuth 1.0a" : "OAuth 2.0"} needs ${(hasOAuth1 ? OAUTH1 : OAUTH2_NEEDED).join(", ")}.`,
    });
  return ok(
    new Credentials(
      hasOAuth1
        ? {
            kind: "oauth1",
            apiKey: textOf("X_API_KEY"),
            apiSecret: textOf("X_API_SECRET"),
            accessToken: textOf("X_ACCESS_TOKEN"),
            accessSecret: textOf("X_ACCESS_SECRET"),
          }
        : {
            kind: "oauth2",
            clientId: textOf("X_CLIENT_ID"),
            refreshToken: textOf("X_REFRESH_TOKEN"),
            ...(textOf("X_CLIENT_SECRET") !== "" && { clientSecret: textOf("X_CLIENT_SECRET") }),
          },
    ),
  );
}
