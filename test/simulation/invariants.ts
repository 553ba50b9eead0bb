import type { Project } from "#shared/domain/account.ts";
import type { Gate } from "#shared/domain/gate.ts";
import { blackoutUntil } from "#shared/domain/policy.ts";
import { canBecome, isFinal, isInFlight, type Task } from "#shared/domain/task.ts";
import { contentOf, type Facts, type Write } from "./facts.ts";
import type { LivePost, XPlatform } from "./x.ts";

/** What a promise is judged by. */
export interface Evidence {
  readonly facts: Facts;
  readonly x: XPlatform;
  readonly projectOf: (task: Task) => Project;
  /** As the in-memory counters name them. */
  readonly counters: () => Readonly<Record<string, number>>;
  /** How many may be between gate and settlement. */
  readonly publishers: number;
}

/** One promise. Each check answers what is wrong, or nothing. */
export interface Invariant {
  readonly name: string;
  readonly sentence: string;
  /** Before the facts follow the write. */
  readonly onWrite?: (write: Write, evidence: Evidence) => string | undefined;
  /** When a request of Punctual's has made a post. */
  readonly onPost?: (post: LivePost, evidence: Evidence) => string | undefined;
  /** When everything has come to rest. */
  readonly atEnd?: (evidence: Evidence) => string | undefined;
}

/** Clocks of workers differ from the true time by at most this. */
const SKEW_MS = 2_000;
/** From the decision to the request's arrival: the fuse, the request's deadline, two clocks. */
const IN_FLIGHT_MS = 5_000 + 12_000 + 2 * SKEW_MS;
const DAY_MS = 86_400_000;

const taskOf = ({ facts }: Evidence, { by }: LivePost): Task | undefined =>
  by?.taskId === undefined ? undefined : facts.tasks.get(by.taskId);

const partOf = ({ facts }: Evidence, { by }: LivePost): number => (by && facts.deeds.get(by.id)?.part) ?? 0;

/** When its worker wrote that it would post it, in true time; a publisher without intents: when it arrived. */
const intendedAt = ({ facts }: Evidence, { by, arrivedAt }: LivePost): number =>
  (by && facts.deeds.get(by.id)?.intent?.at) ?? arrivedAt;

const isOver = ({ status }: Task): boolean => isFinal(status) || status === "held";

/** Whether somebody has to look because nobody knows. */
const isInDoubt = ({ inDoubtSince }: Task): boolean => inDoubtSince !== undefined;

/** Posts of Punctual's that are counted in that window of the account. */
const usedIn = ({ posts, places }: Facts, account: string, startAt: Date): readonly LivePost[] =>
  posts.filter(
    ({ accountId, postId }) => accountId === account && places.get(postId)?.dayAt === startAt.getTime(),
  );

/** What the window of the day must count at least: every post that was made, and every place that is held. */
function neededIn(facts: Facts, { accountId, day, reservations }: Gate): number {
  if (!day) return 0;
  const used = usedIn(facts, accountId, day.startAt);
  const held = reservations.filter(({ dayAt }) => dayAt.getTime() === day.startAt.getTime());
  const isHeld = ({ by }: LivePost): boolean => held.some(({ taskId }) => taskId === by?.taskId);
  const free = used.filter((post) => !isHeld(post)).length;
  return held.reduce((sum, { taskId, units, used: confirmed }) => {
    const own = used.filter(({ by }) => by?.taskId === taskId);
    const known = own.filter(({ postId }) => facts.adopted.has(`${accountId}#${postId}`)).length;
    return sum + Math.max(own.length, units - confirmed + known);
  }, free);
}

const first = <Item>(
  items: Iterable<Item>,
  check: (item: Item) => string | undefined,
): string | undefined => {
  for (const item of items) {
    const found = check(item);
    if (found) return found;
  }
  return undefined;
};

