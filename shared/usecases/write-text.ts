import { addHashtags, finishWriting } from "#shared/domain/content/check-writing.ts";
import { composePrompt, type Prompt } from "#shared/domain/content/prompt.ts";
import type { WritingProblem, WritingRequest } from "#shared/domain/content/writing.ts";
import {
  REFUSED_LIFETIME_MS,
  refusalKey,
  WRITTEN_LIFETIME_MS,
  writingKey,
} from "#shared/domain/content/writing-key.ts";
import { reasonOfFault, reasonOfProblems, type WriterFault } from "#shared/domain/content/writing-reason.ts";
import type { OwnerId, TaskId } from "#shared/domain/ids.ts";
import type { Reason } from "#shared/domain/reason.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { TextWriter, WriterRefusal, WriterUsage } from "#shared/ports/text-writer.ts";
import type { WritingCache } from "#shared/ports/writing-cache.ts";
import { err, ok, type Result } from "#shared/result.ts";

export interface WriteTextDeps {
  readonly writer: TextWriter;
  readonly cache: WritingCache;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "random">;
  /** For posts that name none. */
  readonly model: string;
}

export interface WriteTextCommand extends WritingRequest {
  readonly taskId: TaskId;
  /** Of the task: a refusal is remembered for it. */
  readonly rev: number;
  readonly ownerId: OwnerId;
  /** Until then a failure that may pass is tried again; what is due already is tried once. */
  readonly neededAt: Date;
  /** No request begins after this. */
  readonly stopAt: Date;
}

/** What was used in this call: nothing when the answer was known. */
export interface WritingFigures {
  readonly requests: number;
  readonly writingMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** In millionths of a US dollar. */
  readonly costMicros: number;
}

export type WriteTextOutcome = { readonly figures: WritingFigures } & (
  | { readonly kind: "written"; readonly texts: readonly string[] }
  /** May pass: the same command goes on at `nextAt`. */
  | { readonly kind: "continue"; readonly nextAt: Date; readonly reason: Reason }
  /** `passing`: a later try may succeed, but not before the text is needed. */
  | { readonly kind: "refused"; readonly reason: Reason; readonly passing: boolean }
);

export type WriteText = (command: WriteTextCommand) => Promise<WriteTextOutcome>;

/** After a failure that may pass, when nobody said how long to wait. */
const TRY_AGAIN_MS = 15_000;
const JITTER_MS = 5_000;
/** The task must still become ready, and its publisher be there, before the text is due. */
const RESERVE_MS = TIMING.publish.holdLeadMs / 2;

/**
 * Has a text written: from what is known, else by a model, which is asked a second time when the first answer was not
 * good enough. Nothing that fails the check is ever returned.
 *
 * The same request of an owner is paid for once; two that run at the same moment may both be.
 *
 * @throws what the cache throws
 */
export function createWriteText(deps: WriteTextDeps): WriteText {
  const { cache, clock } = deps;

  return async (command) => {
    const { ownerId, taskId, rev, maxTextLength } = command;
    const model = command.writing.model ?? deps.model;
    const prompt = composePrompt(command);
    const key = writingKey(ownerId, model, prompt, maxTextLength);
    const run = createRun(deps, command, model);

    const [written, refused] = await Promise.all([cache.get(key), cache.get(refusalKey(key, taskId, rev))]);
    const known = written ?? refused;
    if (known?.kind === "written") return { ...known, figures: run.figures() };
    if (known) return { kind: "refused", reason: known.reason, passing: false, figures: run.figures() };

    const expiring = (lifetimeMs: number) => new Date(clock.now().getTime() + lifetimeMs);
    const result = await run.write(prompt);
    if (result.ok) {
      const { value: texts } = result;
      await cache.save({
        key,
        outcome: { kind: "written", texts },
        expiresAt: expiring(WRITTEN_LIFETIME_MS),
      });
      return { kind: "written", texts, figures: run.figures() };
    }
    if (result.error.kind === "lasting") {
      const { reason } = result.error;
      await cache.save({
        key: refusalKey(key, taskId, rev),
        outcome: { kind: "refused", reason },
        expiresAt: expiring(REFUSED_LIFETIME_MS),
      });
      return { kind: "refused", reason, passing: false, figures: run.figures() };
    }
    const { reason, waitMs } = result.error;
    const nextAt = expiring(waitMs + deps.entropy.random() * JITTER_MS);
    return nextAt.getTime() <= command.neededAt.getTime() - RESERVE_MS
      ? { kind: "continue", nextAt, reason, figures: run.figures() }
      : { kind: "refused", reason, passing: true, figures: run.figures() };
  };
}

