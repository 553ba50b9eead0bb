import { describe, expect, it } from "vitest";
import { createTaskBody } from "#shared/contract/create-task.ts";
import { parseSidecar } from "#shared/domain/sidecar.ts";

const fields: readonly object[] = [
  {},
  ...["zh", "cn", "CN", "en_GB", "pt-BR", "!", "x", 5].map((language) => ({ language })),
  ...[1, 10, 0, 11, 1.5, "5"].map((priority) => ({ priority })),
  ...["30m", "30 m", "2h", "0s", "30d", "31d", "721h", "forever", "soon", "1.5h", "-1m", "1234567s", 30].map(
    (postWithin) => ({ latePolicy: { postWithin } }),
  ),
  ...["missed", "hold", "post", null].map((then) => ({ latePolicy: { then } })),
  { latePolicy: {} },
  { latePolicy: { postWithin: "1h", then: "hold" } },
  { latePolicy: { within: "1h" } },
  { latePolicy: "hold" },
  { publishAt: "" },
  { publishAt: "x".repeat(101) },
  { account: "" },
  { account: "x".repeat(101) },
  { thread: [] },
  ...["spring", " spring ", "Cafe\u0301", "", " ", "a\u0000b", "a\nb", "x".repeat(101)].map((batch) => ({
    batch,
  })),
];

describe("fields of a post", () => {
  it.each(fields)("mean the same in a body and in a dropped file: %j", (given) => {
    const json = { ...("thread" in given ? {} : { text: "x" }), ...given };
    const body = createTaskBody.safeParse(json);
    const dropped = parseSidecar("json", Buffer.from(JSON.stringify(json)));
    expect(body.success).toBe(dropped.ok);
    if (!body.success || !dropped.ok) return;
    const { priority, language, latePolicy, batch } = dropped.value;
    expect(body.data).toMatchObject({ priority, language });
    expect(body.data.batch).toBe(batch);
    expect(body.data.latePolicy).toEqual(latePolicy);
  });
});
