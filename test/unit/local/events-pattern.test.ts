import { describe, expect, it } from "vitest";
import { compilePattern, PatternFault } from "#infra/local/events/pattern.ts";

const event = {
  source: "aws.s3",
  "detail-type": "Object Created",
  detail: {
    bucket: { name: "posts" },
    object: { key: "drop/default/风筝 1.md", size: 120 },
    tags: ["a", "b"],
    none: null,
  },
};
const onKey = (condition: unknown) => ({ detail: { object: { key: [condition] } } });
const onSize = (condition: unknown) => ({ detail: { object: { size: [condition] } } });

describe("a pattern matches", () => {
  it.each([
    ["an exact text", { source: ["aws.s3"] }],
    ["any of several", { source: ["aws.sqs", "aws.s3"] }],
    ["every field of a nested object", { source: ["aws.s3"], detail: { bucket: { name: ["posts"] } } }],
    ["a number", onSize(120)],
    ["null", { detail: { none: [null] } }],
    ["any element of an array", { detail: { tags: ["b"] } }],
    ["a prefix", onKey({ prefix: "drop/" })],
    ["a prefix whatever its case", onKey({ prefix: { "equals-ignore-case": "DROP/" } })],
    ["a suffix", onKey({ suffix: ".md" })],
    ["a suffix whatever its case", onKey({ suffix: { "equals-ignore-case": ".MD" } })],
    ["a wildcard", onKey({ wildcard: "drop/*/*.md" })],
    ["text whatever its case", { source: [{ "equals-ignore-case": "AWS.S3" }] }],
    ["anything but one text", { source: [{ "anything-but": "aws.sqs" }] }],
    ["anything but a list", { source: [{ "anything-but": ["aws.sqs", "aws.sns"] }] }],
    ["anything but a prefix", onKey({ "anything-but": { prefix: "outcome/" } })],
    ["a field that exists", onKey({ exists: true })],
    ["a field that does not exist", { detail: { missing: [{ exists: false }] } }],
    ["a number within bounds", onSize({ numeric: [">", 0, "<=", 120] })],
    ["one of several patterns", { $or: [{ source: ["other"] }, onSize(120)] }],
  ])("%s", (_, pattern) => {
    expect(compilePattern(pattern)(event)).toBe(true);
  });
});

describe("a pattern does not match", () => {
  it.each([
    ["another text", { source: ["aws.sqs"] }],
    ["one field of two", { source: ["aws.s3"], detail: { bucket: { name: ["other"] } } }],
    ["a number written as text", onSize("120")],
    ["a missing field", { detail: { missing: ["x"] } }],
    ["a missing field with anything-but", { detail: { missing: [{ "anything-but": "x" }] } }],
    ["another prefix", onKey({ prefix: "outcome/" })],
    ["a wildcard with a literal star", onKey({ wildcard: "drop/\\*.md" })],
    ["special characters of a wildcard as text only", onKey({ wildcard: "drop.default/*" })],
    ["an excluded text", { source: [{ "anything-but": ["aws.s3"] }] }],
    ["an excluded prefix", onKey({ "anything-but": { prefix: "drop/" } })],
    ["a field that exists, when it should not", onKey({ exists: false })],
    ["a number out of bounds", onSize({ numeric: ["<", 120] })],
    ["none of several patterns", { $or: [{ source: ["other"] }, onSize(1)] }],
  ])("%s", (_, pattern) => {
    expect(compilePattern(pattern)(event)).toBe(false);
  });

  it("an event that is no object", () => {
    expect(compilePattern({ source: ["aws.s3"] })("aws.s3")).toBe(false);
  });
});

describe("a pattern is refused", () => {
  it.each([
    ["for an unknown operator", { source: [{ cidr: "10.0.0.0/8" }] }],
    ["for two operators at once", { source: [{ prefix: "a", suffix: "b" }] }],
    ["for a scalar in place of a list", { source: "aws.s3" }],
    ["for an empty list", { source: [] }],
    ["for an empty pattern", {}],
    ["for no pattern at all", "aws.s3"],
    ["for a prefix that is no text", { source: [{ prefix: 1 }] }],
    ["for exists without a boolean", { source: [{ exists: "yes" }] }],
    ["for half a comparison", { size: [{ numeric: [">"] }] }],
    ["for an unknown comparison", { size: [{ numeric: ["~", 1] }] }],
    ["for anything-but with an unknown operator", { source: [{ "anything-but": { numeric: [1] } }] }],
    ["for $or without a list", { $or: { source: ["a"] } }],
  ])("%s", (_, pattern) => {
    expect(() => compilePattern(pattern)).toThrow(PatternFault);
  });
});
