/** A folder of posts as the drop folder has them: a sidecar with its text and fields, and media of the same base name. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { parse as parseYaml } from "yaml";
import { CliError } from "./failures.ts";
import { decodeText, fileError } from "./files.ts";
import { checkPost, type PostBody, type PostReader, splitParts } from "./posts.ts";
import { isMediaName } from "./upload.ts";

const SIDECARS = new Set([".md", ".txt", ".json"]);
/** What editors and browsers leave while they write. */
const IGNORED = /^[.~]|~$|\.(tmp|part|crdownload|swp)$|^(thumbs\.db|desktop\.ini)$/i;

export interface FolderPost {
  /** Sidecar, or the first medium where there is none. */
  readonly file: string;
  /** Without its media, which have no ids yet. */
  readonly post: PostBody;
  /** File names, in the order of the post. */
  readonly media: readonly string[];
  readonly altText: readonly string[];
  /** Of the sidecar: the same text and fields have the same. */
  readonly sha256: string;
}

export interface FolderError {
  readonly file: string;
  readonly message: string;
}

export interface ReadFolder {
  readonly posts: readonly FolderPost[];
  readonly errors: readonly FolderError[];
  /** Files that belong to no post. */
  readonly ignored: readonly string[];
}

/** `trip` and 1 of `trip.1.jpg`; 0 of `trip.jpg`. */
function mediumOf(name: string): { readonly base: string; readonly number: number } {
  const stem = name.slice(0, -extname(name).length);
  const [, base = stem, number = "0"] = /^(.+)\.(\d{1,3})$/.exec(stem) ?? [];
  return { base, number: Number(number) };
}

const baseOf = (sidecar: string): string => sidecar.slice(0, -extname(sidecar).length);

type Fields = Readonly<Record<string, unknown>>;

function asFields(value: unknown, what: string): Fields {
  if (value === null || value === undefined) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw new TypeError(`${what} has no fields.`);
  return value as Fields;
}

/** @throws Error with what is wrong, in words */
function readSidecar(name: string, text: string): Fields {
  switch (extname(name).toLowerCase()) {
    case ".txt":
      return { text: text.trim() };
    case ".json":
      return asFields(JSON.parse(text), "The file");
    default: {
      const [, head, rest = text] =
        /^---[ \t]*\n(?:([\s\S]*?)\n)?---[ \t]*(?:\n([\s\S]*))?$/.exec(text) ?? [];
      const hasHead = text.startsWith("---\n");
      if (hasHead && !/^---[ \t]*$/m.test(text.slice(4)))
        throw new TypeError("The front matter begins with a line --- and has no second one.");
      const fields = asFields(
        hasHead && head ? parseYaml(head, { maxAliasCount: 0 }) : undefined,
        "The front matter",
      );
      const parts = splitParts(hasHead ? rest : text);
      if (parts.length > 1) return { ...fields, thread: parts };
      return parts[0] === "" ? fields : { ...fields, text: parts[0] };
    }
  }
}

const listOf = (value: unknown): readonly string[] | undefined => {
  if (value === undefined) return undefined;
  const items = Array.isArray(value) ? value : [value];
  if (!items.every((item) => typeof item === "string"))
    throw new TypeError("media and altText are lists of texts.");
  return items;
};

/**
 * Reads a folder, not the folders in it.
 *
 * @param defaults - fields of every post that its sidecar does not give
 * @throws CliError when there is no such folder
 */
export async function readDropFolder(
  folder: string,
  defaults: Fields,
  reader: PostReader,
): Promise<ReadFolder> {
  let names: readonly string[];
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    names = entries
      .flatMap((entry) => (entry.isFile() && !IGNORED.test(entry.name) ? [entry.name] : []))
      .toSorted();
  } catch (error) {
    throw fileError(error, folder);
  }
  const sidecars = names.filter((name) => SIDECARS.has(extname(name).toLowerCase()));
  const media = names.filter(isMediaName);
  const used = new Set(sidecars);
  const posts: FolderPost[] = [];
  const errors: FolderError[] = [];

  const add = (file: string, given: Fields, own: readonly string[], bytes: Uint8Array) => {
    const { media: listed, altText: described, ...fields } = given;
    const wanted = listOf(listed) ?? own;
    for (const name of wanted) used.add(name);
    const missing = wanted.filter((name) => !media.includes(name));
    const checked = checkPost({ ...defaults, ...fields, ...(wanted.length > 0 && { media: [] }) }, reader);
    const problems = [
      ...missing.map((name) => `media: there is no ${name} in the folder`),
      ...("problems" in checked ? checked.problems : []),
    ];
    errors.push(...problems.map((message) => ({ file, message })));
    if (!("post" in checked) || problems.length > 0) return;
    const { media: _, ...post } = checked.post;
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    posts.push({ file, post: post as PostBody, media: wanted, altText: listOf(described) ?? [], sha256 });
  };

  const ownMedia = (base: string) =>
    media
      .filter((name) => mediumOf(name).base === base)
      .toSorted((left, right) => mediumOf(left).number - mediumOf(right).number);

  for (const name of sidecars) {
    const twin = sidecars.find((other) => other !== name && baseOf(other) === baseOf(name));
    try {
      if (twin !== undefined) throw new TypeError(`${twin} says what the same post is.`);
      const bytes = await readFile(join(folder, name));
      const text = decodeText(bytes, name)
        .replace(/^\ufeff/, "")
        .replaceAll(/\r\n?/g, "\n");
      add(name, readSidecar(name, text), ownMedia(baseOf(name)), bytes);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const remedy = error instanceof CliError ? ` ${error.remedy}` : "";
      errors.push({ file: name, message: `${error.message}${remedy}` });
    }
  }
  for (const name of media) {
    // A picture alone is a post too; its further ones go with it.
    if (used.has(name) || sidecars.some((sidecar) => baseOf(sidecar) === mediumOf(name).base)) continue;
    add(name, {}, ownMedia(mediumOf(name).base), Buffer.from(name));
  }
  return { posts, errors, ignored: names.filter((name) => !used.has(name)) };
}
