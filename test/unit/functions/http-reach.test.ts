import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createCheckReach } from "#functions/middleware/http-reach.ts";
import type { Place, RouteShape } from "#shared/contract/routes/route-shape.ts";
import { ROUTES } from "#shared/contract/routes.ts";
import { asOwnerId } from "#shared/domain/ids.ts";

const routes = Object.entries(ROUTES) as unknown as readonly (readonly [string, RouteShape])[];
const TASK = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const caller = { ownerId: asOwnerId("anne"), keyId: "0123456789ab", scopes: ["admin"] } as const;
const [OURS, THEIRS] = ["01ARZ3NDEKTSV4RRFFQ69G5FAA", "01ARZ3NDEKTSV4RRFFQ69G5FAB"];
const checkReach = createCheckReach(
  async (_, id) => (id === TASK ? { project: "shop", account: "main" } : undefined),
  async (_, id) =>
    new Map([
      [OURS, "shop"],
      [THEIRS, "bakery"],
    ]).get(id),
);

/** A request that names something at a place. */
function naming(place: Place | undefined, name: unknown): Record<string, unknown> {
  const [source = "", ...path] = place?.split(".") ?? [];
  const value = path.reduceRight<unknown>(
    (inner, step) => (step.endsWith("[]") ? { [step.slice(0, -2)]: [inner] } : { [step]: inner }),
    name,
  );
  return place === undefined ? {} : { [source]: value };
}

function merge(...parts: readonly Record<string, unknown>[]): Record<string, unknown> {
  const merged: Record<string, unknown> = {};
  for (const part of parts)
    for (const [key, value] of Object.entries(part)) {
      const known = merged[key];
      merged[key] =
        Array.isArray(known) && Array.isArray(value)
          ? [merge(known[0], value[0])]
          : typeof known === "object" && typeof value === "object"
            ? merge(known as Record<string, unknown>, value as Record<string, unknown>)
            : value;
    }
  return merged;
}

const ask = (
  route: RouteShape,
  restriction: { readonly projects?: readonly string[]; readonly accounts?: readonly string[] },
  request: Record<string, unknown>,
) =>
  checkReach({
    caller: { ...caller, ...restriction },
    route,
    params: {},
    query: {},
    body: undefined,
    ...request,
  });

const DENIED = { ok: false, error: { code: "key-restricted" } };

describe("a key without a restriction", () => {
  it.each(routes)("may ask %s whatever it names", async (_, route) => {
    const params = { id: TASK, name: "anything" };
    expect(await ask(route, {}, { params })).toEqual({ ok: true, value: params });
  });
});

