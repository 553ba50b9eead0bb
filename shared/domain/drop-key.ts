import { createHash } from "node:crypto";
import { err, ok, type Result } from "#shared/result.ts";
import type { Reason } from "./reason.ts";
import { quote } from "./words.ts";

/** Where people drop files: `drop/<project>/<file>`. */
export const DROP_PREFIX = "drop/";

/** Stands for the project of files whose folder cannot be one; their outcomes are kept apart under it. */
export const NO_PROJECT = "_";

/** `<base>.json` must fit into a file name (255 bytes on the usual disks), `outcome/<project>/<base>.json` into a key (1,024). */
const MAX_FILE_BYTES = 240;
const MAX_PROJECT_BYTES = 100;

const SIDECAR_ENDINGS = ["md", "txt", "json"] as const;
export type SidecarFormat = (typeof SIDECAR_ENDINGS)[number];

interface Dropped {
  /** Folder below `drop/`. */
  readonly project: string;
  /** File name, as the person sees it. */
  readonly file: string;
  /** What all files of one post have in common: `trip` of `trip.md`, `trip.jpg` and `trip.1.jpg`. */
  readonly base: string;
  /** File name without its ending. */
  readonly stem: string;
}

export type DroppedName =
  | (Dropped & { readonly role: "sidecar"; readonly format: SidecarFormat })
  /** `number`: 1 of `trip.1.jpg`, 0 of `trip.jpg`. */
  | (Dropped & { readonly role: "medium"; readonly number: number });

export type DropKeyRefusal =
  /** Nobody's post: folders, hidden files, what editors and browsers leave while they write. */
  | { readonly kind: "ignored" }
  /** Reported under a base that no file can have, so that it never covers another outcome. */
  | {
      readonly kind: "refused";
      readonly project: string;
      readonly base: string;
      readonly file: string;
      readonly why: Reason;
    };

const IGNORED = /^[.~]|~$|\.(tmp|part|crdownload|swp)$|^(thumbs\.db|desktop\.ini)$/i;
const UNSAFE = /[\p{Cc}\\]/u;

const bytesOf = (text: string): number => Buffer.byteLength(text);
const isUnsafe = (segment: string): boolean =>
  segment === "." || segment === ".." || UNSAFE.test(segment) || !segment.isWellFormed();

const RENAME = "Rename the file and drop it again.";

/**
 * Reads the key of a dropped object. The key is untrusted: whatever it holds, the outcome stays inside
 * `outcome/<project>/`, with a file name that every disk takes.
 *
 * Refusals (`why.code`): `no-project`, `nested-folder`, `unsafe-name`, `empty-name`, `name-too-long`.
 */
export function parseDropKey(key: string): Result<DroppedName, DropKeyRefusal> {
  if (!key.startsWith(DROP_PREFIX) || key.endsWith("/")) return err({ kind: "ignored" });
  const [folder = "", ...rest] = key.slice(DROP_PREFIX.length).split("/");
  const file = rest.join("/");
  const isFolder = folder !== "" && !isUnsafe(folder) && !IGNORED.test(folder) && rest.length > 0;
  const project = isFolder && bytesOf(folder) <= MAX_PROJECT_BYTES ? folder : NO_PROJECT;

  const refuse = (why: Reason) =>
    err({ kind: "refused", project, base: refusedBase(key), file: visible(file || folder), why } as const);

  const segments = [folder, ...rest];
  if (segments.some(isUnsafe))
    return refuse({
      code: "unsafe-name",
      message: `${quote(key)} has a part that is no name: “..”, “.”, a backslash or a control character.`,
      remedy: RENAME,
    });
  if (rest.length === 0 || folder === "") {
    if (IGNORED.test(folder)) return err({ kind: "ignored" });
    return refuse({
      code: "no-project",
      message: `${quote(key)} is in no project's folder.`,
      remedy: "Drop it into drop/<project>/, for example drop/default/.",
    });
  }
  const format = SIDECAR_ENDINGS.find((ending) => file.toLowerCase().endsWith(`.${ending}`));
  const stem = format ? file.slice(0, -format.length - 1) : withoutEnding(file);
  if (stem.trim() === "" && rest.length === 1 && (format || !IGNORED.test(file)))
    return refuse({
      code: "empty-name",
      message: `${quote(file)} has no name before its ending.`,
      remedy: RENAME,
    });
  if (segments.some((segment) => IGNORED.test(segment))) return err({ kind: "ignored" });
  if (rest.length > 1)
    return refuse({
      code: "nested-folder",
      message: `${quote(file)} is in a folder inside the project's folder.`,
      remedy: `Drop it into drop/${project}/ itself.`,
    });
  if (project === NO_PROJECT && folder !== NO_PROJECT)
    return refuse({
      code: "name-too-long",
      message: `The folder's name has ${bytesOf(folder)} bytes; at most ${MAX_PROJECT_BYTES} are taken.`,
      remedy: "Drop it into the folder of a project.",
    });
  if (bytesOf(file) > MAX_FILE_BYTES)
    return refuse({
      code: "name-too-long",
      message: `The file's name has ${bytesOf(file)} bytes; at most ${MAX_FILE_BYTES} are taken.`,
      remedy: RENAME,
    });

  if (format) return ok({ project, file, base: stem, stem, role: "sidecar", format });
  const [, base, number] = /^(.+)\.(\d{1,3})$/su.exec(stem) ?? [];
  return base === undefined
    ? ok({ project, file, base: stem, stem, role: "medium", number: 0 })
    : ok({ project, file, base, stem, role: "medium", number: Number(number) });
}

const withoutEnding = (file: string): string => {
  const dot = file.lastIndexOf(".");
  return dot < 0 ? file : file.slice(0, dot);
};

const visible = (file: string): string =>
  file
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, "\ufffd")
    .slice(0, 300);

/** `~trip-1f0c9a2e`: no dropped file has such a base, since names that begin with `~` are ignored. */
function refusedBase(key: string): string {
  const digest = createHash("sha256").update(key).digest("hex").slice(0, 8);
  const last = withoutEnding(key.slice(DROP_PREFIX.length)).toWellFormed();
  const slug = last.replaceAll(/[^\p{L}\p{N}_-]+/gu, "-").replaceAll(/^-+|-+$/g, "");
  return `~${[...slug].slice(-40).join("") || "file"}-${digest}`;
}

/**
 * The files of a folder that make up the post `base`.
 *
 * `trip.1.jpg` is the first picture of `trip`, unless a sidecar `trip.1.md` claims it.
 *
 * @param names - at least every file that begins with `<base>.`
 * @returns media in the order of their numbers, then of their names
 */
export function filesOfPost<Named extends { readonly name: DroppedName }>(
  names: readonly Named[],
  base: string,
): { readonly sidecars: readonly Named[]; readonly media: readonly Named[] } {
  const claimed = new Set(names.flatMap(({ name }) => (name.role === "sidecar" ? [name.stem] : [])));
  const sidecars = names.filter(({ name }) => name.role === "sidecar" && name.base === base);
  const media = names.filter(
    ({ name }) =>
      name.role === "medium" && (name.stem === base || (name.base === base && !claimed.has(name.stem))),
  );
  const placeOf = ({ name }: Named): number =>
    name.role === "medium" && name.stem !== base ? name.number : 0;
  return {
    sidecars: sidecars.toSorted((a, b) => compare(a.name.file, b.name.file)),
    media: media.toSorted((a, b) => placeOf(a) - placeOf(b) || compare(a.name.file, b.name.file)),
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
