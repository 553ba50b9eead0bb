/**
 * The local cloud knows the template by what it says and by nothing else: the same ways work when every logical id is
 * another, and what is set for this machine goes in as parameters, not into the files.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Renamed, readTemplates, renameEverything } from "#test/support/assembly.ts";
import { FAST, startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { waitFor } from "#test/support/wait-for.ts";

const PHOTO = readFileSync(join(import.meta.dirname, "../../infra/local/samples/harbour.jpg"));
const inSeconds = (seconds: number) =>
  `${new Date(Math.ceil(Date.now() / 1_000 + seconds) * 1_000).toISOString().slice(0, 19)}Z`;

/** Nothing about a stack is fixed here but what a person reads: outputs, and parameters with their names. */
const PARAMETERS = { ...FAST, UploadConcurrency: "2" };

let renamed: Renamed;
let before: ReadonlyMap<string, string>;
let punctual: TestPunctual;
beforeAll(async () => {
  renamed = await renameEverything();
  before = readTemplates(renamed.directory);
  punctual = await startPunctual({ assembly: renamed.directory, parameters: PARAMETERS });
});
afterAll(async () => {
  await punctual?.close();
  renamed?.discard();
});

const posted = (text: string): Promise<true> =>
  waitFor(
    `the post ${text}`,
    () => (punctual.sandbox?.posts().some((post) => post.text === text) ? true : undefined),
    60_000,
  );

describe("with other logical ids everywhere", () => {
  it("no resource has the name that it had, and nothing refers to one", () => {
    const old = [...renamed.names.keys()];
    expect(old.length).toBeGreaterThan(50);
    const ids = punctual.cloud.assembly.resources.map(({ logicalId }) => logicalId);
    expect(ids.filter((id) => renamed.names.has(id))).toEqual([]);
    expect(ids.length).toBe(renamed.names.size);
  });

  it("a dropped text is posted, and its outcome told", async () => {
    await punctual.put("words.txt", "Whatever it is called");
    expect(await punctual.outcomeWhen("words", ["published"], 60_000)).toMatchObject({ file: "words.txt" });
  });

  it("a dropped photo is posted at its second, through Scheduler", async () => {
    await punctual.put("photo.jpg", PHOTO);
    await punctual.put("photo.md", `---\npublishAt: ${inSeconds(9)}\nmedia: [photo.jpg]\n---\nA photo\n`);
    expect(await punctual.outcomeWhen("photo", ["published"], 60_000)).toHaveProperty("latenessMs");
  });

  it("a post of the API is accepted and goes out", async () => {
    const answer = await punctual.api("/scheduling/tasks", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text: "By the API" }),
    });
    expect(answer.status).toBe(202);
    await posted("By the API");
    expect((await punctual.api("/system/health")).status).toBe(200);
  });

  it("nothing was refused on the way", () => {
    expect(punctual.cloud.reports()).toEqual([]);
  });
});

describe("what is set for this machine", () => {
  it("reaches the functions as parameters", () => {
    const values = punctual.cloud.runtime.functions.flatMap(({ variables }) => Object.entries(variables));
    expect(values).toContainEqual(["HOLD_LEAD_SECONDS", PARAMETERS.HoldLeadSeconds]);
    expect(values).toContainEqual(["UPLOAD_CONCURRENCY", PARAMETERS.UploadConcurrency]);
    expect(values).toContainEqual(["X_ENDPOINT", punctual.sandbox?.url]);
  });

  it("leaves the template as it was, byte for byte", () => {
    expect(readTemplates(renamed.directory)).toEqual(before);
    for (const text of before.values()) {
      expect(text).not.toContain(punctual.cloud.gatewayUrl);
      expect(text).not.toContain(punctual.sandbox?.url);
    }
  });
});
