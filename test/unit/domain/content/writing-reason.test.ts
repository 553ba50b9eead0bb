import { describe, expect, it } from "vitest";
import type { WritingProblem } from "#shared/domain/content/writing.ts";
import { reasonOfFault, reasonOfProblems, type WriterFault } from "#shared/domain/content/writing-reason.ts";

/** Code, a word of the message and one of the remedy: what tells one fault from the others. */
const FAULTS: Readonly<Record<WriterFault, readonly [code: string, message: RegExp, remedy: RegExp]>> = {
  blocked: ["writing-blocked", /refused to work/, /Change the text/],
  malformed: ["writing-malformed", /could not be read/, /try again/],
  "rate-limited": ["writing-rate-limited", /no more requests/, /raise the limit/],
  unavailable: ["writing-unavailable", /not be reached/, /try again/],
  "too-slow": ["writing-too-slow", /in time/, /try again/],
  "no-key": ["writing-not-configured", /No key/, /GEMINI_API_KEY.*admin -- init/],
  "key-refused": ["writing-not-configured", /stored key/, /aistudio.*GEMINI_API_KEY.*admin -- init/],
  "request-refused": ["writing-not-configured", /JSON schema/, /GeminiModel/],
};

describe("a fault of the model", () => {
  it.each(Object.entries(FAULTS))("%s is told with what to do", (fault, [code, message, remedy]) => {
    const reason = reasonOfFault(fault as WriterFault);
    expect(reason).toEqual({
      code,
      message: expect.stringMatching(message),
      remedy: expect.stringMatching(remedy),
    });
  });
});

describe("what was wrong with both tries", () => {
  const lost: WritingProblem = { part: 1, kind: "lost", facts: ["@anne", "42"] };
  const invented: WritingProblem = { part: 2, kind: "invented", facts: ["https://x.example"] };
  const tooLong: WritingProblem = { part: 1, kind: "too-long", excess: 12 };

  const cases: readonly (readonly [readonly WritingProblem[], string, RegExp])[] = [
    [[tooLong, lost, invented], "writing-changed-facts", /two tries.* 2 were lost and 1 invented/],
    [[lost], "writing-changed-facts", / 2 were lost and 0 invented/],
    [[invented], "writing-changed-facts", / 0 were lost and 1 invented/],
    [[tooLong, { part: 1, kind: "unlike" }], "writing-unlike", /about something else/],
    [[{ part: 1, kind: "other-language" }], "writing-unlike", /in another language/],
    [[tooLong, { part: 1, kind: "unusable" }], "writing-malformed", /no text for a post/],
    [[{ part: 1, kind: "count", wanted: 2, found: 1 }], "writing-malformed", /no text for a post/],
    [[tooLong, { part: 2, kind: "too-long", excess: 7 }], "writing-too-long", /was 12 weighted characters/],
  ];

  it.each(cases)("%j is told by its worst kind", (problems, code, message) => {
    const reason = reasonOfProblems(problems);
    expect(reason).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(reason.remedy).toMatch(code === "writing-too-long" ? /Shorten/ : /Publish it now to try again/);
  });
});
