/** Why nothing was written, in words for people. Without a word of the post: reasons are logged. */
import type { Reason } from "../reason.ts";
import type { WritingProblem } from "./writing.ts";

/** What a model's refusal means, apart from those that pass by themselves. */
export type WriterFault =
  | "blocked"
  | "malformed"
  | "rate-limited"
  | "unavailable"
  | "too-slow"
  | "no-key"
  | "key-refused"
  | "request-refused";

/** Kept apart from what becomes of the post: that is said by its status. */
export function reasonOfFault(fault: WriterFault): Reason {
  switch (fault) {
    case "blocked":
      return {
        code: "writing-blocked",
        message: "Gemini refused to work on this text.",
        remedy: "Change the text or the brief, or post it as it is, without enhance, generate or hashtags.",
      };
    case "malformed":
      return {
        code: "writing-malformed",
        message: "Gemini's answer could not be read.",
        remedy: "Publish it now to try again, or post it as it is.",
      };
    case "rate-limited":
      return {
        code: "writing-rate-limited",
        message: "Gemini allowed no more requests before the post was due.",
        remedy:
          "Publish it now to try again, or raise the limit of the Gemini project (aistudio.google.com).",
      };
    case "unavailable":
      return {
        code: "writing-unavailable",
        message: "Gemini could not be reached before the post was due.",
        remedy: "Publish it now to try again, or post it as it is.",
      };
    case "too-slow":
      return {
        code: "writing-too-slow",
        message: "Gemini did not answer in time.",
        remedy: "Publish it now to try again, or post it as it is.",
      };
    case "no-key":
      return {
        code: "writing-not-configured",
        message: "No key for Gemini is stored.",
        remedy: "Put GEMINI_API_KEY into .env and run `npm run admin -- init`, then publish the post.",
      };
    case "key-refused":
      return {
        code: "writing-not-configured",
        message: "Gemini refused the stored key.",
        remedy:
          "Make a key at aistudio.google.com, put it into .env as GEMINI_API_KEY and run `npm run admin -- init`, then publish the post.",
      };
    case "request-refused":
      return {
        code: "writing-not-configured",
        message: "Gemini refused the request: the model may be gone, or it takes no JSON schema.",
        remedy: "Set the parameter GeminiModel, or `model` of the post, to a model that Google lists.",
      };
  }
}

/** Of the problems that were left after Gemini was asked twice; the first kind here that is among them says it. */
export function reasonOfProblems(problems: readonly WritingProblem[]): Reason {
  const has = (...kinds: readonly WritingProblem["kind"][]) =>
    problems.some(({ kind }) => kinds.includes(kind));
  const twice = "What Gemini wrote was not used, after two tries:";
  const asItIs = "Publish it now to try again, or post it as it is, without enhance, generate or hashtags.";
  if (has("lost", "invented")) {
    const lost = problems.reduce(
      (sum, problem) => sum + (problem.kind === "lost" ? problem.facts.length : 0),
      0,
    );
    const invented = problems.reduce(
      (sum, problem) => sum + (problem.kind === "invented" ? problem.facts.length : 0),
      0,
    );
    return {
      code: "writing-changed-facts",
      message: `${twice} of links, mentions, cashtags, hashtags and numbers, ${lost} were lost and ${invented} invented.`,
      remedy: asItIs,
    };
  }
  if (has("unlike", "other-language"))
    return {
      code: "writing-unlike",
      message: `${twice} it was ${has("unlike") ? "about something else" : "in another language"}.`,
      remedy: asItIs,
    };
  if (has("unusable", "count"))
    return { code: "writing-malformed", message: `${twice} it was no text for a post.`, remedy: asItIs };
  const excess = Math.max(...problems.map((problem) => (problem.kind === "too-long" ? problem.excess : 0)));
  return {
    code: "writing-too-long",
    message: `What Gemini wrote was not used: it was ${excess} weighted characters too long, and could not be cut without losing a link, a mention or a number.`,
    remedy: "Shorten the text or the brief, or post it as it is.",
  };
}
