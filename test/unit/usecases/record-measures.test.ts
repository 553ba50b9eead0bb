/** From what is written to the table to the lines that CloudWatch reads, validated by the specification's own schema. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createEmbeddedMetrics } from "#shared/adapters/metrics/embedded-metrics.ts";
import { asAccountId, asAttemptId, asTaskId } from "#shared/domain/ids.ts";
import { MEASURES, observeStandstill, type StoredChange } from "#shared/domain/measures.ts";
import { createRecordMeasures } from "#shared/usecases/record-measures.ts";
import { aTask } from "#test/support/builders.ts";

const at = new Date("2026-12-01T01:00:00.041Z");

const UNITS =
  /^(Seconds|Microseconds|Milliseconds|Bytes|Kilobytes|Megabytes|Gigabytes|Terabytes|Bits|Kilobits|Megabits|Gigabits|Terabits|Percent|Count|Bytes\/Second|Kilobytes\/Second|Megabytes\/Second|Gigabytes\/Second|Terabytes\/Second|Bits\/Second|Kilobits\/Second|Megabits\/Second|Gigabits\/Second|Terabits\/Second|Count\/Second|None)$/;

/**
 * The JSON schema of the specification, and what its text says beyond that: every name refers to a member of the root,
 * which is a number for a metric and a text for a dimension.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
const metricDirective = z.strictObject({
  // No colon in front: those are for AWS's own. @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
  Namespace: z
    .string()
    .regex(/^[^:].*$/)
    .max(255),
  Dimensions: z.array(z.array(z.string().min(1).max(250)).max(30)).min(1),
  Metrics: z
    .array(
      z.strictObject({
        Name: z.string().min(1).max(1_024),
        Unit: z.string().regex(UNITS).optional(),
        StorageResolution: z.union([z.literal(1), z.literal(60)]).optional(),
      }),
    )
    .min(1)
    .max(100),
});
const embeddedMetrics = z
  .looseObject({
    _aws: z.strictObject({ Timestamp: z.int(), CloudWatchMetrics: z.array(metricDirective).min(1) }),
  })
  .superRefine((root, context) => {
    for (const { Dimensions, Metrics } of root._aws.CloudWatchMetrics) {
      for (const { Name } of Metrics)
        if (!Number.isFinite(root[Name])) context.addIssue(`no number for the metric ${Name}`);
      for (const name of Dimensions.flat())
        if (!z.string().min(1).max(1_024).safeParse(root[name]).success)
          context.addIssue(`no text for the dimension ${name}`);
    }
  });

/** A line is a whole document: nothing before, nothing after, no line break in it. */
const parseLine = (line: string) => {
  expect(line).not.toContain("\n");
  return embeddedMetrics.parse(JSON.parse(line));
};

function setUp() {
  const lines: string[] = [];
  const measures = createEmbeddedMetrics({ namespace: "Punctual", writeLine: (line) => lines.push(line) });
  return { lines, measures, record: createRecordMeasures({ measures }) };
}

const published: StoredChange = {
  kind: "task",
  before: aTask({ createdAt: at, slotAt: at, status: "posting" }),
  after: {
    ...aTask({ createdAt: at, slotAt: at, status: "published" }),
    id: asTaskId("01JZ"),
    sentAt: at,
    posted: [{ postId: "1", sentAt: at }],
  },
};
const failed: StoredChange = {
  kind: "attempt",
  after: {
    taskId: asTaskId("01JZ"),
    at,
    attemptId: asAttemptId("attempt-1"),
    step: "publish",
    via: "queue",
    status: "retrying",
    class: "transient",
    code: "unavailable",
    phases: { waitedMs: 10, intentMs: 11, callMs: 12, latenessMs: 4_021, transferMs: 1, statusMs: 2 },
  },
};
const reserved: StoredChange = {
  kind: "gate",
  after: {
    accountId: asAccountId("account-1"),
    quarter: { startAt: at, used: 7 },
    reservations: [],
  },
};

