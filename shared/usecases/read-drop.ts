import { createHash } from "node:crypto";
import type { Account, Project } from "#shared/domain/account.ts";
import { ANY_ACCOUNT } from "#shared/domain/account-pool.ts";
import { composePost } from "#shared/domain/compose-post.ts";
import type { Writing } from "#shared/domain/content/writing.ts";
import type { Drop } from "#shared/domain/drop.ts";
import { DROP_PREFIX, type DroppedName, filesOfPost, parseDropKey } from "#shared/domain/drop-key.ts";
import type { AccountId } from "#shared/domain/ids.ts";
import type { MediaType, Medium } from "#shared/domain/media.ts";
import { checkMediaSet, promisedFamily, X_MEDIA_LIMITS } from "#shared/domain/media-rules.ts";
import { decideStrategy, isNow } from "#shared/domain/planning/decide-strategy.ts";
import { isFlexible, type Strategy } from "#shared/domain/planning/strategy.ts";
import { checkThreadSpan } from "#shared/domain/policy.ts";
import { checkPost } from "#shared/domain/post-text.ts";
import { decidePublishTime, type PublishTime } from "#shared/domain/publish-time.ts";
import type { Reason } from "#shared/domain/reason.ts";
import { nextOccurrence } from "#shared/domain/recurrence/occurrences.ts";
import { readRecurrence } from "#shared/domain/recurrence/read-recurrence.ts";
import type { Schedule } from "#shared/domain/recurrence/schedule.ts";
import { checkAltText, checkSidecarSize, parseSidecar, type Sidecar } from "#shared/domain/sidecar.ts";
import type { SourceDefaults } from "#shared/domain/source.ts";
import {
  DEFAULT_LATE_POLICY,
  type LatePolicy,
  type Part,
  type ReconcilePolicy,
} from "#shared/domain/task.ts";
import { quote, quoteAll } from "#shared/domain/words.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { DropFolder, StoredFile } from "#shared/ports/drop-folder.ts";
import type { DropStore } from "#shared/ports/drop-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { InspectMedia } from "./inspect-media.ts";

/** Accounts read at the same time while a name is looked for. */
const ACCOUNTS_AT_ONCE = 20;

export interface ReadDropDeps {
  readonly folder: DropFolder;
  readonly drops: Pick<DropStore, "expect">;
  readonly accounts: AccountStore;
  readonly inspect: InspectMedia;
}

/** Everything that a task and its content need, checked. */
export interface PlannedPost {
  /** The default one, if any account of the project will do. */
  readonly accountId: AccountId;
  readonly isAny: boolean;
  readonly strategy: Strategy;
  readonly reconcile?: ReconcilePolicy;
  /** Name of its batch. */
  readonly batch?: string;
  readonly parts: readonly Part[];
  readonly writing?: Writing;
  readonly time: PublishTime;
  readonly priority: number;
  readonly language: string;
  readonly latePolicy: LatePolicy;
  readonly reuseMedia: boolean;
  /** It is posted again and again; `time` is that of the next occurrence. */
  readonly recurrence?: {
    readonly schedule: Schedule;
    /** In rotation, the text of the post first. */
    readonly variants: readonly (readonly Part[])[];
  };
}

export type DropReading =
  /** What is there can never be a post. */
  | { readonly kind: "refused"; readonly why: Reason; readonly file?: string }
  /** A file was replaced while it was read. */
  | { readonly kind: "changed" }
  | { readonly kind: "no-sidecar"; readonly media: readonly StoredFile[] }
  /** Media that nobody listed may still be on their way. */
  | { readonly kind: "settling"; readonly file: string }
  /** Listed files that have not come yet. */
  | { readonly kind: "missing"; readonly file: string; readonly names: readonly string[] }
  | {
      readonly kind: "post";
      readonly file: string;
      /** SHA-256, hex. */
      readonly identity: string;
      readonly media: readonly Medium[];
      /** Refused only where the drop had been accepted before: the same files may have become too late meanwhile. */
      readonly plan: Result<PlannedPost, Reason>;
    };

export interface ReadContext {
  readonly project: Project;
  /** Of the folder: what its files do not have to say. */
  readonly defaults: SourceDefaults;
  readonly now: Date;
  /** No event came for long enough. */
  readonly settled: boolean;
  /** Media of the task in force: a file with the same key and ETag is not read again. */
  readonly known: readonly Medium[];
}

export type ReadDrop = (drop: Drop, context: ReadContext) => Promise<DropReading>;

/** Names are compared as people read them: a Mac writes é as two characters, a keyboard as one. */
export const sameName = (name: string): string => name.normalize("NFC");

