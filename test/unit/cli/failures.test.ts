import { describe, expect, it } from "vitest";
import { ApiProblem, LostAnswer, OddAnswer } from "#cli/client.ts";
import { CliError, explain, usageError } from "#cli/failures.ts";
import { buildProgram } from "#cli/program.ts";
import { PROBLEMS, type ProblemCode } from "#shared/contract/problem.ts";
import { aTerminal } from "./surroundings.ts";

const aProblem = (code: string, status: number, over: Partial<ApiProblem> = {}) =>
  new ApiProblem({
    status,
    code,
    detail: "Because.",
    retryable: false,
    errors: [],
    requestId: "request-1",
    retryAfterMs: undefined,
    ...over,
  });

const CODES = Object.keys(PROBLEMS) as ProblemCode[];
const explained = CODES.map((code) => ({ code, ...explain(aProblem(code, PROBLEMS[code].status)) }));

describe("a problem of the API", () => {
  it("always has a remedy, the request id, and an exit code that is documented", () => {
    for (const { code, remedy, requestId, exitCode } of explained) {
      expect(`${code}: ${remedy}`).toMatch(/: .{10,}$/);
      expect(requestId).toBe("request-1");
      expect([1, 2, 3, 4, 5]).toContain(exitCode);
    }
  });

  it.each([
    ["invalid-input", 2],
    ["missing-scope", 3],
    ["task-not-found", 4],
    ["unknown-account", 4],
    ["task-final", 5],
    ["precondition-failed", 5],
    ["text-too-long", 1],
    ["internal", 1],
  ] as const)("%s ends with %i", (code, exitCode) => {
    expect(explain(aProblem(code, PROBLEMS[code].status))?.exitCode).toBe(exitCode);
  });

  it("names commands that there are", () => {
    const program = buildProgram(aTerminal("/").surroundings([]), () => undefined);
    for (const { remedy = "" } of explained)
      for (const [, words = ""] of remedy.matchAll(/`punctual ([^`]+)`/g)) {
        let command = program;
        for (const word of words.split(" ").filter((one) => !one.startsWith("-"))) {
          const child = command.commands.find((one) => one.name() === word);
          expect(child, `${remedy}: ${word}`).toBeDefined();
          if (child) command = child;
        }
      }
  });

  it("says when it may be asked again, and where it is wrong", () => {
    const errors = [{ pointer: "/text", detail: "too long" }];
    expect(explain(aProblem("rate-limited", 429, { retryAfterMs: 61_000, errors }))).toMatchObject({
      message: "Because. It may be asked again in 61 s.",
      details: ["/text: too long"],
    });
    // What the message says already is not said again.
    expect(explain(aProblem("invalid-input", 400, { detail: "text: too long", errors }))?.details).toEqual(
      [],
    );
  });

  it("of whatever stands before the API is one too", () => {
    expect(explain(aProblem("http-401", 401))).toMatchObject({
      exitCode: 3,
      remedy: expect.stringContaining("login"),
    });
    expect(explain(aProblem("http-403", 403))).toMatchObject({ exitCode: 3 });
  });
});

describe("an answer that did not come", () => {
  const url = "https://api.example.com";

  it("says whether something was changed", () => {
    const lost = explain(new LostAnswer("createWebhook: no answer came.", { url, maybeDone: true }));
    expect(lost).toMatchObject({ exitCode: 1, message: expect.stringContaining("not known") });
    expect(lost?.remedy).toContain("Look before you repeat it");
    const unsent = explain(new LostAnswer("listTasks: ECONNREFUSED.", { url, maybeDone: false }));
    expect(unsent).toMatchObject({ message: expect.stringContaining("Nothing was changed"), exitCode: 1 });
    expect(unsent?.remedy).toContain(url);
  });

  it("or cannot be read, is explained too", () => {
    expect(explain(new OddAnswer("listTasks was answered 200.", { requestId: "request-2" }))).toMatchObject({
      exitCode: 1,
      requestId: "request-2",
      remedy: expect.stringContaining("update"),
    });
  });
});

it("leaves bugs alone", () => {
  expect(explain(new RangeError("a bug"))).toBeUndefined();
  expect(explain(usageError("No.", "Do this."))).toMatchObject({ exitCode: 2, remedy: "Do this." });
  expect(explain(new CliError("No.", { code: "x", remedy: "y" }))?.exitCode).toBe(1);
});
