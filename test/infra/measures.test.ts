/** The bundle that is deployed, with the template's environment: what it writes to its log is what CloudWatch reads. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bundleFunctions } from "#infra/bundling.ts";
import { functionNamed, synthesize } from "./synthesis.ts";

const run = promisify(execFile);

/** Invokes a handler as Lambda does; what it writes is passed on as it is. */
const INVOKE = `
  const { handler } = await import(process.argv[1]);
  await handler(JSON.parse(process.argv[2]), {});
`;

/** No task and no drop: nothing is told. What is counted in the table beside it meets nobody, and is no reason to fail. */
const FAILED_ATTEMPT = {
  pk: { S: "TASK#01JZ0000000000000000000000" },
  sk: { S: "LOG#2026-12-01T01:00:00.000Z#attempt-1" },
  entity: { S: "log" },
  at: { S: "2026-12-01T01:00:00.000Z" },
  attemptId: { S: "attempt-1" },
  step: { S: "publish" },
  status: { S: "retrying" },
  class: { S: "transient" },
  phases: { M: { callMs: { N: "180" } } },
};

let directory: string;
let file: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "punctual-measures-"));
  const bundles = await bundleFunctions(directory);
  file = bundles.find(({ name }) => name === "relay-events")?.file ?? "";
});
afterAll(() => rmSync(directory, { recursive: true }));

it("relay-events writes metrics as lines of their own, in the namespace of its stack, whatever the log level", async () => {
  const { variables } = functionNamed(synthesize({ context: { stage: "trial" } }), "relay-events");
  const environment = Object.fromEntries(
    Object.entries(variables).map(([name, value]) => {
      const resolved = name.endsWith("_URL") ? "http://127.0.0.1:1/queue" : "resolved";
      return [name, typeof value === "string" ? value : resolved];
    }),
  );
  const event = {
    Records: [
      {
        dynamodb: {
          SequenceNumber: "100",
          ApproximateCreationDateTime: 1_796_086_800,
          NewImage: FAILED_ATTEMPT,
        },
      },
    ],
  };
  const { stdout } = await run(
    process.execPath,
    ["--input-type=module", "--eval", INVOKE, pathToFileURL(file).href, JSON.stringify(event)],
    {
      env: {
        ...environment,
        AWS_REGION: "eu-west-1",
        AWS_ENDPOINT_URL: "http://127.0.0.1:1",
        AWS_ACCESS_KEY_ID: "test",
        AWS_SECRET_ACCESS_KEY: "test",
        POWERTOOLS_LOG_LEVEL: "CRITICAL",
      },
    },
  );
  expect(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual([
    {
      _aws: {
        Timestamp: Date.parse("2026-12-01T01:00:00.000Z"),
        CloudWatchMetrics: [
          {
            Namespace: "PunctualService-trial",
            Dimensions: [[]],
            Metrics: [{ Name: "CallTime", Unit: "Milliseconds" }],
          },
          {
            Namespace: "PunctualService-trial",
            Dimensions: [["class"]],
            Metrics: [{ Name: "Failures", Unit: "Count" }],
          },
        ],
      },
      CallTime: 180,
      Failures: 1,
      class: "transient",
      taskId: "01JZ0000000000000000000000",
      attemptId: "attempt-1",
      step: "publish",
      status: "retrying",
      phases: { callMs: 180 },
    },
  ]);
});