describe("measures in the log", () => {
  it("are one valid document a line, at the instant when it happened", () => {
    const { record, lines } = setUp();
    expect(record([published, failed, reserved])).toBe(3);
    expect(lines.map(parseLine)).toEqual([
      expect.objectContaining({ taskId: "01JZ", ownerId: "owner-1", WaitTime: 0, Posts: 1 }),
      expect.objectContaining({
        attemptId: "attempt-1",
        class: "transient",
        Failures: 1,
        DeliveryDelay: 4_000,
      }),
      expect.objectContaining({ accountId: "account-1", AccountUtilisation: 7 }),
    ]);
    for (const line of lines) expect(parseLine(line)._aws.Timestamp).toBe(at.getTime());
  });

  it("name their namespace, their units and, for failures only, their class", () => {
    const { record, lines } = setUp();
    record([failed]);
    expect(lines.map((line) => parseLine(line)._aws.CloudWatchMetrics)).toEqual([
      [
        {
          Namespace: "Punctual",
          Dimensions: [[]],
          Metrics: ["DeliveryDelay", "IntentTime", "CallTime", "TransferTime", "ProcessingTime"].map(
            (Name) => ({
              Name,
              Unit: "Milliseconds",
            }),
          ),
        },
        { Namespace: "Punctual", Dimensions: [["class"]], Metrics: [{ Name: "Failures", Unit: "Count" }] },
      ],
    ]);
  });

  it("make a metric of every measure that there is, and of nothing else", () => {
    const { record, measures, lines } = setUp();
    record([published, failed, reserved]);
    const standstill = observeStandstill([asTaskId("01JZ")], at);
    measures.emit(standstill ? [standstill] : []);
    const named = lines.flatMap((line) =>
      parseLine(line)._aws.CloudWatchMetrics.flatMap(({ Metrics }) => Metrics.map(({ Name }) => Name)),
    );
    expect(new Set(named)).toEqual(new Set(Object.keys(MEASURES)));
  });

  it("cost less than $6 a month when every one of them has data in every hour", () => {
    const classes = 8;
    const metrics = Object.values(MEASURES).reduce(
      (sum, { by }) => sum + (by === undefined ? 1 : classes),
      0,
    );
    expect(metrics).toBe(20);
    // Each is $0.30. @see https://aws.amazon.com/cloudwatch/pricing/
    expect(metrics * 0.3).toBeLessThanOrEqual(6);
  });

  it("are explained in the operations manual, each with its unit", () => {
    const manual = readFileSync(join(import.meta.dirname, "../../../docs/operations.md"), "utf8");
    const words = { Milliseconds: "ms", Count: "count", Percent: "%" } as const;
    for (const [name, { unit, by }] of Object.entries(MEASURES))
      expect(manual).toContain(`\n| \`${name}\` | ${words[unit]}${by ? `, by \`${by}\`` : ""} |`);
  });

  it("are no line when nothing happened: a metric costs money while it has data", () => {
    const { record, lines } = setUp();
    expect(record([])).toBe(0);
    expect(record([{ kind: "task", after: aTask() }])).toBe(0);
    expect(lines).toEqual([]);
  });

  it.each([
    ["a metric without its number", { CallTime: undefined }],
    ["a metric that is no number", { CallTime: "12" }],
    ["a dimension without its text", { class: undefined }],
    ["no metadata", { _aws: undefined }],
    ["metadata with another member", { _aws: { Timestamp: 1, CloudWatchMetrics: [], LogGroup: "x" } }],
  ])("would be found out with %s", (_, over) => {
    const { record, lines } = setUp();
    record([failed]);
    const document = { ...JSON.parse(lines[0] ?? ""), ...over };
    expect(embeddedMetrics.safeParse(JSON.parse(JSON.stringify(document))).success).toBe(false);
  });
});
