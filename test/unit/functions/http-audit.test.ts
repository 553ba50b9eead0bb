import { describe, expect, it } from "vitest";
import { shownBy } from "#functions/middleware/http-audit.ts";
import { secretNames } from "#functions/middleware/secret-names.ts";
import { ROUTES, type RouteName } from "#shared/contract/routes.ts";

describe("what there was before a change", () => {
  it.each<[RouteName, RouteName | undefined]>([
    ["updateTask", "readTask"],
    ["cancelTask", "readTask"],
    ["publishNow", "readTask"],
    ["rescheduleTask", "readTask"],
    ["writePolicy", "readPolicy"],
    ["replan", "readProject"],
    ["updateUser", "readUser"],
    ["writeSettings", "readSettings"],
    ["rollbackSettings", "readSettings"],
    ["redriveQueue", "readQueueStatus"],
    ["skipOccurrence", "readRecurrence"],
    ["pauseAccount", "readAccount"],
    // Nothing shows one key, or one delivery.
    ["rotateKey", undefined],
    ["replayDelivery", undefined],
    // Made: nothing was there.
    ["createTask", undefined],
    ["createTasks", undefined],
    ["createUser", undefined],
    ["createKey", undefined],
    ["startRun", undefined],
  ])("of %s is what %s shows", (name, shown) => {
    expect(shownBy(ROUTES[name])).toBe(shown);
  });

  it("is shown by a GET that has the same parameters, for every route there is", () => {
    for (const route of Object.values(ROUTES)) {
      if (route.method === "GET") continue;
      const shown = shownBy(route);
      if (shown === undefined) continue;
      expect(ROUTES[shown].method).toBe("GET");
      expect(ROUTES[shown].path.match(/\{\w+\}/g)).toEqual(route.path.match(/\{\w+\}/g));
      expect(route.path.startsWith(ROUTES[shown].path)).toBe(true);
    }
  });
});

describe("secret fields", () => {
  it("are those that any schema calls so, however deep", () => {
    for (const name of ["apiKey", "password", "invitationCode"]) expect(secretNames()).toContain(name);
    for (const name of ["id", "name", "text", "code", "keyId", "email"])
      expect(secretNames()).not.toContain(name);
  });
});
