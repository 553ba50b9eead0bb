import { describe, expect, it } from "vitest";
import { type Account, accountIdFor, inactiveAccount, projectVersionOf } from "#shared/domain/account.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { isAccountName, isName } from "#shared/domain/names.ts";

const ownerId = asOwnerId("anne");
const paused: Account = {
  id: accountIdFor(ownerId, "main"),
  ownerId,
  name: "main",
  maxTextLength: 280,
  status: "paused",
  version: 1,
};

describe("an account that may not post", () => {
  it("has one id for each name of an owner", () => {
    expect(paused.id).toBe("anne.main");
  });

  it("holds its posts for its own reason, else for its status, else because it is gone", () => {
    const reason = { code: "own", message: "M", remedy: "R" };
    const held = (account: Account | undefined) => inactiveAccount(account);
    expect(held({ ...paused, reason })).toEqual({ class: "configuration", reason, stopsAccount: true });
    expect(held(paused).reason).toEqual({
      code: "account-inactive",
      message: "The account main is paused.",
      remedy: "Resume or reconnect the account, then publish the post.",
    });
    expect(held(undefined)).toEqual({
      class: "configuration",
      reason: {
        code: "unknown-account",
        message: "The account of this post does not exist any more.",
        remedy: "Connect the account again, then publish the post.",
      },
      stopsAccount: true,
    });
  });
});

describe("a project's version", () => {
  it.each([
    [{}, 1],
    [{ policyVersion: 2 }, 3],
    [{ changes: 4 }, 5],
    [{ policyVersion: 2, changes: 4 }, 7],
  ])("of %j is %i", (project, version) => {
    expect(projectVersionOf(project)).toBe(version);
  });
});

describe("a name", () => {
  it.each(["a", "7", "a-b", "a".repeat(63), `a${"-".repeat(61)}b`])("may be %s", (name) => {
    expect(isName(name)).toBe(true);
    expect(isAccountName(name)).toBe(true);
  });

  it.each(["", "-a", "a-", "A", "a b", "a_b", "a.b", "ä", "a".repeat(64), "x\na"])(
    "may not be %j",
    (name) => {
      expect(isName(name)).toBe(false);
      expect(isAccountName(name)).toBe(false);
    },
  );

  it("of an account may not be the one that stands for all", () => {
    expect([isName("any"), isAccountName("any")]).toEqual([true, false]);
  });
});
