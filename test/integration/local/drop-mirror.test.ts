import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import {
  appendFile,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DropMirror, mirrorDropFolder } from "#infra/local/drop-mirror.ts";
import type { ObjectChange } from "#infra/local/gateway/service.ts";
import { REGION, startTestCloud, type TestCloud, temporaryFolder, until } from "./services-fixtures.ts";

const BUCKET = "posts";
let cloud: TestCloud;
let s3: S3Client;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let mirror: DropMirror;
let changes: ObjectChange[];
let faults: Error[];

beforeEach(async () => {
  cloud = await startTestCloud({
    resources: () => [
      { logicalId: "Bucket", type: "AWS::S3::Bucket", physicalId: BUCKET, arn: `arn:aws:s3:::${BUCKET}` },
    ],
  });
  s3 = new S3Client(cloud.as("OPERATOR"));
  folder = await temporaryFolder();
  changes = [];
  faults = [];
  await start();
});
afterEach(async () => {
  await mirror.close();
  s3.destroy();
  await cloud.close();
  await folder[Symbol.asyncDispose]();
});

async function start({ gatewayUrl = cloud.gatewayUrl, stableMs = 60 } = {}): Promise<void> {
  mirror = await mirrorDropFolder({
    folder: folder.path,
    bucket: BUCKET,
    gatewayUrl,
    region: REGION,
    stateDir: join(folder.path, "state"),
    onFault: (fault) => faults.push(fault),
    stableMs,
    pollMs: 50,
  });
  cloud.onObjectChange((change) => {
    changes.push(change);
    mirror.objectChanged(change);
  });
}

const onDisk = (...names: string[]) => join(folder.path, ...names);
async function drop(name: string, content: string | Buffer): Promise<string> {
  const path = onDisk("drop", name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}
const keys = async () =>
  ((await s3.send(new ListObjectsV2Command({ Bucket: BUCKET }))).Contents ?? []).map(({ Key }) => Key ?? "");
const inBucket = async (Key: string): Promise<Buffer> => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
};
const arrived = (key: string, count = 1) =>
  until(`${key} is in the bucket`, () => changes.filter((change) => change.key === key).length >= count);
const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const putOutcome = (Key: string, Body: string) =>
  s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));

