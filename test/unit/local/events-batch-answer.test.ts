import { describe, expect, it } from "vitest";
import { failedRecords } from "#infra/local/events/batch-answer.ts";

const ids = ["a", "b", "c"];
const answered = (payload: unknown) => ({ ok: true as const, requestId: "1", payload });
const failed = (payload: unknown, partial = true) => [...failedRecords(answered(payload), ids, partial)];

describe("with partial failures, an answer counts", () => {
  it.each([
    ["null as success", null, []],
    ["an empty object as success", {}, []],
    ["an empty list as success", { batchItemFailures: [] }, []],
    ["the records that it names as failed", { batchItemFailures: [{ itemIdentifier: "b" }] }, ["b"]],
    ["an unknown identifier as failure of all", { batchItemFailures: [{ itemIdentifier: "x" }] }, ids],
    ["an empty identifier as failure of all", { batchItemFailures: [{ itemIdentifier: "" }] }, ids],
    ["a wrong key as failure of all", { batchItemFailures: [{ id: "b" }] }, ids],
    ["a list that is none as failure of all", { batchItemFailures: "b" }, ids],
    ["a text as failure of all", "b", ids],
  ])("%s", (_, payload, expected) => {
    expect(failed(payload)).toEqual(expected);
  });
});

it("reads no partial failures when the mapping does not ask for them", () => {
  expect(failed({ batchItemFailures: [{ itemIdentifier: "b" }] }, false)).toEqual([]);
});

it("counts an error of the function as failure of all", () => {
  const outcome = { ok: false as const, requestId: "1", error: { errorType: "E", errorMessage: "" } };
  expect([...failedRecords(outcome, ids, true)]).toEqual(ids);
});