export const INVARIANTS: readonly Invariant[] = [
  {
    name: "one-post",
    sentence:
      "Of every part of a task there is at most one live post; of tasks that say the same for one account, at most as many as there are tasks.",
    onPost(post, evidence) {
      const task = taskOf(evidence, post);
      const life = task && evidence.facts.lifeOf.get(task.id);
      if (!task || !life) return undefined;
      const part = partOf(evidence, post);
      const { lives, lifeOf, posts } = evidence.facts;
      const wanted = lives.filter(({ group }) => group === life.group).length;
      const live = posts.filter((other) => {
        const otherLife = other.by?.taskId === undefined ? undefined : lifeOf.get(other.by.taskId);
        return otherLife?.group === life.group && partOf(evidence, other) === part;
      }).length;
      return live > wanted ? `part ${part} of life ${life.index} is out ${live} times` : undefined;
    },
  },
  {
    name: "nothing-early",
    sentence: "No request reaches X before the task is due, but for the skew of the worker's clock (2 s).",
    onPost(post, evidence) {
      const intent = post.by && evidence.facts.deeds.get(post.by.id)?.intent;
      const task = taskOf(evidence, post);
      if (!task) return undefined;
      const dueAt = intent?.dueAt ?? task.slotAt.getTime();
      return post.arrivedAt < dueAt - SKEW_MS ? `${dueAt - post.arrivedAt} ms early` : undefined;
    },
  },
  {
    name: "only-what-is-in-force",
    sentence:
      "What is posted is the text in force, and never of a task that was cancelled, missed, held or failed.",
    onPost(post, evidence) {
      const task = taskOf(evidence, post);
      if (!task) return undefined;
      if (isOver(task) && task.status !== "published") return `posted although it is ${task.status}`;
      const text = contentOf(evidence.facts, task)?.parts[partOf(evidence, post)]?.text;
      return text === post.text ? undefined : "another text than the one in force";
    },
  },
  {
    name: "no-blackout",
    sentence:
      "No request reaches X in the project's blackout hours, but for one that was under way when they began (21 s).",
    onPost(post, evidence) {
      const task = taskOf(evidence, post);
      if (!task) return undefined;
      const { policy, timeZone } = evidence.projectOf(task);
      if (!policy) return undefined;
      const was = blackoutUntil(policy, timeZone, new Date(post.arrivedAt - IN_FLIGHT_MS));
      const is = blackoutUntil(policy, timeZone, new Date(post.arrivedAt));
      const ends = blackoutUntil(policy, timeZone, new Date(post.arrivedAt + SKEW_MS));
      return was && is && ends ? "posted inside the blackout" : undefined;
    },
  },
  {
    name: "nothing-while-frozen",
    sentence: "Nothing is posted of a frozen project, but for what was under way when it was frozen (21 s).",
    onPost(post, evidence) {
      const task = taskOf(evidence, post);
      const since = task && evidence.facts.frozenSince.get(task.projectId);
      return since !== undefined && post.arrivedAt > since + IN_FLIGHT_MS
        ? `posted ${post.arrivedAt - since} ms after the freeze`
        : undefined;
    },
  },
  {
    name: "interval-kept",
    sentence:
      "Between two tasks of an account lies the project's interval, but for the time that a request is under way.",
    onPost(post, evidence) {
      const task = taskOf(evidence, post);
      const minIntervalMs = task && evidence.projectOf(task).policy?.minIntervalMs;
      if (!task || !minIntervalMs) return undefined;
      const before = evidence.facts.posts.findLast(
        (other) => other !== post && other.accountId === post.accountId && other.by?.taskId !== task.id,
      );
      if (!before || partOf(evidence, post) > 0) return undefined;
      const gapMs = post.arrivedAt - before.arrivedAt;
      // The next part of a thread waits for nobody: it may begin when this post has begun already.
      if (partOf(evidence, before) > 0 && intendedAt(evidence, before) > intendedAt(evidence, post))
        return undefined;
      return gapMs < minIntervalMs - IN_FLIGHT_MS ? `${gapMs} ms after the last one` : undefined;
    },
  },
  {
    name: "within-quota",
    sentence:
      "An account's window never takes more than the project's daily maximum, and a window lasts 24 hours.",
    onWrite({ together: { gate }, gateBefore, next }, evidence) {
      const dailyMax = evidence.projectOf(next).policy?.dailyMax;
      if (!gate?.day || dailyMax === undefined) return undefined;
      if (gate.day.used > dailyMax) return `${gate.day.used} of ${dailyMax} used`;
      const before = gateBefore?.day;
      if (!before || before.startAt.getTime() === gate.day.startAt.getTime()) return undefined;
      return gate.day.startAt.getTime() < before.startAt.getTime() + DAY_MS
        ? "the window was cut short"
        : undefined;
    },
  },
  {
    name: "counted",
    sentence:
      "An account's window counts at least the posts that were made in it; so do the app's day and the project's month.",
    onPost(post, { facts }) {
      const gate = facts.gates.get(post.accountId);
      if (!gate?.day) return undefined;
      const live = usedIn(facts, post.accountId, gate.day.startAt).length;
      return live > gate.day.used ? `${live} posts, ${gate.day.used} counted` : undefined;
    },
    atEnd({ facts, counters, projectOf }) {
      const taken = counters();
      const live = new Map<string, number>();
      const add = (key: string, units: number) => live.set(key, (live.get(key) ?? 0) + units);
      for (const { by, arrivedAt } of facts.posts) {
        const task = by?.taskId === undefined ? undefined : facts.tasks.get(by.taskId);
        if (!task) continue;
        // A post at midnight counts for the day that its worker's clock showed.
        const near = [arrivedAt - IN_FLIGHT_MS, arrivedAt + SKEW_MS].map((at) => new Date(at).toISOString());
        if (near[0]?.slice(0, 10) !== near[1]?.slice(0, 10)) continue;
        const iso = new Date(arrivedAt).toISOString();
        add(`app ${iso.slice(0, 10)}`, 1);
        add(`${projectOf(task).id} ${iso.slice(0, 7)}`, Math.ceil(task.costMicros / task.partCount));
      }
      return first(live, ([key, units]) => {
        const counted = taken[key] ?? 0;
        return counted < units ? `${key}: ${units} happened, ${counted} counted` : undefined;
      });
    },
  },
  {
    name: "within-budget",
    sentence: "A project's counted spending never passes its budget.",
    atEnd({ facts, counters, projectOf }) {
      return first(facts.tasks.values(), (task) => {
        const project = projectOf(task);
        const budget = project.policy?.monthlyBudgetMicros;
        if (budget === undefined) return undefined;
        return first(Object.entries(counters()), ([key, units]) =>
          key.startsWith(`${project.id} `) && units > budget ? `${units} of ${budget} micros` : undefined,
        );
      });
    },
  },
  {
    name: "nothing-used-given-back",
    sentence: "A place that is given back was not used: no post was made under it.",
    onWrite({ together: { gate, adopt }, gateBefore }, { facts }) {
      if (!gate?.day || !gateBefore?.day || gate.day.used >= gateBefore.day.used) return undefined;
      if (gate.day.startAt.getTime() !== gateBefore.day.startAt.getTime()) return undefined;
      // Of posts that say the same, nobody can tell whose is whose; what is adopted in this very write is not noted yet.
      const hasTwins = facts.lives.some(({ group, index }) => group !== index);
      if (hasTwins || adopt) return undefined;
      const needed = neededIn(facts, gate);
      return gate.day.used < needed ? `${needed} are used or held, ${gate.day.used} counted` : undefined;
    },
  },
  {
    name: "places-equal-facts",
    sentence:
      "At the end no account keeps a place for a task that is over, and its window counts exactly what was used or written off.",
    atEnd({ facts }) {
      return first(facts.gates.values(), (gate) => {
        const kept = gate.reservations.find(({ taskId }) => {
          const task = facts.tasks.get(taskId);
          return !task || isOver(task);
        });
        if (kept)
          return `${gate.accountId} keeps a place for the ${facts.tasks.get(kept.taskId)?.status} ${kept.taskId}`;
        if (!gate.day) return undefined;
        const { startAt, used } = gate.day;
        const least = usedIn(facts, gate.accountId, startAt).length;
        const most = facts.writtenOff
          .filter(({ accountId, dayAt }) => accountId === gate.accountId && dayAt === startAt.getTime())
          .reduce((sum, { units }) => sum + units, least);
        return used < least || used > most
          ? `${gate.accountId} counts ${used}, facts say ${least} to ${most}`
          : undefined;
      });
    },
  },
  {
    name: "everything-ends",
    sentence: "Once faults stop, every accepted task is published, failed, missed, cancelled or held.",
    atEnd({ facts }) {
      const missing = facts.lives.find(
        ({ index }) => ![...facts.lifeOf.values()].some((life) => life.index === index),
      );
      if (missing) return `life ${missing.index} was never accepted`;
      return first(facts.tasks.values(), (task) =>
        isOver(task) ? undefined : `${task.id} is ${task.status} for ever`,
      );
    },
  },
  {
    name: "thread-in-order",
    sentence: "Every part of a thread answers the part before it, which is out.",
    onPost(post, evidence) {
      const part = partOf(evidence, post);
      if (part === 0) return post.inReplyTo === undefined ? undefined : "a first part that answers something";
      const parent = post.inReplyTo && evidence.x.find(post.accountId, post.inReplyTo);
      const task = taskOf(evidence, post);
      if (!task || !parent) return "a part that answers nothing";
      return task.posted[part - 1]?.postId === parent.postId ? undefined : "a part that answers another one";
    },
  },
  {
    name: "published-is-live",
    sentence:
      "Every post that a task calls its own is live, says what the task says, and belongs to no other task.",
    atEnd({ facts, x }) {
      const owners = new Map<string, string>();
      return first(facts.tasks.values(), (task) =>
        first(task.posted.entries(), ([part, { postId }]) => {
          const post = x.find(task.accountId, postId);
          if (!post) return `${task.id} calls ${postId} its own, which is not there`;
          if (post.text !== contentOf(facts, task)?.parts[part]?.text) return `${postId} says something else`;
          const owner = owners.get(postId);
          if (owner !== undefined) return `${postId} belongs to ${owner} and ${task.id}`;
          owners.set(postId, task.id);
          return undefined;
        }),
      );
    },
  },
  {
    name: "one-xpost",
    sentence: "Every post that a task calls its own is marked as its own, in the same write.",
    onWrite({ before, next, together: { adopt } }) {
      const added = next.posted.slice(before?.posted.length ?? 0);
      return first(added, ({ postId }) => (adopt?.postId === postId ? undefined : `${postId} is not marked`));
    },
  },
  {
    name: "nothing-lost",
    sentence:
      "Every live post belongs to a task that knows it, or to one that says that its outcome is in doubt; tasks that say the same may have changed posts.",
    atEnd({ facts }) {
      return first(facts.posts, ({ by, postId, accountId }) => {
        const task = by?.taskId === undefined ? undefined : facts.tasks.get(by.taskId);
        if (!task || isInDoubt(task) || facts.adopted.has(`${accountId}#${postId}`)) return undefined;
        const group = facts.lifeOf.get(task.id)?.group;
        const twins = [...facts.tasks.values()].filter(({ id }) => facts.lifeOf.get(id)?.group === group);
        if (twins.some(isInDoubt)) return undefined;
        return `${postId} of the ${task.status} ${task.id} belongs to nobody`;
      });
    },
  },
  {
    name: "explained",
    sentence: "Every stop, wait and doubt has a reason, and its log entry is written with it.",
    onWrite({ before, next, together: { log } }) {
      const { status, reason } = next;
      if (
        before?.status === status ||
        !["held", "failed", "missed", "cancelled", "retrying", "unknown"].includes(status)
      )
        return undefined;
      if (!reason?.code || !reason.message || !reason.remedy) return `${status} without a reason`;
      return log?.status === status ? undefined : `${status} without a log entry`;
    },
    atEnd({ facts }) {
      return first(facts.tasks.values(), (task) => {
        const sent = task.posted.length;
        if (task.status === "published" || sent === 0) return undefined;
        const tells =
          task.reason && new RegExp(`\\b${sent} of ${task.partCount}\\b`).test(task.reason.message);
        return tells
          ? undefined
          : `a thread that is ${task.status} (${task.reason?.code}) does not say that ${sent} of ${task.partCount} parts are out`;
      });
    },
  },
  {
    name: "no-doubt-without-cause",
    sentence:
      "A task is in doubt only if X gave no definite answer, its worker died, stalled or could not settle, or a task that says the same has taken its post.",
    onWrite({ before, next }, { facts }) {
      if (next.status !== "unknown" || before?.status === "unknown" || before?.attemptId === undefined)
        return undefined;
      if (isInDoubt(before)) return undefined;
      const process = facts.attempts.get(before.attemptId);
      const deeds = process && facts.deeds.get(process.id);
      if (!process || !deeds) return "an attempt that nobody made";
      const own = facts.posts.find(({ by }) => by === process);
      if (own && facts.adopted.has(`${own.accountId}#${own.postId}`)) return undefined;
      return process.isDisturbed || deeds.heardNothing || process.state !== "running"
        ? undefined
        : "X gave its answer, and nothing happened to the worker";
    },
  },
  {
    name: "few-at-once",
    sentence: "No more posts are between gate and settlement at the same time than the setting says.",
    onWrite({ before, next, process, at }, { facts, publishers }) {
      if (next.status !== "posting" || next.startedAt === before?.startedAt || !process) return undefined;
      const others = [...facts.tasks.values()].filter(({ id, status, attemptId }) => {
        const holder = attemptId && facts.attempts.get(attemptId);
        // Whoever is frozen beyond its end does not come back to send anything.
        return id !== next.id && status === "posting" && holder?.state === "running" && holder.endsAt > at;
      }).length;
      return others + 1 > publishers ? `${others + 1} of ${publishers}` : undefined;
    },
  },
  {
    name: "steps-allowed",
    sentence:
      "A task changes only by the steps of its life cycle; what may be out is never ready to be sent.",
    onWrite({ before, next }) {
      if (!before) return undefined;
      if (!canBecome(before.status, next.status)) return `${before.status} became ${next.status}`;
      return isInFlight(before.status) &&
        next.status === "ready" &&
        next.posted.length === before.posted.length
        ? `${before.status} became ready without a post`
        : undefined;
    },
  },
  {
    name: "old-arms-do-nothing",
    sentence: "A message of an arrangement that was replaced changes nothing.",
    onWrite({ before, process }, { facts }) {
      const deeds = process && facts.deeds.get(process.id);
      if (!before || deeds?.arm === undefined || process?.taskId !== before.id) return undefined;
      const isOwn = before.attemptId !== undefined && facts.attempts.get(before.attemptId) === process;
      return deeds.arm === before.arm || isOwn
        ? undefined
        : `a message of arm ${deeds.arm} changed arm ${before.arm}`;
    },
  },
];

/** Those that look at each write, in the same order; likewise for posts. */
export const WRITE_CHECKS = INVARIANTS.flatMap(({ name, onWrite }) =>
  onWrite ? [{ name, check: onWrite }] : [],
);
export const POST_CHECKS = INVARIANTS.flatMap(({ name, onPost }) =>
  onPost ? [{ name, check: onPost }] : [],
);
