import { createHash } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";

const HERE = join(import.meta.dirname, "samples");
const CHUNK_BYTES = 1024 * 1024;

/** One post of the demo: its files, and what must arrive on the other side. */
export interface Sample {
  /** Sidecar's file name. */
  readonly file: string;
  readonly sidecar: string;
  readonly text: string;
  readonly medium?: {
    readonly file: string;
    readonly altText?: string;
    write(path: string): Promise<string>;
  };
}

export interface SampleOptions {
  /** Seconds from now for the photo's and the video's slot. */
  readonly photoInSeconds: number;
  readonly videoInSeconds: number;
  readonly videoBytes: number;
  readonly now: Date;
}

const at = (now: Date, seconds: number): string =>
  `${new Date(Math.ceil(now.getTime() / 1_000 + seconds) * 1_000).toISOString().slice(0, 19)}Z`;

/** Text only, text with a photo, text with a large video. X refuses the same text twice in a day: each run has its own. */
export function makeSamples({
  photoInSeconds,
  videoInSeconds,
  videoBytes,
  now,
}: SampleOptions): readonly Sample[] {
  const run = now.toISOString().slice(0, 19).replace("T", " ");
  const hello = `Posted by a file in a folder. 一个文件，一条推文 🪁 (${run} UTC)`;
  const harbour = `The harbour this morning. Uploaded ahead, sent at the second. (${run} UTC)`;
  const clip = `Three seconds of colour in ${Math.round(videoBytes / 1_048_576)} MiB, uploaded in parallel. (${run} UTC)`;
  const altText = "Evening colours over a calm harbour";
  return [
    {
      file: "hello.md",
      text: hello,
      sidecar: `---\npublishAt: now\nlanguage: en\nmedia: []\n---\n${hello}\n`,
    },
    {
      file: "harbour.md",
      text: harbour,
      sidecar: `---\npublishAt: ${at(now, photoInSeconds)}\nlanguage: en\nmedia: [harbour.jpg]\naltText: [${altText}]\n---\n${harbour}\n`,
      medium: { file: "harbour.jpg", altText, write: (path) => copy("harbour.jpg", path) },
    },
    {
      file: "clip.md",
      text: clip,
      sidecar: `---\npublishAt: ${at(now, videoInSeconds)}\nlanguage: en\nmedia: [clip.mp4]\n---\n${clip}\n`,
      medium: { file: "clip.mp4", write: (path) => writePaddedClip(path, videoBytes) },
    },
  ];
}

async function copy(name: string, path: string): Promise<string> {
  const bytes = await readFile(join(HERE, name));
  await using target = await open(path, "wx");
  await target.writeFile(bytes);
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * A real clip, made large by a `free` box at its end, which players skip.
 *
 * @returns SHA-256 of the file, hex
 * @see https://developer.apple.com/documentation/quicktime-file-format/free_atom
 */
async function writePaddedClip(path: string, sizeBytes: number): Promise<string> {
  const clip = await readFile(join(HERE, "clip.mp4"));
  const paddingBytes = sizeBytes - clip.length;
  const header = Buffer.alloc(8);
  header.writeUInt32BE(paddingBytes, 0);
  header.write("free", 4, "latin1");
  const hash = createHash("sha256");
  await using target = await open(path, "wx");
  const write = async (bytes: Buffer) => {
    hash.update(bytes);
    await target.write(bytes);
  };
  await write(clip);
  await write(header);
  for (let left = paddingBytes - header.length; left > 0; left -= CHUNK_BYTES) {
    // Not all alike, so that no two segments could be taken for each other.
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, left));
    for (let offset = 0; offset + 4 <= chunk.length; offset += 4)
      chunk.writeUInt32LE((left + offset) >>> 0, offset);
    await write(chunk);
  }
  return hash.digest("hex");
}
