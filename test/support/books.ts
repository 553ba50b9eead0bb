import { expect } from "vitest";
import type { Sandbox } from "#infra/local/sandbox/sandbox.ts";
import type { TaskId } from "#shared/domain/ids.ts";
import { X_PRICES_MICROS } from "#shared/domain/price.ts";
import type { Operator } from "./operator.ts";
import type { TestPunctual } from "./punctual.ts";
import type { Steering } from "./steering.ts";

/** What a case may leave behind beside its posts. Everything that is left out is nothing. */
export interface Expected {
  /** New posts at X. */
  readonly posts: number;
  /** Posts that the account's gate counts although nobody knows whether they are out. */
  readonly writtenOff?: number;
  /** Shares of the app's day that a worker took and could not give back before it died. */
  readonly lostDay?: number;
  /** The same of the project's spend. */
  readonly lostSpend?: number;
}

/** Whether everything that counts posts says the same: X, the account's gate, the app's day, the project's spend. */
export interface Counts {
  /** At X. */
  readonly posts: number;
  /** Of the account's gate. */
  readonly quarter: number;
  readonly day: number;
  /** Of the whole app. */
  readonly appDay: number;
  /** Of the project, in millionths of a US dollar. */
  readonly spend: number;
}

export interface Books {
  /**
   * Counts everything as it is now: what comes next is compared with it. Posts are meant to have no link.
   *
   * @default - from nothing: a table and an account that are new
   */
  open(): Promise<void>;
  /** What was counted since. */
  changes(): Promise<Counts>;
  /** Fails unless the counts have changed as they should, the gate holds no place, and knows the newest post. */
  balance(expected: Expected): Promise<void>;
  /** What was done with the task, oldest first: `publish unknown connection-lost`. */
  story(id: TaskId): Promise<readonly string[]>;
}

export const sandboxOf = ({ sandbox }: Pick<TestPunctual, "sandbox">): Sandbox => {
  if (!sandbox) throw new Error("there is no sandbox");
  return sandbox;
};

export function createBooks(
  punctual: Pick<TestPunctual, "sandbox">,
  steering: Pick<Steering, "gate" | "detailWhen" | "task">,
  operator: Pick<Operator, "items">,
): Books {
  const sandbox = sandboxOf(punctual);

  async function count(): Promise<Counts> {
    const [gate, items] = await Promise.all([steering.gate(), operator.items()]);
    const used = (isMeant: (pk: string, sk: string) => boolean): number =>
      items
        .filter(({ pk, sk }) => isMeant(String(pk), String(sk)))
        .reduce((sum, item) => sum + Number(item["used"]), 0);
    return {
      posts: sandbox.posts().length,
      quarter: gate.quarter?.used ?? 0,
      day: gate.day?.used ?? 0,
      appDay: used((pk) => pk.startsWith("APP#DAY#")),
      spend: used((_, sk) => sk.startsWith("SPEND#")),
    };
  }
  let before: Counts = { posts: 0, quarter: 0, day: 0, appDay: 0, spend: 0 };
  let reserved: ReadonlySet<TaskId> = new Set();

  async function changes(): Promise<Counts> {
    const now = await count();
    return {
      posts: now.posts - before.posts,
      quarter: now.quarter - before.quarter,
      day: now.day - before.day,
      appDay: now.appDay - before.appDay,
      spend: now.spend - before.spend,
    };
  }

  return {
    changes,

    async open() {
      const { reservations } = await steering.gate();
      reserved = new Set(reservations.map(({ taskId }) => taskId));
      before = await count();
    },

    async balance({ posts, writtenOff = 0, lostDay = 0, lostSpend = 0 }) {
      const counted = posts + writtenOff;
      // Shares go back after the transaction that settles a post.
      await expect.poll(changes, { timeout: 5_000 }).toEqual({
        posts,
        quarter: counted,
        day: counted,
        appDay: counted + lostDay,
        spend: (counted + lostSpend) * X_PRICES_MICROS.post,
      });
      const { reservations, lastPostId } = await steering.gate();
      // What an earlier case left behind fails that one only.
      expect(reservations.filter(({ taskId }) => !reserved.has(taskId))).toEqual([]);
      if (posts > 0) expect(lastPostId).toBe(sandbox.posts().at(-1)?.id);
    },

    async story(id) {
      const { status } = await steering.task(id);
      const { log } = await steering.detailWhen(id, [status]);
      return log.map(({ step, status: to, code }) => [step, to, code].filter(Boolean).join(" "));
    },
  };
}
