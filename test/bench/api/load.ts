/** Who calls the API, in a process of its own: its work must not count as the API's. */
import autocannon from "autocannon";
import * as z from "zod";
import { answerParent } from "#test/bench/process.ts";

/** Beyond what API Gateway waits for a function. */
const TIMEOUT_SECONDS = 60;

export const loadSchema = z.object({
  url: z.url(),
  connections: z.int().positive(),
  amount: z.int().positive(),
  /** In turn. `[<id>]` in a body is another text in every request. */
  requests: z
    .array(
      z.object({
        method: z.enum(["GET", "POST"]),
        path: z.string(),
        headers: z.record(z.string(), z.string()),
        body: z.string().optional(),
      }),
    )
    .min(1),
});
export type Load = z.output<typeof loadSchema>;

export const loadAnswerSchema = z.object({
  /** Of every answer, as it came. */
  latenciesMs: z.array(z.number()),
  /** How many answers had which status. */
  statuses: z.record(z.string(), z.int()),
  /** Connections that broke, and requests without an answer. */
  errors: z.int(),
  seconds: z.number(),
});
export type LoadAnswer = z.output<typeof loadAnswerSchema>;

async function run(load: Load): Promise<LoadAnswer> {
  const latenciesMs: number[] = [];
  const statuses: Record<string, number> = {};
  const { url, connections, amount, requests } = load;
  const { errors, timeouts, duration } = await new Promise<autocannon.Result>((resolve, reject) => {
    const options = {
      url,
      connections,
      amount,
      timeout: TIMEOUT_SECONDS,
      idReplacement: true,
      requests: requests.map(({ body, ...request }) => ({ ...request, ...(body !== undefined && { body }) })),
    };
    const instance = autocannon(options, (error: unknown, result) =>
      error ? reject(error) : resolve(result),
    );
    instance.on("response", (_client, status, _bytes, ms) => {
      latenciesMs.push(ms);
      statuses[status] = (statuses[status] ?? 0) + 1;
    });
  });
  return { latenciesMs, statuses, errors: errors + timeouts, seconds: duration };
}

if (process.send) answerParent({ run: async (argument) => run(loadSchema.parse(argument)) });