describe("a restricted key", () => {
  const silent = routes.filter(([, { reach }]) => reach === undefined);
  it.each(silent)("gets nothing of %s, which says nothing about it", async (_, route) => {
    const everything = { name: "shop", project: "shop", account: "main" };
    const request = { params: { ...everything, id: TASK }, query: everything, body: everything };
    for (const restriction of [{ projects: ["shop"] }, { accounts: ["main"] }])
      expect(await ask(route, restriction, request)).toMatchObject(DENIED);
  });

  const open = routes.filter(([, { reach }]) => reach?.by === "nothing");
  it.each(open)("may ask %s, which is about nobody", async (_, route) => {
    expect(route.method).toBe("GET");
    expect(await ask(route, { projects: ["shop"], accounts: ["main"] }, {})).toMatchObject({ ok: true });
  });

  const kinds = [
    ["project", "projects"],
    ["account", "accounts"],
  ] as const;
  const named = routes.flatMap(([name, route]) =>
    route.reach?.by === "names" ? kinds.map((kind) => [name, ...kind, route, route.reach] as const) : [],
  );
  it.each(named)("has to name its own in %s: %s", async (_, kind, list, route, reach) => {
    const place = reach?.by === "names" ? reach[kind] : undefined;
    const restriction = { [list]: ["mine", "mine-too"] };
    if (place === undefined) {
      expect(await ask(route, restriction, {})).toMatchObject(DENIED);
      return;
    }
    for (const name of ["mine", "mine-too"])
      expect(await ask(route, restriction, naming(place, name))).toMatchObject({ ok: true });
    // Absent is whatever the handler thinks of, `any` is all of them.
    for (const name of ["theirs", "any", "", undefined, null, ["mine"], { mine: 1 }, "MINE", "mine "])
      expect(await ask(route, restriction, naming(place, name))).toMatchObject(DENIED);
  });

  it.each(
    named.filter(
      ([, kind, , , reach]) => kind === "project" && reach?.by === "names" && reach.project && reach.account,
    ),
  )("restricted to both has to name both in %s", async (...[, , , route, reach]) => {
    if (reach?.by !== "names") throw new Error("it names");
    const both = { projects: ["shop"], accounts: ["main"] };
    const [project, account] = [naming(reach.project, "shop"), naming(reach.account, "main")];
    expect(await ask(route, both, merge(project, account))).toMatchObject({ ok: true });
    expect(await ask(route, both, project)).toMatchObject(DENIED);
    expect(await ask(route, both, account)).toMatchObject(DENIED);
    expect(await ask(route, both, merge(project, naming(reach.account, "second")))).toMatchObject(DENIED);
  });

  it("has every entry of a batch looked at", async () => {
    const { createTasks } = ROUTES;
    const restriction = { projects: ["shop"], accounts: ["main"] };
    const mine = { project: "shop", account: "main", text: "a" };
    const batch = (...tasks: unknown[]) => ask(createTasks, restriction, { body: { tasks } });
    expect(await batch(mine, mine)).toMatchObject({ ok: true });
    for (const other of [{ ...mine, project: "bakery" }, { ...mine, account: "any" }, { text: "a" }, 7, null])
      expect(await batch(mine, other, mine)).toMatchObject(DENIED);
  });

  const tasks = routes.filter(([, { reach }]) => reach?.by === "task");
  it.each(tasks)("reaches in %s its own tasks; others are like unknown ones", async (_, route) => {
    const request = { params: { id: TASK } };
    for (const own of [
      { projects: ["shop"] },
      { accounts: ["main"] },
      { projects: ["shop"], accounts: ["main"] },
    ])
      expect(await ask(route, own, request)).toEqual({ ok: true, value: request.params });
    const elsewhere = { ok: true, value: { id: "00000000000000000000000000" } };
    for (const other of [
      { projects: ["bakery"] },
      { accounts: ["second"] },
      { projects: ["shop"], accounts: ["second"] },
    ])
      expect(await ask(route, other, request)).toEqual(elsewhere);
    expect(await ask(route, { projects: ["shop"] }, { params: { id: `${TASK.slice(0, -1)}W` } })).toEqual(
      elsewhere,
    );
  });

  it.each(routes.filter(([, { reach }]) => reach && "media" in reach))(
    "takes in %s no medium of a project that it does not reach",
    async (_, route) => {
      const { reach } = route;
      if (reach?.by !== "names") throw new Error("it names");
      const given = (id: unknown, restriction: object) =>
        ask(
          route,
          restriction,
          merge(naming(reach.project, "shop"), naming(reach.account, "main"), naming(reach.media, id)),
        );
      for (const restriction of [{ projects: ["shop"] }, { projects: ["shop", "pier"] }]) {
        expect(await given(OURS, restriction)).toMatchObject({ ok: true });
        // The handler refuses what nobody has, and what is no id.
        expect(await given(TASK, restriction)).toMatchObject({ ok: true });
        expect(await given(7, restriction)).toMatchObject({ ok: true });
        expect(await given(THEIRS, restriction)).toMatchObject(DENIED);
      }
      expect(await given(THEIRS, {})).toMatchObject({ ok: true });
      if (reach.account) expect(await given(THEIRS, { accounts: ["main"] })).toMatchObject({ ok: true });
    },
  );

  it("has every medium of a post looked at", async () => {
    const body = { project: "shop", media: [{ id: OURS }, { id: THEIRS }] };
    expect(await ask(ROUTES.createTask, { projects: ["shop"] }, { body })).toMatchObject(DENIED);
  });

  it("moves a task to no account that it does not reach", async () => {
    const to = (account: unknown) =>
      ask(ROUTES.updateTask, { accounts: ["main", "second"] }, { params: { id: TASK }, body: { account } });
    expect(await to("second")).toMatchObject({ ok: true });
    expect(await to(undefined)).toMatchObject({ ok: true });
    expect(await to("third")).toMatchObject(DENIED);
    expect(await to("any")).toMatchObject(DENIED);
  });
});

describe("what routes say about restricted keys", () => {
  const shapeOf = (schema: unknown): Readonly<Record<string, z.ZodType>> => {
    if (schema instanceof z.ZodObject) return schema.shape as Readonly<Record<string, z.ZodType>>;
    if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return shapeOf(schema.unwrap());
    if (schema instanceof z.ZodPipe) return shapeOf(schema.in);
    if (schema instanceof z.ZodUnion) return Object.assign({}, ...schema.options.map(shapeOf));
    return {};
  };
  const sourcesOf = ({ params, query, body }: RouteShape) => ({ params, query, body });
  const placed = routes.filter(([, { reach }]) => reach !== undefined && reach.by !== "nothing");

  it.each(placed)("%s: names fields that it has", (_, route) => {
    const { reach } = route;
    if (reach === undefined || reach.by === "nothing") throw new Error("it has places");
    for (const place of [reach.project, reach.account, reach.media]) {
      if (place === undefined) continue;
      const [source = "", field = ""] = place.split(".");
      const shape = shapeOf(Reflect.get(sourcesOf(route), source));
      expect(Object.keys(shape)).toContain(field.replace("[]", ""));
    }
    if (reach.by === "task") expect(route.path).toMatch(/\/scheduling\/tasks\/\{id\}/);
  });

  it.each(routes.filter(([, { reach }]) => reach !== undefined))(
    "%s: leaves no field out that names a project, an account or media",
    (_, route) => {
      const { reach } = route;
      for (const [source, schema] of Object.entries(sourcesOf(route)))
        for (const field of Object.keys(shapeOf(schema))) {
          if (field === "media" && reach?.by !== "nothing") expect(reach?.media).toBe(`${source}.media[].id`);
          if (!/^(project|account)s?$/.test(field)) continue;
          const kind = field.startsWith("project") ? "project" : "account";
          // A list by names leaves the other kind to its default: nobody who is restricted by it gets in.
          const declared = reach?.by === "nothing" ? undefined : reach?.[kind];
          expect([source, field, declared]).toEqual([source, field, `${source}.${field}`]);
        }
    },
  );
});
