import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { taskDetail } from "#shared/contract/task-detail.ts";
import { startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { waitFor } from "#test/support/wait-for.ts";

const PHOTO = readFileSync(join(import.meta.dirname, "../../infra/local/samples/harbour.jpg"));
const CLIP = readFileSync(join(import.meta.dirname, "../../infra/local/samples/clip.mp4"));
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const inSeconds = (seconds: number) =>
  `${new Date(Math.ceil(Date.now() / 1_000 + seconds) * 1_000).toISOString().slice(0, 19)}Z`;

let punctual: TestPunctual;
beforeAll(async () => {
  punctual = await startPunctual();
});
afterAll(() => punctual?.close());

const postOf = (text: string) => punctual.sandbox?.posts().find((post) => post.text === text);

async function detailOf(id: string) {
  const answer = await punctual.api(`/scheduling/tasks/${id}`);
  expect(answer.status).toBe(200);
  return taskDetail.parse(await answer.json());
}

async function create(body: object) {
  const answer = await punctual.api("/scheduling/tasks", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

describe("a dropped file", () => {
  it("with text only is posted, and its outcome has the link", async () => {
    await punctual.put("hello.txt", "Hello from a file 你好 🪁\n");
    const outcome = await punctual.outcomeWhen("hello", ["published"]);
    expect(outcome).toMatchObject({
      file: "hello.txt",
      project: "default",
      account: "main",
      parts: [
        {
          text: "Hello from a file 你好 🪁",
          link: expect.stringMatching(/^https:\/\/x\.com\/i\/status\/\d+$/),
        },
      ],
    });
    expect(postOf("Hello from a file 你好 🪁")).toBeDefined();
  });

  it("with a photo takes the whole way through Scheduler and goes out at its second", async () => {
    const slot = inSeconds(9);
    await punctual.put("harbour.jpg", PHOTO);
    await punctual.put(
      "harbour.md",
      `---\npublishAt: ${slot}\nmedia: [harbour.jpg]\naltText: [A calm harbour]\n---\nThe harbour\n`,
    );
    const outcome = await punctual.outcomeWhen("harbour", ["published"]);
    if (!("id" in outcome)) throw new Error("there is no task");
    expect(outcome.slotAt).toBe(slot);
    expect(outcome.latenessMs).toBeGreaterThanOrEqual(0);
    expect(postOf("The harbour")?.media).toMatchObject([
      { sha256: sha256(PHOTO), altText: "A calm harbour" },
    ]);
    const detail = await detailOf(outcome.id);
    expect(detail.log.filter(({ via }) => via === "scheduler").map(({ step }) => step)).toEqual([
      "prepare",
      "publish",
    ]);
  });

  it("with a video is posted once X has processed it", async () => {
    await punctual.put("clip.md", "---\nmedia: [clip.mp4]\n---\nThe clip\n");
    await punctual.outcomeWhen("clip", ["waiting"]);
    await punctual.put("clip.mp4", CLIP);
    await punctual.outcomeWhen("clip", ["published"], 60_000);
    expect(postOf("The clip")?.media).toMatchObject([{ sha256: sha256(CLIP), type: "video/mp4" }]);
  });

  it("with parts becomes a thread, in order", async () => {
    await punctual.put("thread.md", "---\nmedia: []\n---\nfirst part\n---\nsecond part\n");
    await punctual.outcomeWhen("thread", ["published"], 60_000);
    const [first, second] = [postOf("first part"), postOf("second part")];
    expect(second?.inReplyToPostId).toBe(first?.id);
    expect(first?.inReplyToPostId).toBeUndefined();
  });

  it("is posted once, however often it is dropped", async () => {
    for (let count = 0; count < 3; count++) await punctual.put("twice.txt", "Dropped twice");
    await punctual.outcomeWhen("twice", ["published"]);
    await punctual.put("twice.txt", "Dropped twice");
    await punctual.put("after.txt", "Dropped after it");
    await punctual.outcomeWhen("after", ["published"]);
    expect(punctual.sandbox?.posts().filter(({ text }) => text === "Dropped twice")).toHaveLength(1);
  });

  it("whose media come late or undeclared is posted with them", async () => {
    await punctual.put("late.jpg", PHOTO);
    await punctual.put("late.txt", "Late but there");
    await punctual.outcomeWhen("late", ["published"]);
    expect(postOf("Late but there")?.media).toMatchObject([{ sha256: sha256(PHOTO) }]);
  });

  it("can be changed until it is posted, and says so afterwards", async () => {
    await punctual.put("edit.md", `---\npublishAt: ${inSeconds(20)}\nmedia: []\n---\nFirst wording\n`);
    await punctual.outcomeWhen("edit", ["pending"]);
    await punctual.put("edit.md", `---\npublishAt: ${inSeconds(4)}\nmedia: []\n---\nBetter wording\n`);
    expect(await punctual.outcomeWhen("edit", ["published"])).toMatchObject({ rev: 2 });
    expect(postOf("First wording")).toBeUndefined();
    await punctual.put("edit.md", "---\nmedia: []\n---\nToo late a wording\n");
    const told = await waitFor("the notice", async () => {
      const outcome = await punctual.outcome("edit");
      return outcome && "notice" in outcome && outcome.notice ? outcome : undefined;
    });
    expect(told).toMatchObject({ status: "published", notice: { code: "already-posted" } });
    expect(postOf("Too late a wording")).toBeUndefined();
  });
});

describe("the API", () => {
  it("accepts with 202, publishes at the second, and tells how it went", async () => {
    const slot = inSeconds(8);
    const { status, body } = await create({ text: "Posted by the API", publishAt: slot });
    expect(status).toBe(202);
    expect(body).toMatchObject({ status: "pending", slotAt: slot });
    const detail = await waitFor("the post", async () => {
      const seen = await detailOf(String(body["id"]));
      return seen.status === "published" ? seen : undefined;
    });
    expect(detail.log.at(-1)).toMatchObject({ step: "publish", via: "scheduler", status: "published" });
    expect(postOf("Posted by the API")?.createdAtMs).toBeGreaterThanOrEqual(Date.parse(slot));
  });

  it("cancels what is not posted yet, and publishes now what is due later", async () => {
    const cancelled = await create({ text: "Never seen", publishAt: inSeconds(600) });
    const path = `/scheduling/tasks/${cancelled.body["id"]}`;
    expect((await punctual.api(path, { method: "DELETE" })).status).toBeLessThan(300);
    expect(await detailOf(String(cancelled.body["id"]))).toMatchObject({ status: "cancelled" });
    expect((await punctual.api(`${path}/publish-now`, { method: "POST" })).status).toBe(409);

    const early = await create({ text: "Sooner than planned", publishAt: inSeconds(600) });
    const now = await punctual.api(`/scheduling/tasks/${early.body["id"]}/publish-now`, { method: "POST" });
    expect(now.status).toBe(202);
    await waitFor("the post", () => postOf("Sooner than planned"));
    expect(postOf("Never seen")).toBeUndefined();
  });

  it("lists page by page, and keeps strangers out", async () => {
    const first = await punctual.api("/scheduling/tasks?limit=2");
    expect(first.status).toBe(200);
    const page = (await first.json()) as { items: unknown[]; next?: string };
    expect(page.items).toHaveLength(2);
    const next = await punctual.api(
      `/scheduling/tasks?limit=2&cursor=${encodeURIComponent(page.next ?? "")}`,
    );
    expect(next.status).toBe(200);
    expect((await punctual.api("/scheduling/tasks", { key: "pnc_no_key" })).status).toBe(403);
    const { status } = await fetch(`${punctual.apiUrl}/api/v1/scheduling/tasks`);
    expect(status).toBe(401);
    expect((await punctual.api("/system/health")).status).toBe(200);
  });
});

it("met no refusal and no failed invocation on all these ways", () => {
  expect(punctual.cloud.reports()).toEqual([]);
});