describe("a file in drop/", () => {
  it.each([
    ["a plain name", "default/a.md"],
    ["spaces and signs", "default/a b+c & 100%.md"],
    ["Chinese and emoji", "默认/风筝🪁.md"],
    ["a deep folder", "default/2026/12/a.txt"],
    ["no project", "lost.md"],
  ])("goes to the bucket under its own name: %s", async (_, name) => {
    await drop(name, "text");
    await arrived(`drop/${name}`);
    expect(await keys()).toEqual([`drop/${name}`]);
    expect(String(await inBucket(`drop/${name}`))).toBe("text");
    expect(faults).toEqual([]);
  });

  it("that was there before the start is sent too, and an empty one also", async () => {
    await mirror.close();
    await drop("default/empty.md", "");
    await start();
    await arrived("drop/default/empty.md");
    expect(await inBucket("drop/default/empty.md")).toHaveLength(0);
  });

  it("has one name, however its accents were typed", async () => {
    await drop("default/cafe\u0301.md", "text");
    await arrived("drop/default/caf\u00e9.md");
  });

  it("over 8 MiB goes in parts, whole", async () => {
    const bytes = randomBytes(17 * 1024 * 1024 + 5);
    await drop("default/clip.mp4", bytes);
    await arrived("drop/default/clip.mp4");
    expect(changes[0]).toMatchObject({ reason: "CompleteMultipartUpload", sizeBytes: bytes.length });
    expect(sha256(await inBucket("drop/default/clip.mp4"))).toBe(sha256(bytes));
  });

  it("is not sent while it is still being copied", async () => {
    await mirror.close();
    await start({ stableMs: 1_000 });
    const path = await drop("default/slow.mp4", "0");
    for (let part = 1; part < 20; part += 1) {
      await appendFile(path, String(part));
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    await arrived("drop/default/slow.mp4");
    const whole = await readFile(path);
    expect(changes[0]?.sizeBytes).toBe(whole.length);
  });

  it("is sent again when its content changes, but not when it is only touched", async () => {
    const path = await drop("default/a.md", "one");
    await arrived("drop/default/a.md");
    await utimes(path, new Date(), new Date(Date.now() + 5_000));
    await drop("default/witness.md", "x");
    await arrived("drop/default/witness.md");
    await writeFile(path, "two");
    await arrived("drop/default/a.md", 2);
    expect(String(await inBucket("drop/default/a.md"))).toBe("two");
    expect(changes.map(({ key }) => key).filter((key) => key === "drop/default/a.md")).toHaveLength(2);
  });

  it("is not sent again after a restart", async () => {
    await drop("default/a.md", "one");
    await drop("default/clip.mp4", randomBytes(9 * 1024 * 1024));
    await Promise.all([arrived("drop/default/a.md"), arrived("drop/default/clip.mp4")]);
    await mirror.close();
    changes = [];
    await start();
    await drop("default/witness.md", "x");
    await arrived("drop/default/witness.md");
    expect(changes.map(({ key }) => key)).toEqual(["drop/default/witness.md"]);
  });

  it("stays in the bucket when it is removed, and is sent again when it is dropped again", async () => {
    const path = await drop("default/a.md", "one");
    await arrived("drop/default/a.md");
    const before = await stat(path);
    await mirror.close();
    await rm(path);
    await start();
    expect(await keys()).toEqual(["drop/default/a.md"]);
    await mirror.close();
    await drop("default/a.md", "one");
    await utimes(path, before.atime, before.mtime);
    await start();
    await arrived("drop/default/a.md", 2);
  });

  it("is ignored when it is hidden, a backup or a link", async () => {
    await writeFile(onDisk("secret"), "not to be posted");
    await drop("default/.DS_Store", "x");
    await drop("default/a.md~", "x");
    await symlink(onDisk("secret"), onDisk("drop", "default", "link.md"));
    await symlink(folder.path, onDisk("drop", "default", "folder"));
    await drop("default/witness.md", "x");
    await arrived("drop/default/witness.md");
    expect(await keys()).toEqual(["drop/default/witness.md"]);
  });

  it("is sent once the gateway answers again, and the failure is told once", async () => {
    await mirror.close();
    await drop("default/a.md", "one");
    await start({ gatewayUrl: "http://127.0.0.1:9" });
    await until("the failure is told", () =>
      faults.some(({ message }) => message.startsWith("drop/default/a.md")),
    );
    await mirror.close();
    await start();
    await arrived("drop/default/a.md");
  });

  it("leaves no parts of an upload that a crash cut short", async () => {
    await mirror.close();
    const Key = "drop/default/clip.mp4";
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key }));
    await appendFile(onDisk("state", "drop-uploads.jsonl"), `${JSON.stringify([Key, UploadId])}\n`);
    await start();
    const part = new UploadPartCommand({ Bucket: BUCKET, Key, UploadId, PartNumber: 1, Body: "x" });
    await expect(s3.send(part)).rejects.toMatchObject({ name: "NoSuchUpload" });
  });

  it("comes through among a thousand", async () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `default/post-${index}.txt`);
    await Promise.all(names.map((name) => drop(name, name)));
    await until("all are in the bucket", () => changes.length === 1_000, 45_000);
    expect(new Set(changes.map(({ key }) => key)).size).toBe(1_000);
  });
});

