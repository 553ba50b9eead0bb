import type { Project } from "#shared/domain/account.ts";
import type { Drop } from "#shared/domain/drop.ts";
import { type DropKeyRefusal, type DroppedName, parseDropKey } from "#shared/domain/drop-key.ts";
import type { RecurrenceId, TaskId } from "#shared/domain/ids.ts";
import { isInDoubt } from "#shared/domain/moves.ts";
import type { Reason } from "#shared/domain/reason.ts";
import { droppedRecurrenceId } from "#shared/domain/recurrence/instance.ts";
import { DEFAULT_MAX_RETRIES, isFinal, isInFlight, type Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { durationInWords, instantInWords, quote, quoteAll } from "#shared/domain/words.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { BatchStore } from "#shared/ports/batch-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { StoredFile } from "#shared/ports/drop-folder.ts";
import type { DropStore } from "#shared/ports/drop-store.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { IntakeQueue } from "#shared/ports/intake-queue.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import type { KeepRecurrence } from "./keep-recurrence.ts";
import { openBatch } from "./open-batch.ts";
import type { PlacePost } from "./place-post.ts";
import {
  createReadDrop,
  type DropReading,
  type PlannedPost,
  type ReadDropDeps,
  sameName,
} from "./read-drop.ts";

/** Somebody else changed the drop meanwhile: so often it is read anew. */
const MAX_TRIES = 12;
const RETRY_MS = 40;
/** Files of a scan that are looked at together. */
const SCAN_AT_ONCE = 20;

export interface AcceptDropDeps extends Omit<ReadDropDeps, "drops"> {
  readonly drops: DropStore;
  readonly tasks: Pick<TaskStore, "get" | "getContent">;
  readonly batches: Pick<BatchStore, "open">;
  readonly intake: IntakeQueue;
  readonly placePost: PlacePost;
  readonly keepRecurrence: KeepRecurrence;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Media that no sidecar lists are waited for this long after the last event of their base name. */
  readonly settleMs: number;
}

export type IntakeMessage =
  /** An object was created. */
  | { readonly kind: "file"; readonly key: string }
  /** Time has passed: decide about everything of a base name. */
  | { readonly kind: "settle"; readonly project: string; readonly base: string }
  /** Look for objects whose event was lost. */
  | { readonly kind: "scan"; readonly project: string };

/** What was decided, for the log. */
export type AcceptReport =
  /** Nobody's post, or nothing left to decide. */
  | { readonly kind: "ignored" }
  | { readonly kind: "settling" }
  | { readonly kind: "waiting"; readonly code: string }
  | { readonly kind: "accepted" | "revised"; readonly taskId: TaskId; readonly slotAt: Date }
  | { readonly kind: "recurs"; readonly recurrenceId: RecurrenceId }
  /** The same files as before. */
  | { readonly kind: "unchanged"; readonly taskId: TaskId }
  /** A listed file: its post decides. */
  | { readonly kind: "part-of-another" }
  | { readonly kind: "failed"; readonly code: string }
  /** There is a task, and the new files do not change it. */
  | { readonly kind: "not-used"; readonly code: string }
  | { readonly kind: "scanned"; readonly files: number; readonly found: number; readonly complete: boolean };

/** @param deadline - a scan stops there and goes on with the next one */
export type AcceptDrop = (message: IntakeMessage, deadline: Date) => Promise<AcceptReport>;

/**
 * Turns dropped files into tasks.
 *
 * Events are only hints: each is noted in the drop's record, and then the folder itself is read. So order,
 * repetition and loss of events do not matter, and every record that waits has a `wakeAt` by which the sweeper finds
 * it. All checks, those of the media included, come before anything of a task is written; task, content, log and drop
 * are one transaction, on the condition that nobody changed the drop meanwhile.
 *
 * @throws DependencyFault when the table or the bucket does not answer: the message is to be delivered again
 */
export function createAcceptDrop(deps: AcceptDropDeps): AcceptDrop {
  const {
    drops,
    tasks,
    batches,
    accounts,
    folder,
    intake,
    placePost,
    keepRecurrence,
    clock,
    entropy,
    settleMs,
  } = deps;
  const readDrop = createReadDrop(deps);
  const settledAt = ({ lastSeenAt }: Drop): Date => new Date(lastSeenAt.getTime() + settleMs);
  const givenUpAt = ({ lastSeenAt }: Drop): Date =>
    new Date(lastSeenAt.getTime() + TIMING.accept.waitForFilesMs);

  /** Repeats what met another writer. `undefined` from `attempt`: it did. */
  async function untilWritten<Done>(attempt: () => Promise<Done | undefined>): Promise<Done> {
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const done = await attempt();
      if (done !== undefined) return done;
      await clock.sleepUntil(new Date(clock.now().getTime() + entropy.random() * RETRY_MS * tries));
    }
    throw new DependencyFault("a drop kept changing while it was decided about", {
      details: { tries: MAX_TRIES },
    });
  }

  /** Writes a drop unless nothing would change. */
  async function save(drop: Drop, next: Drop): Promise<boolean> {
    return isSame(drop, next) || (await drops.save(next)).ok;
  }

  /** @returns whether somebody will look again without being asked: the event is one of several */
  const note = (project: string, base: string): Promise<{ readonly expected: boolean }> =>
    untilWritten(async () => {
      const now = clock.now();
      const seen = await drops.get(project, base);
      const expected = seen?.wakeAt !== undefined && settledAt(seen) > now;
      const wakeAt = new Date(now.getTime() + settleMs + TIMING.wake.unarrangedMs);
      const next: Drop = seen
        ? { ...seen, lastSeenAt: now, wakeAt, version: seen.version + 1 }
        : { project, base, status: "waiting", firstSeenAt: now, lastSeenAt: now, wakeAt, version: 1 };
      return (await drops.save(next)).ok ? { expected } : undefined;
    });

  /** A listed file is an event of every post that lists it; of its own base name only if nobody does. */
  async function basesOf(name: DroppedName): Promise<readonly string[]> {
    if (name.role === "sidecar") return [name.base];
    let own = name.base;
    if (name.number > 0) {
      const besideStem = await folder.list(name.project, `${name.stem}.`);
      const isClaimed = besideStem.some(({ key }) => {
        const parsed = parseDropKey(key);
        return parsed.ok && parsed.value.role === "sidecar" && parsed.value.base === name.stem;
      });
      if (isClaimed) own = name.stem;
    }
    const listing = await drops.expectedBy(name.project, sameName(name.file));
    const others = listing.filter((base) => base !== own);
    return others.length === 0 || (await drops.get(name.project, own)) ? [own, ...others] : others;
  }

  async function onFile(key: string): Promise<AcceptReport> {
    const parsed = parseDropKey(key);
    if (!parsed.ok) return onBadKey(parsed.error);
    // No trace of it: the first scan after the folder is on again takes it for new.
    if ((await accounts.getSource(parsed.value.project))?.enabled === false) return { kind: "ignored" };
    let last: AcceptReport = { kind: "ignored" };
    for (const base of await basesOf(parsed.value)) {
      const { expected } = await note(parsed.value.project, base);
      last = await decide(parsed.value.project, base, { mayWait: expected });
    }
    return last;
  }

  async function onBadKey(refusal: DropKeyRefusal): Promise<AcceptReport> {
    if (refusal.kind === "ignored") return { kind: "ignored" };
    const { project, base, file, why } = refusal;
    return untilWritten(async () => {
      const now = clock.now();
      const seen = await drops.get(project, base);
      const next: Drop = {
        project,
        base,
        file,
        status: "failed",
        reason: why,
        firstSeenAt: seen?.firstSeenAt ?? now,
        lastSeenAt: now,
        version: (seen?.version ?? 0) + 1,
      };
      return (await drops.save(next)).ok ? { kind: "failed", code: why.code } : undefined;
    });
  }

  /** @param mayWait - a message that looks again is on its way already */
  const decide = (project: string, base: string, { mayWait }: { readonly mayWait: boolean }) =>
    untilWritten(async (): Promise<AcceptReport | undefined> => {
      const drop = await drops.get(project, base);
      if (!drop) return { kind: "ignored" };
      const now = clock.now();
      const source = await accounts.getSource(project);
      const owner = source && (await accounts.getProject(source.projectId));
      if (!owner) return refuse(drop, { why: await unknownProject(project) });
      const task = drop.taskId && (await tasks.get(drop.taskId));
      const content = task && (await tasks.getContent(task));
      const reading = await readDrop(drop, {
        project: owner,
        defaults: source.defaults,
        now,
        settled: now >= settledAt(drop),
        known: content?.media ?? [],
      });
      switch (reading.kind) {
        case "changed":
          return undefined;
        case "refused":
          return refuse(drop, reading);
        case "no-sidecar":
          return withoutSidecar(drop, reading.media, now, mayWait);
        case "settling":
          return settleLater(drop, now, mayWait);
        case "missing":
          return waitForMissing(drop, reading, now);
        case "post":
          return accept(drop, owner, task, reading, now);
      }
    });

  async function settleLater(drop: Drop, now: Date, mayWait: boolean): Promise<AcceptReport> {
    const leftMs = settledAt(drop).getTime() - now.getTime();
    if (!mayWait) await intake.settle(drop.project, drop.base, Math.max(0, leftMs));
    return { kind: "settling" };
  }

  /** Bad input: it leaves a record and its reason. A task that exists stays as it is. */
  async function refuse(
    drop: Drop,
    { why, file }: { readonly why: Reason; readonly file?: string },
  ): Promise<AcceptReport | undefined> {
    if (drop.taskId !== undefined || drop.recurrenceId !== undefined)
      return notUsed(drop, { ...why, message: `The new content is not used. ${why.message}` });
    const next = changed(drop, { ...DECIDED, status: "failed", reason: why, file: file ?? drop.file });
    return (await save(drop, next)) ? { kind: "failed", code: why.code } : undefined;
  }

  async function notUsed(drop: Drop, why: Reason): Promise<AcceptReport | undefined> {
    const next = changed(drop, { ...DECIDED, status: "accepted", reason: why });
    return (await save(drop, next)) ? { kind: "not-used", code: why.code } : undefined;
  }

  async function unknownProject(folderName: string): Promise<Reason> {
    const known = await accounts.listFolders();
    return {
      code: "unknown-project",
      message: `There is no project ${quote(folderName)}. The known ones are ${quoteAll(known)}.`,
      remedy: "Drop the files into the folder of a known project, or create the project and drop them again.",
    };
  }

  async function withoutSidecar(
    drop: Drop,
    media: readonly StoredFile[],
    now: Date,
    mayWait: boolean,
  ): Promise<AcceptReport | undefined> {
    const listed = await Promise.all(
      media.map(async ({ name }) => (await drops.expectedBy(drop.project, sameName(name)))[0]),
    );
    if (!listed.includes(undefined)) {
      // Nothing here, or nothing that is not part of another post. It is told only to who was told to wait.
      const [other] = listed;
      const reason: Reason | undefined =
        drop.reason && other !== undefined
          ? {
              code: "part-of-another",
              message: `${quoteAll(media.map(({ name }) => name))} is part of the post ${quote(other)}.`,
              remedy: `Nothing to do: see the outcome of ${quote(other)}.`,
            }
          : drop.reason;
      const status = other === undefined ? drop.status : "accepted";
      const next = changed(drop, { ...DECIDED, status, reason });
      return (await save(drop, next)) ? { kind: other ? "part-of-another" : "ignored" } : undefined;
    }
    if (now < settledAt(drop)) return settleLater(drop, now, mayWait);

    const names = quoteAll(media.map(({ name }) => name));
    const file = media[0]?.name;
    const waitMs = TIMING.accept.waitForFilesMs;
    if (drop.taskId !== undefined || now >= givenUpAt(drop))
      return refuse(drop, {
        why: {
          code: "no-sidecar",
          message: `${names} came without a text: no sidecar of the same name, and none that lists it, in ${durationInWords(waitMs)}.`,
          remedy: `Drop ${quote(`${drop.base}.md`)} (an empty one posts the media alone).`,
        },
        ...(file !== undefined && { file }),
      });
    const next = changed(drop, {
      status: "waiting",
      file,
      wakeAt: givenUpAt(drop),
      reason: {
        code: "waiting-for-sidecar",
        message: `${names} waits until ${instantInWords(givenUpAt(drop))} for a text.`,
        remedy: `Drop ${quote(`${drop.base}.md`)}, .txt or .json, or list the file under media: in another one.`,
      },
    });
    return (await save(drop, next)) ? { kind: "waiting", code: "waiting-for-sidecar" } : undefined;
  }

  async function waitForMissing(
    drop: Drop,
    { file, names }: Extract<DropReading, { kind: "missing" }>,
    now: Date,
  ): Promise<AcceptReport | undefined> {
    if (now >= givenUpAt(drop))
      return refuse(drop, {
        file,
        why: {
          code: "missing-media",
          message: `${quoteAll(names)} did not come in ${durationInWords(TIMING.accept.waitForFilesMs)}.`,
          remedy: "Drop the missing files and then the sidecar again, or correct its list media:.",
        },
      });
    const next = changed(drop, {
      status: drop.taskId === undefined ? "waiting" : "accepted",
      file,
      missing: names,
      wakeAt: givenUpAt(drop),
      reason: {
        code: "waiting-for-media",
        message: `It waits until ${instantInWords(givenUpAt(drop))} for ${quoteAll(names)}.`,
        remedy: "Drop the missing files, or correct the list media:.",
      },
    });
    return (await save(drop, next)) ? { kind: "waiting", code: "waiting-for-media" } : undefined;
  }

  async function accept(
    drop: Drop,
    owner: Project,
    task: Task | undefined,
    { file, identity, media, plan }: Extract<DropReading, { kind: "post" }>,
    now: Date,
  ): Promise<AcceptReport | undefined> {
    const accepted = (taskId: TaskId): Drop =>
      changed(drop, {
        ...DECIDED,
        status: "accepted",
        ownerId: owner.ownerId,
        projectId: owner.id,
        taskId,
        file,
        identity,
        reason: plan.ok ? plan.value.time.note : undefined,
      });
    if (drop.recurrenceId && drop.identity === identity)
      return (await save(drop, changed(drop, DECIDED)))
        ? { kind: "recurs", recurrenceId: drop.recurrenceId }
        : undefined;
    if (task && drop.identity === identity)
      return (await save(drop, accepted(task.id))) ? { kind: "unchanged", taskId: task.id } : undefined;

    const change = task ? decideChange(task) : "create";
    if (typeof change === "object") return notUsed(drop, change);
    if (!plan.ok) return refuse(drop, { why: plan.error, file });

    const { recurrence } = plan.value;
    if (recurrence ? drop.taskId : drop.recurrenceId) return notUsed(drop, OTHER_KIND);
    if (recurrence) return recur(drop, owner, { file, identity, media, post: plan.value, recurrence });
    // A revision stays in the batch that its task was made for.
    const { batch, ...post } = plan.value;
    const batchId =
      change === "revise" || batch === undefined
        ? undefined
        : await openBatch(batches, owner.ownerId, batch, now);
    const placed = await placePost(
      {
        ...post,
        project: owner,
        media,
        batchId,
        maxRetries: DEFAULT_MAX_RETRIES,
        source: {
          kind: "drop",
          base: drop.base,
          file,
          ...(drop.project !== owner.name && { folder: drop.project }),
        },
      },
      { drop: accepted, ...(task && change === "revise" && { revises: task }) },
    );
    if (placed.ok) {
      const { id, slotAt } = placed.value.task;
      return { kind: change === "revise" ? "revised" : "accepted", taskId: id, slotAt };
    }
    if (placed.error.reason === "stale") return undefined;
    return refuse(drop, { why: placed.error.why, file });
  }

  /** What recurs has no task of its own: the recurrence makes them. */
  async function recur(
    drop: Drop,
    owner: Project,
    { file, identity, media, post, recurrence }: RecurringDrop,
  ): Promise<AcceptReport | undefined> {
    const recurrenceId =
      drop.recurrenceId ?? droppedRecurrenceId(drop.firstSeenAt, drop.project, drop.base, identity);
    // First of all, so that whoever comes next, with other content too, goes on with this recurrence and makes no other.
    if (drop.recurrenceId === undefined) {
      const noted = changed(drop, { recurrenceId });
      return (await save(drop, noted))
        ? recur(noted, owner, { file, identity, media, post, recurrence })
        : undefined;
    }
    const { accountId, isAny, priority, language, latePolicy, reconcile, time } = post;
    const isKept = await keepRecurrence(
      recurrenceId,
      owner.ownerId,
      {
        projectId: owner.id,
        accountId,
        isAny,
        name: drop.base,
        schedule: recurrence.schedule,
        status: "active",
        strategy: "fixed",
        priority,
        language,
        latePolicy,
        ...(reconcile && { reconcile }),
        maxRetries: DEFAULT_MAX_RETRIES,
      },
      { variants: recurrence.variants, media },
    );
    if (!isKept) return notUsed(drop, RECURRENCE_DELETED);
    const next = changed(drop, {
      ...DECIDED,
      status: "accepted",
      ownerId: owner.ownerId,
      projectId: owner.id,
      recurrenceId,
      file,
      identity,
      reason: {
        code: "recurs",
        message: `It recurs; its next occurrence is at ${instantInWords(time.slotAt)}.`,
        remedy:
          "Nothing to do. Change the file to change what is ahead; delete the recurrence by the API to end it.",
      },
    });
    return (await save(drop, next)) ? { kind: "recurs", recurrenceId } : undefined;
  }

  /** An event is lost if the file is newer than everything that was noted of the posts it can belong to. */
  async function isUnseen({ key, uploadedAt }: StoredFile): Promise<boolean> {
    const parsed = parseDropKey(key);
    if (!parsed.ok) {
      if (parsed.error.kind === "ignored") return false;
      return (await drops.get(parsed.error.project, parsed.error.base)) === undefined;
    }
    const { project, file, base, stem } = parsed.value;
    for (const own of new Set([base, stem])) {
      const drop = await drops.get(project, own);
      if (drop && drop.lastSeenAt >= uploadedAt) return false;
    }
    const listing = await drops.expectedBy(project, sameName(file));
    const posts = await Promise.all(listing.map((other) => drops.get(project, other)));
    return posts.length === 0 || posts.some((post) => !post || post.lastSeenAt < uploadedAt);
  }

  async function scan(project: string, deadline: Date): Promise<AcceptReport> {
    let files = 0;
    let found = 0;
    for await (const page of folder.pages(project))
      for (let start = 0; start < page.length; start += SCAN_AT_ONCE) {
        if (clock.now() >= deadline) return { kind: "scanned", files, found, complete: false };
        const some = page.slice(start, start + SCAN_AT_ONCE);
        const unseen = await Promise.all(some.map(isUnseen));
        for (const [index, { key }] of some.entries()) {
          files++;
          if (!unseen[index]) continue;
          found++;
          await onFile(key);
        }
      }
    return { kind: "scanned", files, found, complete: true };
  }

  return async (message, deadline) => {
    switch (message.kind) {
      case "file":
        return onFile(message.key);
      case "settle":
        return decide(message.project, message.base, { mayWait: false });
      case "scan":
        return scan(message.project, deadline);
    }
  };
}

