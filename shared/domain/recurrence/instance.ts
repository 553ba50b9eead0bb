/** One occurrence of a recurrence that is, or was to be, a task; and how it follows changes of the recurrence. */
import { createHash } from "node:crypto";
import { asRecurrenceId, asTaskId, type RecurrenceId, type TaskId } from "../ids.ts";
import type { Medium } from "../media.ts";
import { cancel } from "../moves.ts";
import type { Reason } from "../reason.ts";
import { type Content, isFinal, isInFlight, type Task } from "../task.ts";
import { type LocalTime, wallMs } from "./local-time.ts";
import type { Recurrence, RecurrenceContent, Wish } from "./recurrence.ts";

/**
 * The wish for one occurrence, noted before its task is touched: whoever dies in between leaves a note that says what is
 * left to do. Notes are written together with their recurrence, so that nobody notes by a rule that was changed.
 */
export interface Instance {
  readonly recurrenceId: RecurrenceId;
  readonly local: LocalTime;
  readonly taskId: TaskId;
  /** Grows when it is wished again after its task was cancelled, since nothing brings that task back. */
  readonly generation: number;
  readonly wish: "post" | "cancel";
  /** `open`: its task may not be as wished yet. */
  readonly state: "open" | "settled";
  /** What is to be posted, and when: equal hashes need no change. */
  readonly hash: string;
  readonly publishAt: Date;
}

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

function encode(value: bigint, length: number): string {
  let text = "";
  for (let rest = value; text.length < length; rest >>= 5n) text = CROCKFORD[Number(rest & 31n)] + text;
  return text;
}

/** An id that the same thing always gets. @see https://github.com/ulid/spec */
function hashedUlid(atMs: number, of: readonly unknown[]): string {
  const hash = createHash("sha256").update(JSON.stringify(of)).digest("hex");
  const random = BigInt(`0x${hash}`) >> (256n - 80n);
  return encode(BigInt(atMs), 10) + encode(random, 16);
}

/**
 * The one id that a dropped recurrence can have, however often its file is looked at.
 *
 * @param identity - of the file as it was first accepted
 */
export const droppedRecurrenceId = (
  firstSeenAt: Date,
  project: string,
  base: string,
  identity: string,
): RecurrenceId => asRecurrenceId(hashedUlid(firstSeenAt.getTime(), [project, base, identity]));

/**
 * The one id that an occurrence's task can have, so that whoever makes it, however often, makes it once. A ULID, whose
 * time is the occurrence's and whose random bits are a hash.
 */
export const instanceTaskId = (id: RecurrenceId, local: LocalTime, generation: number): TaskId =>
  asTaskId(hashedUlid(wallMs(local), [id, local, generation]));

type Said = Pick<Task, "accountId" | "publishAt" | "priority" | "language" | "latePolicy"> & {
  readonly isAny: boolean;
  readonly reconcile?: Task["reconcile"] | undefined;
  readonly texts: readonly string[];
  readonly media: readonly Medium[];
};

const hashOf = (said: Said): string =>
  createHash("sha256")
    .update(
      JSON.stringify([
        said.publishAt.getTime(),
        // Of a pool any account is as good as another.
        said.isAny || said.accountId,
        said.priority,
        said.language,
        said.latePolicy.postWithinMs ?? null,
        said.latePolicy.then,
        said.reconcile ?? null,
        said.texts,
        said.media.map(({ sha256, altText }) => [sha256, altText ?? null]),
      ]),
    )
    .digest("hex");

/** Of an occurrence as it is to be posted. */
const wishHash = (
  recurrence: Recurrence,
  { media }: Pick<RecurrenceContent, "media">,
  { publishAt, parts }: Wish,
): string => hashOf({ ...recurrence, publishAt, texts: parts.map(({ text }) => text), media });

/** Of a task as it is: the same when there is nothing to change. What was written for it does not count. */
export const taskHash = (task: Task, { parts, media, original }: Content): string =>
  hashOf({
    ...task,
    isAny: task.pool !== undefined,
    texts: (original ?? parts).map(({ text }) => text),
    media,
  });

