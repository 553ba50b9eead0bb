import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { asProjectId } from "#shared/domain/ids.ts";
import { createOperator, type Operator } from "#test/support/operator.ts";
import { startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { waitFor } from "#test/support/wait-for.ts";

const FILES = 1_000;
/** What is promised, on any machine; how long it took is printed. */
const DEADLINE_MS = 180_000;
/** X's own limit, which the sandbox keeps: 100 posts of an account in 15 minutes. */
const POSTS_OF_ACCOUNT = 100;
/** Uploads at the same time, as `aws s3 cp --recursive` makes them. */
const UPLOADS = 10;

interface Dropped {
  readonly project: "default" | "shop";
  readonly base: string;
  readonly file: string;
  readonly text: string;
  readonly body: string;
}

const NAMES = [
  (index: number) => `note-${index}`,
  (index: number) => `第 ${index} 篇`,
  (index: number) => `my holiday (${index}) & more`,
  (index: number) => `v1.${index}`,
] as const;

/** Two projects, names as people give them, all three kinds of file. */
function aFile(index: number): Dropped {
  const project = index % 7 === 0 ? "shop" : "default";
  const text = `Post number ${index} of a thousand`;
  const base = (NAMES[index % NAMES.length] ?? NAMES[0])(index);
  switch (index % 3) {
    case 0:
      return { project, base, file: `${base}.txt`, text, body: text };
    case 1:
      return { project, base, file: `${base}.md`, text, body: `---\npriority: 3\n---\n${text}\n` };
    default:
      return { project, base, file: `${base}.json`, text, body: JSON.stringify({ text, media: [] }) };
  }
}

let punctual: TestPunctual;
let operator: Operator;
beforeAll(async () => {
  punctual = await startPunctual();
  operator = createOperator(punctual);
  const project = await operator.accounts.getProjectByFolder("default");
  if (!project) throw new RangeError("there is no project");
  await operator.accounts.addProject({ ...project, id: asProjectId("shop"), name: "shop" });
});
afterAll(async () => {
  operator?.close();
  await punctual?.close();
});

/** Outcome files on disk, where people look for them. */
async function outcomes(): Promise<readonly string[]> {
  const files = await readdir(punctual.outcomeFolder, { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile() && !file.name.startsWith("."))
    .map(({ parentPath, name }) => join(parentPath, name).slice(punctual.outcomeFolder.length + 1));
}

it("gives each of a thousand files one task and one outcome, and posts no text twice", async () => {
  const dropped = Array.from({ length: FILES }, (_, index) => aFile(index));
  const startedAt = Date.now();
  const tookMs = () => Date.now() - startedAt;

  const left = dropped.values();
  const upload = async () => {
    for (const { file, body, project } of left) await punctual.put(file, body, project);
  };
  await Promise.all(Array.from({ length: UPLOADS }, upload));
  const uploadedMs = tookMs();
  let seen = 0;
  await waitFor(
    `${FILES} outcomes`,
    async () => {
      seen = (await outcomes()).length;
      return seen >= FILES ? true : undefined;
    },
    DEADLINE_MS - tookMs(),
  ).catch((error: unknown) => {
    throw new Error(`there are ${seen} of ${FILES}`, { cause: error });
  });
  const inSeconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
  console.info(
    `${FILES} files: uploaded in ${inSeconds(uploadedMs)}, all with task and outcome after ${inSeconds(tookMs())}`,
  );

  const wanted = dropped.map(({ project, base }) => `${project}/${base}`).toSorted();
  expect((await outcomes()).toSorted()).toEqual(wanted.map((name) => `${name}.json`).toSorted());
  const tasks = (await operator.items()).filter(({ entity }) => entity === "task");
  const sources = tasks.map(({ projectId, source }) => {
    const { base } = source as { readonly base: string };
    return `${projectId === "shop" ? "shop" : "default"}/${base}`;
  });
  expect(sources.toSorted()).toEqual(wanted);

  // X takes so many and no more: the others wait, and say so.
  await waitFor(
    "every file to be posted or to say why not",
    async () => {
      const items = (await operator.items()).filter(({ entity }) => entity === "task");
      const open = items.filter(({ status }) => status !== "published" && status !== "retrying");
      return open.length === 0 ? true : undefined;
    },
    DEADLINE_MS,
  );
  console.info(`${FILES} files: all posted or waiting for X after ${inSeconds(tookMs())}`);
  await waitFor("their outcomes", async () => {
    const last = await Promise.all(dropped.map(async ({ base, project }) => punctual.outcome(base, project)));
    const explained = last.filter(
      (outcome) =>
        outcome?.status === "published" || (outcome?.status === "retrying" && outcome.reason !== undefined),
    );
    if (explained.length < FILES) return undefined;
    const reasons = last.flatMap((outcome) => outcome?.reason ?? []);
    // Counted by the gate: X is not asked for what it would refuse.
    expect(new Set(reasons.map(({ code }) => code))).toEqual(new Set(["no-quota"]));
    for (const { message, remedy } of reasons) {
      expect(message).toMatch(/X /);
      expect(remedy).not.toBe("");
    }
    expect(reasons).toHaveLength(FILES - POSTS_OF_ACCOUNT);
    return true;
  });

  const texts = punctual.sandbox?.posts().map(({ text }) => text) ?? [];
  expect(texts).toHaveLength(POSTS_OF_ACCOUNT);
  expect(new Set(texts).size).toBe(POSTS_OF_ACCOUNT);
  const known = new Set(dropped.map(({ text }) => text));
  expect(texts.filter((text) => !known.has(text))).toEqual([]);
  expect(punctual.cloud.reports()).toEqual([]);
  const dead = Object.keys(await operator.queued()).filter((queue) => /dead/i.test(queue));
  expect(dead).toEqual([]);
}, 420_000);
