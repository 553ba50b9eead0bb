import type { RouteName } from "#shared/contract/routes.ts";
import type { CursorBinding } from "#shared/domain/cursor-seal.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { Caller } from "#shared/usecases/authorize-request.ts";
import type { CursorSeal } from "#shared/usecases/cursor-seal.ts";
import type { HttpAnswer } from "./http.ts";
import type { InputProblem } from "./http-input.ts";

type Query = Readonly<Record<string, string | undefined>>;

/** Pages of one list may have different sizes, so `limit` is not of the list. */
export function bindingOf(
  route: RouteName,
  caller: Caller | undefined,
  params: Readonly<Record<string, string>>,
  { cursor: _cursor, limit: _limit, ...query }: Query,
): CursorBinding {
  return { route, ownerId: caller?.ownerId, params, query };
}

/** The query with the position that its cursor holds. */
export async function openQuery(
  seal: CursorSeal,
  binding: CursorBinding,
  query: Query,
): Promise<Result<Query, InputProblem>> {
  if (query["cursor"] === undefined) return ok(query);
  const cursor = await seal.open(binding, query["cursor"]);
  if (cursor !== undefined) return ok({ ...query, cursor });
  const detail =
    "Send `next` of the page before, as it came and with the same filters; or none, for the first page.";
  return err({ code: "invalid-cursor", detail, errors: [{ parameter: "cursor", detail }] });
}

/** The answer with its `next` sealed. */
export async function sealAnswer(
  seal: CursorSeal,
  binding: CursorBinding,
  answer: HttpAnswer,
): Promise<HttpAnswer> {
  const { body } = answer;
  if (typeof body !== "object" || body === null || !("next" in body) || typeof body.next !== "string")
    return answer;
  return { ...answer, body: { ...body, next: await seal.seal(binding, body.next) } };
}