describe("an outcome in the bucket", () => {
  it("comes to disk, in whole and under its own name, and follows the newest version", async () => {
    const path = onDisk("outcome", "默认", "a b.json");
    await putOutcome("outcome/默认/a b.json", '{"status":"pending"}');
    await until("the outcome is on disk", () => existsSync(path));
    await putOutcome("outcome/默认/a b.json", '{"status":"published"}');
    await until(
      "the newest is on disk",
      async () => String(await readFile(path)) === '{"status":"published"}',
    );
    expect(await readdir(dirname(path))).toEqual(["a b.json"]);
  });

  it("comes also when nobody announced it", async () => {
    cloud.onObjectChange(() => {});
    await putOutcome("outcome/default/a.json", "{}");
    await until("the outcome is on disk", () => existsSync(onDisk("outcome", "default", "a.json")));
  });

  it("that was removed on disk does not come back, unless it changes", async () => {
    const path = onDisk("outcome", "default", "a.json");
    await putOutcome("outcome/default/a.json", "1");
    await until("the outcome is on disk", () => existsSync(path));
    await until("it is remembered", async () =>
      String(await readFile(onDisk("state", "drop-received.jsonl"))).includes("a.json"),
    );
    await rm(path);
    await mirror.close();
    await start();
    await putOutcome("outcome/default/witness.json", "1");
    await until("the witness is on disk", () => existsSync(onDisk("outcome", "default", "witness.json")));
    expect(existsSync(path)).toBe(false);
    await putOutcome("outcome/default/a.json", "2");
    await until("the outcome is on disk", () => existsSync(path));
  });

  it("replaces the file at once: nobody reads half of it", async () => {
    const path = onDisk("outcome", "default", "a.json");
    await putOutcome("outcome/default/a.json", "a".repeat(1_000_000));
    await until("the first is on disk", () => existsSync(path));
    // Open, so that the number of its inode is not given to another file.
    await using first = await open(path);
    const { ino } = await first.stat();
    await putOutcome("outcome/default/a.json", "b".repeat(1_000_000));
    const seen = await until("the second is on disk", async () => {
      const text = String(await readFile(path));
      expect([`${"a".repeat(1_000_000)}`, `${"b".repeat(1_000_000)}`]).toContain(text);
      return text.startsWith("b") && text;
    });
    expect(seen).toHaveLength(1_000_000);
    expect((await stat(path)).ino).not.toBe(ino);
  });

  it.each([
    ["outcome/../escaped.json"],
    ["outcome/default/../../escaped.json"],
    ["outcome/./escaped.json"],
    ["outcome//escaped.json"],
    ["outcome/default/"],
  ])("cannot leave its folder: %s", async (key) => {
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "outcome/default/witness.json", Body: "1" }));
    mirror.objectChanged({
      kind: "created",
      bucket: BUCKET,
      key,
      reason: "PutObject",
      sizeBytes: 1,
      etag: "e",
    });
    const fault = await until("it is refused", () => faults.find(({ message }) => message.startsWith(key)));
    expect(fault.cause).toMatchObject({ name: "UnsafeKey" });
    await until("the witness is on disk", () => existsSync(onDisk("outcome", "default", "witness.json")));
    expect(existsSync(onDisk("escaped.json"))).toBe(false);
    expect((await readdir(folder.path)).sort()).toEqual(["drop", "outcome", "state"]);
    expect((await readdir(onDisk("outcome"), { recursive: true })).sort()).toEqual([
      "default",
      "default/witness.json",
    ]);
  });

  it("cannot leave its folder through a link", async () => {
    await using elsewhere = await temporaryFolder();
    await symlink(elsewhere.path, onDisk("outcome", "default"));
    await putOutcome("outcome/default/sub/a.json", "1");
    await until("it is refused", () =>
      faults.some(({ message }) => message.startsWith("outcome/default/sub/a.json")),
    );
    expect(await readdir(elsewhere.path)).toEqual([]);
  });

  it("leaves nothing of a write that a crash cut short", async () => {
    await mirror.close();
    await mkdir(onDisk("outcome", "default"), { recursive: true });
    await writeFile(onDisk("outcome", "default", ".0123456789ab.part"), "half");
    await start();
    expect(await readdir(onDisk("outcome", "default"))).toEqual([]);
  });
});
