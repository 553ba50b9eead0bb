import { createHash } from "node:crypto";
import type { OwnerId, TaskId } from "../ids.ts";
import { PROMPT_VERSION, type Prompt } from "./prompt.ts";

/** Written texts cost money and do not grow old; whoever drops the same again within a month gets the same. */
export const WRITTEN_LIFETIME_MS = 30 * 86_400_000;
/** As long as an arrangement of a task can take to prepare it. */
export const REFUSED_LIFETIME_MS = 86_400_000;

const sha256 = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex");

/**
 * What was asked, whom and for whom: content, prompt, model and limit. Owners do not see each other's texts, not even
 * by the time that an answer takes.
 */
export const writingKey = (
  ownerId: OwnerId,
  model: string,
  { instructions, data }: Prompt,
  maxTextLength: number,
): string => sha256([PROMPT_VERSION, ownerId, model, instructions, data, maxTextLength]);

/** A refusal counts for one revision of one task: whoever publishes it anew asks anew. */
export const refusalKey = (key: string, taskId: TaskId, rev: number): string => sha256([key, taskId, rev]);
