import * as z from "zod";
import { TIMING } from "#shared/domain/timing.ts";
import type { AccountVerifier } from "#shared/ports/account-verifier.ts";
import { err, ok } from "#shared/result.ts";
import { type AccountCallDeps, callAsAccount } from "./account-calls.ts";
import { classifyXError } from "./classify-x-error.ts";

const meAnswer = z.object({
  data: z.object({ id: z.string().regex(/^\d+$/), username: z.string().min(1) }),
});

/** Asks `GET /2/users/me`. @see https://docs.x.com/x-api/users/get-my-user */
export const createXAccountVerifier = (deps: AccountCallDeps): AccountVerifier => ({
  async verify(accountId) {
    const options = { call: "read", deadlineMs: TIMING.lookupDeadlineMs } as const;
    const answer = await callAsAccount(deps, accountId, options, (client) => client.v2.get("users/me"));
    if (!answer.ok) return answer;
    const parsed = meAnswer.safeParse(answer.value);
    if (!parsed.success)
      return err(classifyXError("read", { kind: "unreadable", status: 200, headers: {} }, deps.clock.now()));
    const { id: userId, username } = parsed.data.data;
    return ok({ userId, username });
  },
});
