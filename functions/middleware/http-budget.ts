import ipaddr from "ipaddr.js";
import { budgetFields } from "#shared/domain/request-budget.ts";
import type { Caller } from "#shared/usecases/authorize-request.ts";
import type { SpendRequest } from "#shared/usecases/request-budget.ts";
import { type Admission, problem } from "./http.ts";

/** Whoever has one IPv6 address has the 2^64 beside it too. @see https://www.rfc-editor.org/rfc/rfc6177 */
const V6_NETWORK_PARTS = 4;

/** The addresses that are one sender. */
export function networkOf(sourceIp: string): string {
  if (!ipaddr.isValid(sourceIp)) return "unknown";
  const address = ipaddr.process(sourceIp);
  if (!(address instanceof ipaddr.IPv6)) return address.toString();
  const parts = address.parts.slice(0, V6_NETWORK_PARTS).map((part) => part.toString(16));
  return `${parts.join(":")}::/64`;
}

/** Counts a request, tells what is left, and refuses the one that is too many. */
export async function admitRequest(
  spendRequest: SpendRequest,
  {
    caller,
    sourceIp,
    requestId,
  }: {
    /** Undefined: whoever it is. */
    readonly caller: Caller | undefined;
    readonly sourceIp: string;
    readonly requestId: string;
  },
): Promise<Admission> {
  const counted = await spendRequest(
    caller
      ? { kind: "key", ownerId: caller.ownerId, keyId: caller.keyId }
      : { kind: "address", network: networkOf(sourceIp) },
  );
  if (!counted) return { headers: {} };
  const { budget, isWithin, resetSeconds } = counted;
  const { policy, state } = budgetFields(budget, counted);
  const headers = { "ratelimit-policy": policy, ratelimit: state };
  if (isWithin) return { headers };
  const detail = `At most ${budget.limit} requests a ${budget.name} are taken; the next ${budget.name} begins in ${resetSeconds} s.`;
  const refusal = problem("rate-limited", detail, {
    requestId,
    headers: { "retry-after": String(resetSeconds) },
  });
  return { headers, refusal };
}
