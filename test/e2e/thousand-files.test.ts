import { afterAll, beforeAll, expect, it } from "vitest";
import { asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { createOperator, type Operator } from "#test/support/operator.ts";
import { startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { waitFor } from "#test/support/wait-for.ts";

const FILES = 1_000;
const DEADLINE_MS = 180_000;
/** Uploads at the same time, as a browser or `aws s3 cp --recursive` make them. */
const UPLOADS = 10;

interface Dropped {
  readonly project: "default" | "shop";
  readonly base: string;
  readonly file: string;
  readonly text: string;
  readonly body: string;
}

/** Names as people give them, texts that X takes for different ones, two projects, three formats. */
function drop(index: number): Dropped {
  const project = index % 4 === 0 ? "shop" : "default";
  const text = `Post number ${index} of a thousand`;
  const base =
    [`note-${index}`, `第 ${index} 篇`, `my holiday (${index}) & more`, `v1.${index}`][index % 4] ?? "";
  switch (index % 5) {
    case 0:
    case 1:
      return { project, base, file: `${base}.txt`, text, body: text };
    case 2:
    case 3:
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
  const added = await operator.accounts.addProject({
    ...project,
    id: asProjectId("shop"),
    ownerId: asOwnerId(project.ownerId),
    name: "shop",
  });
  expect(added.ok).toBe(true);
});
afterAll(async () => {
  operator?.close();
  await punctual?.close();
});

it("gives every one of a thousand files a task and an outcome, and none two", async () => {
  const dropped = Array.from({ length: FILES }, (_, index) => drop(index));
  const startedAt = Date.now();
  const elapsed = () => `${((Date.now() - startedAt) / 1_000).toFixed(1)} s`;
  const left = [...dropped];
  const upload = async () => {
    for (let one = left.shift(); one; one = left.shift()) await punctual.put(one.file, one.body, one.project);
  };
  await Promise.all(Array.from({ length: UPLOADS }, upload));
  const uploadedIn = elapsed();

  const wanted = new Set(dropped.map(({ project, base }) => `outcome/${project}/${base}.json`));
  let tasks = 0;
  await waitFor(
    "a task and an outcome of each file",
    async () => {
      const [items, outcomes] = await Promise.all([operator.items(), punctual.keys("outcome/")]);
      tasks = items.filter(({ entity }) => entity === "task").length;
      if (process.env["PROGRESS"])
        console.error(
          elapsed(),
          tasks,
          outcomes.length,
          await operator.queued(),
          items.filter(({ entity, status }) => entity === "task" && status === "retrying").length,
        );
      return tasks >= FILES && outcomes.length >= wanted.size ? true : undefined;
    },
    DEADLINE_MS - (Date.now() - startedAt),
  );
  console.info(
    `${FILES} files: uploaded in ${uploadedIn}, each has a task and an outcome after ${elapsed()}`,
  );
});
