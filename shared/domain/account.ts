import type { Failure } from "./failure.ts";
import { type AccountId, asAccountId, type OwnerId, type ProjectId } from "./ids.ts";
import type { Policy } from "./planning/rules.ts";
import type { Reason } from "./reason.ts";

/** An account of the platform that Punctual may post for. Credentials are kept elsewhere. */
export interface Account {
  readonly id: AccountId;
  readonly ownerId: OwnerId;
  /** As people name it in `account:`; unique for an owner. */
  readonly name: string;
  /** The platform's own user id and name, once verified. */
  readonly userId?: string;
  readonly username?: string;
  /** When X was last asked. */
  readonly followers?: number;
  /** 280, or 25,000 with Premium. Weighted characters. */
  readonly maxTextLength: number;
  readonly status: "active" | "paused" | "needs-reconnect";
  readonly reason?: Reason;
  /** A pause that ends by itself: a spending cap's date. */
  readonly pausedUntil?: Date;
  /** The instant after which the sweeper looks at it: its pause ends, or its held tasks go on. */
  readonly wakeAt?: Date;
  readonly version: number;
}

/** One id for each name of an owner, so that two accounts can never share a name. */
export const accountIdFor = (ownerId: OwnerId, name: string): AccountId => asAccountId(`${ownerId}.${name}`);

/** Why an account that is not active, or not there, holds its posts. */
export function inactiveAccount(account: Account | undefined): Failure {
  const reason: Reason = account
    ? (account.reason ?? {
        code: "account-inactive",
        message: `The account ${account.name} is ${account.status}.`,
        remedy: "Resume or reconnect the account, then publish the post.",
      })
    : {
        code: "unknown-account",
        message: "The account of this post does not exist any more.",
        remedy: "Connect the account again, then publish the post.",
      };
  return { class: "configuration", reason, stopsAccount: true };
}

/** What posts share: accounts, time zone, defaults. */
export interface Project {
  readonly id: ProjectId;
  readonly ownerId: OwnerId;
  /** Unique for its owner; also the first folder under `drop/`, if nobody had it. */
  readonly name: string;
  /** IANA name: local times without a zone are read in it. */
  readonly timeZone: string;
  readonly accountIds: readonly AccountId[];
  readonly defaultAccountId: AccountId;
  /** Absent: only what the platform allows counts. */
  readonly policy?: Policy;
  /** Of the policy, zone and weight in force; see `PolicyVersion`. Absent: nobody changed what it was made with. */
  readonly policyVersion?: number;
  /** Share of the capacity when it is short, 1 to 10. */
  readonly weight?: number;
  /** How often its accounts were replaced, or a source came or went. Absent: never. */
  readonly changes?: number;
}

/** Why a post is held that was made in the moment in which its project was deleted. */
export const PROJECT_GONE: Failure = {
  class: "configuration",
  reason: {
    code: "project-gone",
    message: "The project of this post does not exist any more.",
    remedy: "Cancel the post, and make it anew in another project.",
  },
};

/** Grows with every change that people make of a project, whatever part they change. */
export const projectVersionOf = ({
  policyVersion = 0,
  changes = 0,
}: Pick<Project, "policyVersion" | "changes">): number => 1 + policyVersion + changes;