type Failed =
  | { readonly kind: "lasting"; readonly reason: Reason }
  | { readonly kind: "passing"; readonly reason: Reason; readonly waitMs: number };

/** One call: what it asks, and what it used. */
function createRun({ writer, clock }: WriteTextDeps, command: WriteTextCommand, model: string) {
  const used = { requests: 0, writingMs: 0, inputTokens: 0, outputTokens: 0, costMicros: 0 };

  function count(usage: WriterUsage | undefined): void {
    used.inputTokens += usage?.inputTokens ?? 0;
    used.outputTokens += usage?.outputTokens ?? 0;
    used.costMicros += usage?.costMicros ?? 0;
  }

  async function ask(prompt: Prompt): Promise<Result<readonly string[], Failed>> {
    const startedAt = clock.now();
    if (startedAt >= command.stopAt)
      return err({ kind: "passing", reason: reasonOfFault("too-slow"), waitMs: 0 });
    used.requests += 1;
    const answer = await writer.write(prompt, { model, deadlineMs: TIMING.prepare.requestDeadlineMs });
    used.writingMs += clock.now().getTime() - startedAt.getTime();
    count(answer.ok ? answer.value.usage : answer.error.usage);
    return answer.ok ? ok(answer.value.texts) : err(failureOf(answer.error));
  }

  /** @param cut - a text that is only too long loses sentences */
  function judge(
    texts: readonly string[],
    cut: boolean,
  ): Result<readonly string[], readonly WritingProblem[]> {
    const { writing } = command;
    if (writing.mode === "hashtags") return addHashtags(command, texts, writing.count);
    return finishWriting(command, texts, cut);
  }

  return {
    figures: (): WritingFigures => ({ ...used }),

    async write(prompt: Prompt): Promise<Result<readonly string[], Failed>> {
      const first = await ask(prompt);
      if (!first.ok) {
        if (first.error.reason.code !== "writing-malformed") return first;
        const repeated = await ask(prompt);
        return repeated.ok ? finish([repeated.value]) : repeated;
      }
      const judged = judge(first.value, false);
      if (judged.ok) return judged;
      if (isHopeless(judged.error)) return err({ kind: "lasting", reason: reasonOfProblems(judged.error) });

      const second = await ask(composePrompt(command, { texts: first.value, problems: judged.error }));
      if (second.ok) return finish([second.value, first.value]);
      // The first one, cut, is better than none.
      const cut = finish([first.value]);
      return cut.ok ? cut : second;
    },
  };

  /** The first of the answers that can go out, cut if need be. */
  function finish(answers: readonly (readonly string[])[]): Result<readonly string[], Failed> {
    const judged = answers.map((texts) => judge(texts, true));
    const good = judged.find((one) => one.ok);
    if (good) return good;
    const problems = judged.flatMap((one) => (one.ok ? [] : [one.error]))[0] ?? [];
    return err({ kind: "lasting", reason: reasonOfProblems(problems) });
  }

  /** Hashtags that find no room now will find none later. */
  function isHopeless(problems: readonly WritingProblem[]): boolean {
    return command.writing.mode === "hashtags" && problems.every(({ kind }) => kind === "too-long");
  }
}

function failureOf(refusal: WriterRefusal): Failed {
  const lasting = (fault: WriterFault): Failed => ({ kind: "lasting", reason: reasonOfFault(fault) });
  const passing = (fault: WriterFault, waitMs = TRY_AGAIN_MS): Failed => ({
    kind: "passing",
    reason: reasonOfFault(fault),
    waitMs,
  });
  switch (refusal.reason) {
    case "blocked":
    case "malformed":
      return lasting(refusal.reason);
    case "not-configured":
      return lasting(refusal.cause);
    case "rate-limited":
      return passing("rate-limited", refusal.retryAfterMs);
    case "unavailable":
    case "too-slow":
      return passing(refusal.reason);
  }
}