interface RecurringDrop extends Pick<Extract<DropReading, { kind: "post" }>, "file" | "identity" | "media"> {
  readonly post: PlannedPost;
  readonly recurrence: NonNullable<PlannedPost["recurrence"]>;
}

const OTHER_KIND: Reason = {
  code: "other-kind",
  message: "The new content is not used: what was a single post cannot recur, nor the other way round.",
  remedy: "Drop it under a new name.",
};

const RECURRENCE_DELETED: Reason = {
  code: "recurrence-deleted",
  message: "The new content is not used: the recurrence was deleted, or somebody else keeps changing it.",
  remedy: "Drop it under a new name.",
};

/** Nobody needs to look again. */
const DECIDED = { wakeAt: undefined, missing: undefined } as const;

type DropChange = {
  readonly [Key in Exclude<keyof Drop, "project" | "base" | "version">]?: Drop[Key] | undefined;
};

/** The next version of a drop; `undefined` removes a field. */
function changed(drop: Drop, over: DropChange): Drop {
  const next: Record<string, unknown> = { ...drop, ...over, version: drop.version + 1 };
  for (const [key, value] of Object.entries(next)) if (value === undefined) delete next[key];
  return next as unknown as Drop;
}

const isSame = (drop: Drop, next: Drop): boolean => {
  const plain = ({ version: _, ...fields }: Drop): string =>
    JSON.stringify(Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return plain(drop) === plain(next);
};

/** What new content means for the task that there is: a revision, another task, or nothing, for this reason. */
function decideChange(task: Task): "create" | "revise" | Reason {
  if (isInFlight(task.status) || isInDoubt(task) || (task.posted.length > 0 && !isFinal(task.status)))
    return {
      code: "in-flight",
      message: "The new content is not used: the post was being sent when it came.",
      remedy:
        "Wait for the outcome. If it is not what you want, delete the post on X and drop the file under a new name.",
    };
  if (task.posted.length > 0)
    return {
      code: "already-posted",
      message: "The new content is not used: the post is out already.",
      remedy: "Drop it under a new name to make another post.",
    };
  return isFinal(task.status) ? "create" : "revise";
}