/** Reads what lies under a base name now, and decides whether it is a post. Writes nothing but expectations of files. */
export function createReadDrop({ folder, drops, accounts, inspect }: ReadDropDeps): ReadDrop {
  async function list({ project, base }: Drop) {
    const withEnding = await folder.list(project, `${base}.`);
    const withoutEnding = withEnding.length === 0 ? await folder.find(project, base) : undefined;
    const files = withoutEnding ? [withoutEnding] : withEnding;
    const named = files.flatMap((file): { file: StoredFile; name: DroppedName }[] => {
      const parsed = parseDropKey(file.key);
      return parsed.ok ? [{ file, name: parsed.value }] : [];
    });
    return filesOfPost(named, base);
  }

  async function find(project: string, name: string): Promise<StoredFile | undefined> {
    for (const spelling of new Set([name, name.normalize("NFC"), name.normalize("NFD")])) {
      const file = await folder.find(project, spelling);
      if (file) return file;
    }
    return undefined;
  }

  /** Finds the listed media. What is missing is expected first and looked for again, so that no arrival slips through. */
  async function findListed(drop: Drop, names: readonly string[], now: Date) {
    const found = new Map<string, StoredFile>();
    const look = async (wanted: readonly string[]) => {
      for (const name of wanted) {
        const file = await find(drop.project, name);
        if (file) found.set(name, file);
      }
    };
    await look(names);
    for (const name of names)
      if (!belongsTo(name, drop.base)) await drops.expect(drop.project, sameName(name), drop.base, now);
    await look(names.filter((name) => !found.has(name)));
    return {
      files: names.flatMap((name) => found.get(name) ?? []),
      missing: names.filter((name) => !found.has(name)),
    };
  }

  async function findAccount(project: Project, name: string | undefined): Promise<Result<Account, Reason>> {
    if (name === undefined) {
      const account = await accounts.getAccount(project.defaultAccountId);
      if (account) return ok(account);
      return err({
        code: "unknown-account",
        message: `The default account of the project ${quote(project.name)} does not exist any more.`,
        remedy: "Name another account in the sidecar, or give the project a new default.",
      });
    }
    const own = await search(project.accountIds, name);
    if (own.match) return ok(own.match);
    const others = (await accounts.listProjects(project.ownerId)).flatMap(({ accountIds }) => accountIds);
    const foreign = await search([...new Set(others)], name);
    const remedy = `The accounts of the project are ${quoteAll(own.names)}. Name one of them, or add the account to the project.`;
    return err(
      foreign.match
        ? {
            code: "foreign-account",
            message: `The account ${quote(name)} does not belong to the project ${quote(project.name)}.`,
            remedy,
          }
        : { code: "unknown-account", message: `There is no account ${quote(name)}.`, remedy },
    );
  }

  async function search(ids: readonly AccountId[], name: string) {
    const names: string[] = [];
    for (let start = 0; start < ids.length; start += ACCOUNTS_AT_ONCE) {
      const some = await Promise.all(
        ids.slice(start, start + ACCOUNTS_AT_ONCE).map((id) => accounts.getAccount(id)),
      );
      const match = some.find((account) => account?.name === name);
      if (match) return { match, names };
      names.push(...some.flatMap((account) => account?.name ?? []));
    }
    return { match: undefined, names };
  }

  async function plan(
    sidecar: Sidecar,
    hasMedia: boolean,
    { project, now }: ReadContext,
  ): Promise<Result<PlannedPost, Reason>> {
    const isAny = sidecar.account === ANY_ACCOUNT;
    const account = await findAccount(project, isAny ? undefined : sidecar.account);
    if (!account.ok) return account;
    const { publishAt, priority, language, batch, reuseMedia } = sidecar;
    const strategy = decideStrategy(sidecar.strategy, publishAt);
    if (!strategy.ok) return strategy;
    const latePolicy = sidecar.latePolicy ?? project.policy?.latePolicy ?? DEFAULT_LATE_POLICY;
    const reconcile = sidecar.reconcile ?? project.policy?.reconcile;
    const recurrence = readRecurring(sidecar, project.timeZone, now);
    if (!recurrence.ok) return recurrence;
    const schedule = recurrence.value;
    const next = schedule && (nextOccurrence(schedule, now)?.at ?? now);
    const time: Result<PublishTime, Reason> = next
      ? ok({ publishAt: next, slotAt: next })
      : decidePublishTime(publishAt, { now, timeZone: project.timeZone, latePolicy });
    if (!time.ok) return time;
    const { maxTextLength } = account.value;
    const composed = composePost(sidecar, { maxTextLength, hasMedia });
    if (!composed.ok) return composed;
    const { parts } = composed.value;
    const variants: (readonly Part[])[] = [parts];
    for (const text of sidecar.variants ?? []) {
      const variant = checkPost([text], { maxTextLength, hasMedia });
      if (!variant.ok) return variant;
      variants.push(variant.value);
    }
    const { slotAt } = time.value;
    const tooLong =
      !isFlexible(strategy.value) && checkThreadSpan(project.policy, project.timeZone, slotAt, parts.length);
    if (tooLong) return err(tooLong);
    return ok({
      accountId: account.value.id,
      isAny,
      strategy: strategy.value,
      ...(reconcile && { reconcile }),
      ...composed.value,
      time: time.value,
      priority,
      language,
      latePolicy,
      reuseMedia,
      ...(schedule && { recurrence: { schedule, variants } }),
      ...(batch !== undefined && { batch }),
    });
  }

  async function inspectAll(files: readonly StoredFile[], known: readonly Medium[]) {
    const media: Medium[] = [];
    for (const file of files) {
      const same = known.find(({ key, etag }) => key === file.key && etag === file.etag);
      const inspected = same ? ok(same) : await inspect(file);
      if (!inspected.ok) return inspected;
      media.push(inspected.value);
    }
    return ok(media);
  }

  return async (drop, context) => {
    const { now, settled, known, defaults } = context;
    const { sidecars, media: beside } = await list(drop);
    const [first, second] = sidecars;
    if (!first) return { kind: "no-sidecar", media: beside.map(({ file }) => file) };
    const file = first.name.file;
    const refuse = (why: Reason) => ({ kind: "refused", why, file }) as const;
    if (second)
      return refuse({
        code: "two-sidecars",
        message: `There are ${sidecars.length} text files for one post: ${quoteAll(sidecars.map(({ name }) => name.file))}.`,
        remedy: "Delete all but one of them, then drop that one again; or rename them to make several posts.",
      });

    const badSize = checkSidecarSize(first.file.sizeBytes);
    if (badSize) return refuse(badSize);
    const bytes = await folder.read(first.file);
    if (!bytes.ok) return { kind: "changed" };
    const format = first.name.role === "sidecar" ? first.name.format : "txt";
    const parsed = parseSidecar(format, bytes.value, defaults);
    if (!parsed.ok) return refuse(parsed.error);
    const sidecar = parsed.value;

    const names = sidecar.media ?? beside.map(({ name }) => name.file);
    const mayHaveMedia = names.length > 0 || (!sidecar.media && !settled);
    const planned = await plan(sidecar, mayHaveMedia, context);
    // A task may exist already, and these may be the very files that it was made of: that is decided by identity.
    if (!planned.ok && drop.taskId === undefined) return refuse(planned.error);
    const tooMany = names.length > X_MEDIA_LIMITS.maxPhotos ? checkMediaSet(names.map(guess)) : undefined;
    if (tooMany) return refuse(tooMany);

    let files = beside.map(({ file }) => file);
    if (sidecar.media) {
      const listed = await findListed(drop, sidecar.media, now);
      if (listed.missing.length > 0) return { kind: "missing", file, names: listed.missing };
      files = listed.files;
    } else if (!settled) return { kind: "settling", file };
    const unmatched = checkAltText(sidecar.altText, names);
    if (unmatched) return refuse(unmatched);

    const inspected = await inspectAll(files, known);
    if (!inspected.ok)
      return inspected.error.reason === "changed" ? { kind: "changed" } : refuse(inspected.error.why);
    const mixed = checkMediaSet(inspected.value);
    if (mixed) return refuse(mixed);

    const media = inspected.value.map(({ altText: _, ...medium }, index): Medium => {
      const altText = sidecar.altText[index];
      return { ...medium, ...(altText && { altText }) };
    });
    return { kind: "post", file, media, plan: planned, identity: identify(drop, bytes.value, media) };
  };
}