/** Nobody changes it any more for the sake of its recurrence: it is out, perhaps or partly out, on its way, or over. */
export const isLeftAlone = ({ status, posted, inDoubtSince, cancelAskedAt }: Task): boolean =>
  isFinal(status) ||
  isInFlight(status) ||
  posted.length > 0 ||
  inDoubtSince !== undefined ||
  cancelAskedAt !== undefined;

/** Cancelled with nothing posted, for certain: its occurrence may have another task. */
const isCleared = ({ status, posted, inDoubtSince }: Task): boolean =>
  status === "cancelled" && posted.length === 0 && inDoubtSince === undefined;

const LEFT_OUT: Reason = {
  code: "left-out",
  message:
    "Cancelled before anything was posted: its recurrence does not name this time any more, or is paused.",
  remedy: "Nothing to do; change the recurrence if it should be posted all the same.",
};

/** What a recurrence does to a task that it does not want any more. */
export const leaveOut = (task: Task, now: Date): Task => ({ ...cancel(task, now), reason: LEFT_OUT });

/** Its recurrence cancelled it, not a person. */
export const isLeftOut = (task: Task): boolean => isCleared(task) && task.reason?.code === LEFT_OUT.code;

export interface NotesInput {
  readonly recurrence: Recurrence;
  readonly content: RecurrenceContent;
  readonly now: Date;
  /** To be posted from now on, by time. Empty for a recurrence that is not active. */
  readonly wishes: readonly Wish[];
  /** What is noted. */
  readonly noted: readonly Instance[];
  /** Tasks of the notes that `toLookUp` names; absent: there is none. */
  readonly tasks: ReadonlyMap<TaskId, Task>;
}

/** Notes of occurrences that may need another task, since theirs was cancelled: the tasks decide. */
export function toLookUp(wishes: readonly Wish[], noted: readonly Instance[]): readonly Instance[] {
  const wished = new Set<string>(wishes.map(({ occurrence }) => occurrence.local));
  return noted.filter(
    ({ wish, state, local }) => wished.has(local) && (wish === "cancel" || state === "open"),
  );
}

/**
 * The notes that have to be written so that the future follows the recurrence, nearest first. What is not ahead any more
 * stays as it was noted.
 */
export function planNotes({
  recurrence,
  content,
  now,
  wishes,
  noted,
  tasks,
}: NotesInput): readonly Instance[] {
  const { id } = recurrence;
  const known = new Map(noted.map((instance) => [instance.local, instance]));
  const wished = new Set<string>(wishes.map(({ occurrence }) => occurrence.local));
  const posts = wishes.flatMap((wish): readonly Instance[] => {
    const { local } = wish.occurrence;
    const before = known.get(local);
    const hash = wishHash(recurrence, content, wish);
    const generation = generationOf(before, before && tasks.get(before.taskId));
    if (before?.wish === "post" && before.generation === generation) {
      // The second: its own time has come, so it is too late to move it.
      if (before.hash === hash || before.publishAt <= now) return [];
    }
    const taskId = instanceTaskId(id, local, generation);
    const { publishAt } = wish;
    return [{ recurrenceId: id, local, taskId, generation, wish: "post", state: "open", hash, publishAt }];
  });
  const cancels = noted
    .filter(({ wish, local, publishAt }) => wish === "post" && publishAt > now && !wished.has(local))
    .map((instance): Instance => ({ ...instance, wish: "cancel", state: "open" }));
  return [...posts, ...cancels].toSorted((a, b) => a.publishAt.getTime() - b.publishAt.getTime());
}

/**
 * A task that was cancelled for certain is replaced; any other is the occurrence's for good, and so is one that a person
 * cancelled while its recurrence wished it to be posted.
 */
function generationOf(before: Instance | undefined, task: Task | undefined): number {
  if (!before) return 0;
  const isReplaced = task !== undefined && (before.wish === "cancel" ? isCleared(task) : isLeftOut(task));
  return before.generation + (isReplaced ? 1 : 0);
}
