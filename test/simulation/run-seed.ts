import type { Project } from "#shared/domain/account.ts";
import { ARRANGEMENT_LIMITS } from "#shared/domain/arrangement.ts";
import { asAttemptId, asTaskId, type TaskId } from "#shared/domain/ids.ts";
import { DEFAULT_SETTINGS } from "#shared/domain/settings.ts";
import { isFinal, type Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { PostPublisher } from "#shared/ports/post-publisher.ts";
import type { RunStore } from "#shared/ports/run-store.ts";
import type { ReceivedTaskMessage } from "#shared/ports/task-dispatch.ts";
import { type TaskStore, WAKE_SHARDS } from "#shared/ports/task-store.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createCancelTask } from "#shared/usecases/cancel-task.ts";
import { createCreateTask } from "#shared/usecases/create-task.ts";
import { createOrderTasks } from "#shared/usecases/dispatch-fairly.ts";
import { createPlacePost } from "#shared/usecases/place-post.ts";
import { createPlanSlot } from "#shared/usecases/plan-slot.ts";
import { createPreparePost } from "#shared/usecases/prepare-post.ts";
import { createPublishNow } from "#shared/usecases/publish-now.ts";
import { createPublishPost } from "#shared/usecases/publish-post.ts";
import { createReconcilePost } from "#shared/usecases/reconcile-post.ts";
import { createResumeAccount } from "#shared/usecases/resume-account.ts";
import { createRunDueTasks } from "#shared/usecases/run-due-tasks.ts";
import { createShowTasks } from "#shared/usecases/show-tasks.ts";
import { createStartRun } from "#shared/usecases/start-run.ts";
import { createSweepTasks } from "#shared/usecases/sweep-tasks.ts";
import { createVerifyAccount } from "#shared/usecases/verify-account.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryBatches } from "#test/support/in-memory-batches.ts";
import { createInMemoryCircuits, createInMemoryCounters } from "#test/support/in-memory-counters.ts";
import { createInMemoryFingerprints } from "#test/support/in-memory-fingerprints.ts";
import { createInMemoryRuns } from "#test/support/in-memory-runs.ts";
import { createInMemorySlots } from "#test/support/in-memory-slots.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";
import type { Breakage } from "./breakages.ts";
import { createCalls } from "./calls.ts";
import { cellOf, type Met, newMet } from "./coverage.ts";
import { createDeliveries } from "./deliveries.ts";
import { type Facts, newFacts, observeStore, statusOf, type Write } from "./facts.ts";
import type { Fault } from "./faults.ts";
import type { History } from "./history.ts";
import { type Evidence, INVARIANTS, POST_CHECKS, WRITE_CHECKS } from "./invariants.ts";
import { createKernel } from "./kernel.ts";
import { createPeople } from "./people.ts";
import { portSpecs } from "./ports.ts";
import type { Process } from "./processes.ts";
import { createRandom } from "./random.ts";
import { drawScenario, type Life, OWNER } from "./scenario.ts";
import { createUploads } from "./uploads.ts";
import { createX } from "./x.ts";

export interface Violation {
  readonly seed: number;
  readonly invariant: string;
  readonly detail: string;
}

export interface SeedResult {
  readonly seed: number;
  readonly lives: number;
  readonly events: number;
  /** How lives ended: `published`, `held: absent-held`, … */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  readonly met: Met;
}

export interface SeedOptions {
  readonly breakage?: Breakage | undefined;
  /** Is told everything, for a person to read. */
  readonly history?: History | undefined;
}

/** Streams of chance. */
const STREAMS = {
  scenario: 0,
  latencies: 1,
  faults: 2,
  deliveries: 3,
  x: 4,
  uploads: 5,
  entropy: 6,
} as const;
/** A run that is still busy after so many events never comes to rest. */
const MAX_EVENTS = 30_000;
const MINUTE_MS = 60_000;
/** A function's environment starts within this. */
const COLD_START_MS = 900;
const DESK_TIMEOUT_MS = TIMING.api.timeoutMs;

/** Runs one scenario to its end. The same seed gives the same history, whatever ran before it. */
export async function runSeed(seed: number, { breakage, history }: SeedOptions = {}): Promise<SeedResult> {
  const chance = (stream: number) => createRandom(seed, stream);
  const scenario = drawScenario(chance(STREAMS.scenario));
  const { lives, projects, accounts: allAccounts, deeds, faultsEndAt, giveUpAt } = scenario;
  const kernel = createKernel(scenario.startAt);
  const facts: Facts = newFacts(lives);
  const met = newMet();
  const violations: Violation[] = [];
  /** Processes that accept a life. */
  const creating = new Map<number, Life>();

  const severity = (): number => (kernel.now() < faultsEndAt ? scenario.severity : 0);
  const meet = (fault: Fault, taskId: string | undefined): void => {
    // Of a sweep as a whole, or of a person's desk, no task is met.
    const isNew = taskId === undefined && creating.has(calls.running()?.id ?? 0);
    if (taskId === undefined && !isNew) return;
    const cell = cellOf(statusOf(facts, taskId), fault);
    met[cell] = (met[cell] ?? 0) + 1;
  };
  const violate = (invariant: string, detail: string): void => {
    violations.push({ seed, invariant, detail });
    history?.note(kernel.now(), `VIOLATION of ${invariant}: ${detail}`);
  };

  const calls = createCalls({
    kernel,
    latencies: chance(STREAMS.latencies),
    faults: chance(STREAMS.faults),
    severity,
    watch: {
      fault: (fault, taskId) => meet(fault, taskId),
      ...(history && {
        call: (process: Process, name: string, args: readonly unknown[], answer: string) =>
          history.call(kernel.now(), process, name, args, answer),
      }),
    },
  });
  const { clock } = calls;
  const xMet = (fault: Fault, process: Process): void => {
    meet(fault, process.taskId);
    const doing = facts.deeds.get(process.id);
    if (doing && (fault === "x-lost-made" || fault === "x-lost-unmade" || fault === "x-outage"))
      doing.heardNothing = true;
  };
  const x = createX({
    kernel,
    calls,
    random: chance(STREAMS.x),
    severity,
    outages: scenario.outages,
    met: xMet,
    onPost(post) {
      if (!post.by) return;
      facts.posts.push(post);
      const place = facts.gates
        .get(post.accountId)
        ?.reservations.find(({ taskId }) => taskId === post.by?.taskId);
      if (place)
        facts.places.set(post.postId, { accountId: post.accountId, dayAt: place.dayAt.getTime(), units: 1 });
      history?.note(
        post.arrivedAt,
        `X makes ${post.postId} (${post.text}), shown at +${post.shownAt - post.arrivedAt} ms`,
      );
      for (const { name, check } of POST_CHECKS) {
        const wrong = check(post, evidence);
        if (wrong) violate(name, wrong);
      }
    },
  });
  const projectOf = (task: Task): Project => {
    const project = projects.find(({ id }) => id === task.projectId);
    if (!project) throw new RangeError("a task without project");
    return project;
  };

  /** Somebody who looks finds a post of the task that the task does not know of. */
  const seesItOnX = ({ id, accountId }: Task): boolean =>
    facts.posts.some(({ by, postId }) => by?.taskId === id && !facts.adopted.has(`${accountId}#${postId}`));

  const rawAccounts = createInMemoryAccounts();
  const rawCounters = createInMemoryCounters();
  const rawRuns = createInMemoryRuns(clock);
  const store = createInMemoryStore(clock, rawAccounts.due);
  const index: TaskStore = {
    ...store.tasks,
    async listDue(shard, now, limit) {
      return [...(await store.tasks.listDue(shard, now, limit)), ...rawRuns.listDue(shard, now)].slice(
        0,
        limit,
      );
    },
  };
  const settings = {
    current: async () => ({ ...DEFAULT_SETTINGS, concurrentPublishers: scenario.publishers }),
  };
  const rawSlots = createInMemorySlots({ now: () => new Date(kernel.now()) });
  const evidence: Evidence = {
    facts,
    x,
    projectOf,
    counters: () => rawCounters.snapshot(),
    publishers: scenario.publishers,
  };

  let hasRuns = false;
  /** Minutes in which the sweeper will find something; in all others it would find nothing. */
  const sweeps = new Set<number>();
  function sweepFor(wakeAt: Date | undefined): void {
    if (!wakeAt) return;
    const minute = Math.max(
      Math.ceil((wakeAt.getTime() - 2_000) / MINUTE_MS),
      Math.floor(kernel.now() / MINUTE_MS) + 1,
    );
    if (sweeps.has(minute)) return;
    sweeps.add(minute);
    kernel.plan(minute * MINUTE_MS, () => sweep(minute));
  }

  const observed = observeStore(index, {
    facts,
    now: kernel.now,
    running: calls.running,
    onWrite(write: Write) {
      const { before, next, process } = write;
      const life = before || !process ? undefined : creating.get(process.id);
      if (life) facts.lifeOf.set(next.id, life);
      for (const { name, check } of WRITE_CHECKS) {
        const wrong = check(write, evidence);
        if (wrong) violate(name, wrong);
      }
      if (history && before?.status !== next.status) history.step(kernel.now(), before, next);
      sweepFor(next.wakeAt);
    },
  });
  const broken = breakage?.tasks?.(observed, (id) => facts.tasks.get(id)) ?? observed;
  const specs = portSpecs({
    facts,
    now: kernel.now,
    repeatedWrite: breakage?.repeatedWrite,
    metStaleIndex: (taskId) => meet("stale-index", taskId),
  });
  const tasks = calls.wrap("tasks", broken, specs.tasks);
  const media = calls.wrap("media", store.media, specs.media);
  const accounts = calls.wrap(
    "accounts",
    {
      ...rawAccounts,
      async saveAccount(next) {
        const saved = await rawAccounts.saveAccount(next);
        if (saved.ok) sweepFor(next.wakeAt);
        return saved;
      },
      async savePolicy(id, next) {
        // Whoever changes it looks first: it is saved on the version in force.
        const { policyVersion = 0 } = (await rawAccounts.getProject(id)) ?? {};
        const saved = await rawAccounts.savePolicy(id, { ...next, version: policyVersion + 1 });
        if (next.policy.frozen) facts.frozenSince.set(id, kernel.now());
        else facts.frozenSince.delete(id);
        return saved;
      },
      async deactivateAccount(id, stopped) {
        await rawAccounts.deactivateAccount(id, stopped);
        sweepFor(stopped.until);
      },
    },
    specs.accounts,
  );
  const runs = calls.wrap(
    "runs",
    {
      ...rawRuns,
      async save(next) {
        const saved = await rawRuns.save(next);
        hasRuns = true;
        if (saved.ok) sweepFor(next.wakeAt);
        return saved;
      },
    } satisfies RunStore,
    specs.runs,
  );
  const counters = calls.wrap("counters", rawCounters, specs.counters);
  const circuits = calls.wrap("circuits", createInMemoryCircuits(), specs.circuits);
  const slots = calls.wrap("slots", breakage?.slots?.(rawSlots) ?? rawSlots, specs.slots);
  const dispatch = calls.wrap(
    "dispatch",
    createDeliveries({
      kernel,
      random: chance(STREAMS.deliveries),
      severity,
      met: meet,
      invoke,
      onDeadLetter: ({ taskId, step }) => history?.note(kernel.now(), `dead letter: ${step} of ${taskId}`),
    }),
    specs.dispatch,
  );

  let ids = 0;
  const entropyRandom = chance(STREAMS.entropy);
  const entropy: Entropy = {
    newId: () => `01K${String(++ids).padStart(23, "0")}`,
    random: entropyRandom.next,
  };
  const holdLeadMs = TIMING.publish.holdLeadMs;
  const report = (): void => {};
  const arrange = createArrangeTask({ tasks, dispatch, clock, limits: ARRANGEMENT_LIMITS });
  const show = createShowTasks({ tasks, accounts });
  const intentAt = (): Date | undefined => {
    const process = calls.running();
    const doing = process && facts.deeds.get(process.id);
    return process && doing?.intent && !doing.hasCalled
      ? new Date(doing.intent.at + process.skewMs)
      : undefined;
  };
  const publishDeps = {
    tasks,
    accounts,
    media,
    publisher: {
      ...x.publisher,
      create(...args: Parameters<PostPublisher["create"]>) {
        const doing = facts.deeds.get(calls.running()?.id ?? 0);
        if (doing) doing.hasCalled = true;
        return x.publisher.create(...args);
      },
    },
    counters,
    circuits,
    slots,
    settings,
    dispatch,
    clock: breakage?.clock?.(clock, intentAt) ?? clock,
    entropy,
    holdLeadMs,
    ...(breakage?.publishTiming && { timing: breakage.publishTiming }),
  };
  const publishPost = (breakage?.publisher ?? createPublishPost)(publishDeps);
  const reconcilePost = createReconcilePost({
    tasks,
    accounts,
    publisher: x.publisher,
    counters,
    dispatch,
    clock,
    entropy,
    holdLeadMs,
    ...(breakage?.reconcileTiming && { timing: breakage.reconcileTiming }),
  });
  const preparePost = createPreparePost({
    // No life asks for a text.
    writeText: () => Promise.reject(new RangeError("nobody asked for a text")),
    tasks,
    accounts,
    dispatch,
    settings,
    clock,
    entropy,
    uploadMedia: createUploads({
      calls,
      kernel,
      clock,
      media,
      random: chance(STREAMS.uploads),
      severity,
      met: meet,
    }),
  });
  const verifyAccount = createVerifyAccount({ tasks, accounts, publisher: x.publisher, clock });
  const resumeAccount = createResumeAccount({ tasks, accounts, arrange, clock, entropy });
  const order = createOrderTasks({ accounts });
  const runDueTasks = createRunDueTasks({ tasks, media, runs, order, arrange, clock, entropy });
  const startRun = createStartRun({ runs, clock, entropy });
  const sweepTasks = createSweepTasks({
    tasks,
    drops: store.drops,
    accounts: { listSources: async () => [], claimScan: async () => false },
    intake: { settle: async () => {}, scan: async () => {} },
    dispatch,
    arrange,
    resumeAccount,
    runDueTasks,
    // No managed jobs here: a run that a person starts is the same run.
    runDueJob: async () => "skipped",
    order,
    settings,
    clock,
    entropy,
  });
  const cancelTask = createCancelTask({ tasks, dispatch, show, clock, entropy, report });
  const publishNow = createPublishNow({ tasks, dispatch, arrange, show, clock, entropy, report });
  const placePost = createPlacePost({
    tasks,
    planSlot: createPlanSlot({ tasks, accounts, clock }),
    fingerprints: createInMemoryFingerprints(clock),
    arrange,
    clock,
    entropy,
    report,
  });
  const createTask = createCreateTask({
    accounts,
    batches: createInMemoryBatches(),
    placePost,
    clock,
  });
  const people = createPeople({
    tasks,
    accounts,
    arrange,
    createTask,
    clock,
    entropy,
    projects,
    seesItOnX,
  });

  function invoke(message: ReceivedTaskMessage, ends: { done(failed: unknown): void; died(): void }): void {
    const { step, taskId } = message;
    const timeoutMs = step === "prepare" ? TIMING.prepare.timeoutMs : TIMING.publish.timeoutMs;
    kernel.plan(kernel.now() + entropyRandom.between(0, COLD_START_MS), () =>
      calls.start(
        { name: step, timeoutMs, taskId },
        (process) => {
          facts.deeds.set(process.id, {
            arm: message.arm,
            part: message.part,
            intent: undefined,
            hasCalled: false,
            heardNothing: false,
          });
          const delivered = breakage?.message?.(message, facts.tasks.get(taskId)) ?? message;
          history?.call(kernel.now(), process, "starts", [message], "");
          const invocation = {
            attemptId: asAttemptId(entropy.newId()),
            deadlineAt: new Date(clock.now().getTime() + timeoutMs),
          };
          switch (step) {
            case "prepare":
              return preparePost(delivered, invocation);
            case "publish":
              return publishPost(delivered, invocation);
            case "settle":
              return reconcilePost(delivered, invocation);
            case "verify":
              return verifyAccount(delivered, invocation);
          }
        },
        ends,
      ),
    );
  }

  function sweep(minute: number): void {
    sweeps.delete(minute);
    const horizon = kernel.now() + 2_000;
    const wakes = [...facts.tasks.values(), ...rawAccounts.due()].flatMap(({ wakeAt }) =>
      wakeAt ? [wakeAt] : [],
    );
    for (let shard = 0; hasRuns && shard < WAKE_SHARDS; shard++)
      wakes.push(...rawRuns.listDue(shard, new Date(horizon)).map(({ wakeAt }) => wakeAt));
    // What it does not get done, the next one does.
    if (!wakes.some((wakeAt) => wakeAt.getTime() <= horizon)) return;
    for (const wakeAt of wakes) if (wakeAt.getTime() <= horizon) sweepFor(wakeAt);
    const timeoutMs = TIMING.sweep.timeoutMs;
    const deadline = (): Date => new Date(clock.now().getTime() + timeoutMs - 10_000);
    calls.start({ name: "sweep", timeoutMs }, () => sweepTasks(deadline(), report), NOBODY_WAITS);
  }

  /** Somebody at a desk, whose request fails like any other; whoever really wants something asks again. */
  function ask(
    name: string,
    taskId: TaskId | undefined,
    run: (process: Process) => Promise<unknown>,
    after?: () => void,
  ) {
    const ended = (): void => after?.();
    calls.start({ name, timeoutMs: DESK_TIMEOUT_MS, taskId }, run, { done: ended, died: ended });
  }

  function accept(life: Life): void {
    ask(
      `accept ${life.index}`,
      undefined,
      async (process) => {
        creating.set(process.id, life);
        await people.accept(life);
      },
      () =>
        // Whoever saw no answer looks into the list first; what is under way arrives within seconds.
        kernel.plan(kernel.now() + 10_000, () => {
          const isThere = [...facts.lifeOf.values()].includes(life);
          if (!isThere) accept(life);
        }),
    );
  }

  for (const project of projects) await rawAccounts.addProject(project);
  for (const account of allAccounts) await rawAccounts.saveAccount(account);
  for (const life of lives) kernel.plan(life.createAt, () => accept(life));
  for (const deed of deeds) kernel.plan(deed.at, () => act(deed));

  function act(deed: (typeof deeds)[number]): void {
    switch (deed.kind) {
      case "cancelled":
      case "published-now":
      case "edited": {
        const life = lives[deed.life];
        const id = [...facts.lifeOf].find(([, found]) => found === life)?.[0];
        if (!life || id === undefined) return;
        const taskId = asTaskId(id);
        meet(deed.kind, id);
        ask(deed.kind, taskId, async () => {
          if (deed.kind === "cancelled") return cancelTask(OWNER, taskId);
          if (deed.kind === "edited") return people.edit(taskId, life, deed.slotAt);
          const task = facts.tasks.get(taskId);
          return task && !isFinal(task.status) && !seesItOnX(task) ? publishNow(OWNER, taskId) : undefined;
        });
        break;
      }
      case "pause":
      case "resume":
      case "reconnect": {
        if (deed.kind === "reconnect") x.reconnect(deed.accountId);
        for (const task of facts.tasks.values())
          if (deed.kind === "pause" && task.accountId === deed.accountId) meet("account-paused", task.id);
        ask(deed.kind, undefined, () =>
          deed.kind === "pause" ? people.pause(deed.accountId) : people.resume(deed.accountId),
        );
        break;
      }
      case "freeze":
      case "thaw": {
        const project = projects[deed.project];
        for (const task of facts.tasks.values())
          if (deed.kind === "freeze" && task.projectId === project?.id) meet("frozen", task.id);
        ask(deed.kind, undefined, () => people.freeze(deed.project, deed.kind === "freeze"));
        break;
      }
      case "run":
        ask("run", undefined, () => startRun(OWNER));
        break;
      case "by-hand":
        for (let count = 0; count < deed.posts; count++) x.postByHand(deed.accountId, `by hand ${count}`);
        break;
    }
  }

  kernel.plan(giveUpAt, kernel.stop);
  if (!(await kernel.run(MAX_EVENTS))) violate("everything-ends", `still busy after ${MAX_EVENTS} events`);
  for (const { name, atEnd } of INVARIANTS) {
    const wrong = atEnd?.(evidence);
    if (wrong) violate(name, wrong);
  }
  const outcomes: Record<string, number> = {};
  for (const { status, reason } of facts.tasks.values()) {
    const outcome = status === "published" || !reason ? status : `${status}: ${reason.code}`;
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  return { seed, lives: facts.tasks.size, events: kernel.count(), outcomes, violations, met };
}

const NOBODY_WAITS = { done() {}, died() {} };