/** When it recurs; undefined: it does not. What is decided for one slot only does not go with it. */
function readRecurring(
  { recurrence, variants, publishAt, ...sidecar }: Sidecar,
  timeZone: string,
  now: Date,
): Result<Schedule | undefined, Reason> {
  const single = (["strategy", "enhance", "generate", "hashtags", "batch"] as const).find(
    (field) => sidecar[field] !== undefined && sidecar[field] !== "fixed",
  );
  if (recurrence === undefined)
    return variants === undefined
      ? ok(undefined)
      : err({
          code: "recurrence-mixed",
          message: "variants are given, and nothing recurs.",
          remedy: "Add recurrence, or leave variants out.",
        });
  if (single)
    return err({
      code: "recurrence-mixed",
      message: `A recurrence does not go together with ${single}.`,
      remedy: "Leave one of them out.",
    });
  const dtStart = isNow(publishAt) ? now.toISOString() : (publishAt ?? "");
  const read = readRecurrence(recurrence, { timeZone, dtStart });
  return read.ok ? read : err(read.error.why);
}

/** What a name promises, where too many files were dropped to look into each. */
function guess(name: string): { readonly type: MediaType } {
  if (promisedFamily(name) === "video") return { type: "video/mp4" };
  return { type: name.toLowerCase().endsWith(".gif") ? "image/gif" : "image/jpeg" };
}

/** Whether the arrival of a listed file is an event of `base` by its name alone. */
function belongsTo(name: string, base: string): boolean {
  const parsed = parseDropKey(`${DROP_PREFIX}_/${name}`);
  return parsed.ok && (parsed.value.base === base || parsed.value.stem === base);
}

const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");

const identify = ({ project, base }: Drop, sidecar: Uint8Array, media: readonly Medium[]): string =>
  sha256(JSON.stringify([project, base, sha256(sidecar), ...media.map((medium) => medium.sha256)]));
