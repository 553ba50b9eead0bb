import fc from "fast-check";
import { Webhook as Verifier } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { asAccountId, asOwnerId } from "#shared/domain/ids.ts";
import type { Task } from "#shared/domain/task.ts";
import {
  asWebhookId,
  changeWebhook,
  emptyWebhookRegister,
  endpointFailing,
  enterWebhook,
  keepsFailing,
  MAX_WEBHOOKS,
  newSecrets,
  PAUSE_AFTER,
  pauseWebhook,
  replaceWebhook,
  resumeWebhook,
  rotateSecret,
  secretsInForce,
  type WebhookRegister,
} from "#shared/domain/webhook.ts";
import {
  type DeliveryAttempt,
  MAX_ATTEMPTS_KEPT,
  MAX_RETRY_AFTER_MS,
  newDelivery,
  RETRY_DELAYS_MS,
  retryDelay,
  settleDelivery,
} from "#shared/domain/webhook-delivery.ts";
import {
  deliveryIdFor,
  needsAttention,
  sequenceOf,
  subjectOf,
  taskEvents,
  type WebhookEvent,
  webhookEventSchema,
} from "#shared/domain/webhook-event.ts";
import { formatWebhookSecret, SECRET_BYTES, signWebhook } from "#shared/domain/webhook-signature.ts";
import { isLoopbackHost, parseWebhookUrl } from "#shared/domain/webhook-url.ts";
import { aTask } from "#test/support/builders.ts";
import { aTaskEvent, aWebhook } from "#test/support/webhooks.ts";

const NOW = new Date("2026-12-01T01:00:00.000Z");
const later = (ms: number) => new Date(NOW.getTime() + ms);
const HOUR = 3_600_000;

describe("the address of an endpoint", () => {
  const strict = { allowLoopback: false };

  it.each([
    ["https://example.com", "https://example.com/"],
    ["https://EXAMPLE.com:443/a?b=c", "https://example.com/a?b=c"],
    ["https://hooks.例え.jp/x", "https://hooks.xn--r8jz45g.jp/x"],
  ])("takes %s", (text, called) => {
    expect(parseWebhookUrl(text, strict)).toEqual({ ok: true, value: called });
  });

  it.each([
    "",
    "example.com",
    "http://example.com/",
    "ftp://example.com/",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "https://user@example.com/",
    "https://user:secret@example.com/",
    "https://:secret@example.com/",
    "https://example.com/#part",
    "https://example.com:8443/",
    "https://example.com:80/",
    "https://localhost/",
    "https://intranet/",
    "https://localhost./",
    "https://api.localhost/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://1.0.0.127.in-addr.arpa/",
    "https://example.com./",
    "https://93.184.216.34/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://0x7f000001/",
    "https://[::1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[2606:4700::1111]/",
    "https://１２７.０.０.１/",
    "http://127.0.0.1:8080/",
    "http://localhost:8080/",
  ])("refuses %s, with a remedy", (text) => {
    const parsed = parseWebhookUrl(text, strict);
    expect(parsed).toMatchObject({ ok: false, error: { reason: "url-refused" } });
    if (!parsed.ok) expect(parsed.error.remedy).toMatch(/\.$/);
  });

  it.each([
    "http://127.0.0.1:8080/in",
    "http://localhost:1/",
    "http://[::1]:9/",
    "https://localhost:8443/",
    "http://2130706433:8080/",
  ])("takes %s where this machine is allowed", (text) => {
    expect(parseWebhookUrl(text, { allowLoopback: true })).toMatchObject({ ok: true });
  });

  it.each([
    "http://example.com/",
    "http://10.0.0.1/",
    "http://127.0.0.1.example.com/",
    "https://example.com:8443/",
    "http://user@127.0.0.1/",
    "ftp://127.0.0.1/",
  ])("refuses %s even there", (text) => {
    expect(parseWebhookUrl(text, { allowLoopback: true })).toMatchObject({ ok: false });
  });

  it("never takes an address of this machine unless it is allowed, however it is written", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(byte, byte, byte, fc.constantFrom("https:", "http:"), (a, b, c, scheme) => {
        const number = 127 * 2 ** 24 + a * 2 ** 16 + b * 2 ** 8 + c;
        for (const host of [
          `127.${a}.${b}.${c}`,
          `${number}`,
          `0x${number.toString(16)}`,
          `0${number.toString(8)}`,
        ]) {
          expect(parseWebhookUrl(`${scheme}//${host}/`, strict).ok).toBe(false);
          expect(isLoopbackHost(new URL(`${scheme}//${host}/`).hostname)).toBe(true);
        }
      }),
    );
  });
});

describe("what a write of a task is to the outside", () => {
  const state = (over: Partial<Task> = {}) => aTask({ status: "pending", ...over });
  const arranged = { arrangedFor: NOW };

  it.each<[string, Task | undefined, Task, readonly string[]]>([
    ["it is made", undefined, state(), ["accepted"]],
    ["a draft is made", undefined, state({ status: "draft" }), []],
    ["a draft is approved", state({ status: "draft" }), state(), ["accepted"]],
    ["its calls are out", state(), state(arranged), ["scheduled"]],
    ["its calls are noted again", state(arranged), state(arranged), []],
    ["the sweeper repeats lost calls", state(), state({ ...arranged, recoveries: 1 }), []],
    ["a retry is arranged", state({ status: "retrying" }), state({ status: "retrying", ...arranged }), []],
    ["it is claimed", state(arranged), state({ status: "posting" }), []],
    ["it is out", state({ status: "posting" }), state({ status: "published" }), ["published"]],
    ["it was found out", state({ status: "unknown" }), state({ status: "published" }), ["published"]],
    ["it fails", state({ status: "posting" }), state({ status: "failed" }), ["failed"]],
    ["it is held", state(), state({ status: "held" }), ["held"]],
    ["it stays held", state({ status: "held" }), state({ status: "held" }), []],
    ["it is missed", state(), state({ status: "missed" }), ["missed"]],
    ["it is cancelled", state(), state({ status: "cancelled" }), []],
    ["it is refused at once", undefined, state({ status: "failed" }), ["accepted", "failed"]],
  ])("%s", (_, before, next, events) => {
    expect(taskEvents(before, next)).toEqual(events);
  });
});

describe("an account that needs attention", () => {
  const reason = (code: string) => ({ code, message: "m", remedy: "r" });
  const active = { status: "active" } as const;
  const paused = (code: string) => ({ status: "paused", reason: reason(code) }) as const;
  const broken = { status: "needs-reconnect", reason: reason("access-refused") } as const;

  it("is one that stopped, or stopped for another reason", () => {
    expect(needsAttention(active, broken)).toBe(true);
    expect(needsAttention(undefined, paused("credits-depleted"))).toBe(true);
    expect(needsAttention(paused("credits-depleted"), broken)).toBe(true);
    expect(needsAttention(paused("credits-depleted"), paused("spend-cap-reached"))).toBe(true);
  });

  it("is not one that works, stays stopped, or was stopped by its owner", () => {
    expect(needsAttention(broken, active)).toBe(false);
    expect(needsAttention(undefined, active)).toBe(false);
    expect(needsAttention(broken, { ...broken })).toBe(false);
    expect(needsAttention(active, paused("paused-by-owner"))).toBe(false);
  });
});

describe("an event", () => {
  const account = {
    id: asAccountId("owner-1.main"),
    ownerId: asOwnerId("owner-1"),
    name: "main",
    status: "needs-reconnect",
    version: 4,
  } as const;
  const events: readonly WebhookEvent[] = [
    aTaskEvent(),
    { type: "account-needs-attention", at: NOW, account },
    { type: "ping", at: NOW },
  ];

  it("knows what it is about, and how it stands to others of the same", () => {
    expect(events.map(sequenceOf)).toEqual([6, 4, 0]);
    expect(events.slice(1).map(subjectOf)).toEqual(["owner-1.main", "ping"]);
  });

  it("comes back from JSON as it was, without what is not shown", () => {
    for (const event of events) {
      const read = webhookEventSchema.parse(JSON.parse(JSON.stringify(event)));
      expect(event).toMatchObject(read);
      expect(webhookEventSchema.parse(JSON.parse(JSON.stringify(read)))).toEqual(read);
      expect(JSON.stringify(read)).not.toMatch(/latePolicy|leaseUntil|requestHash/);
    }
  });

  it("has one id at an endpoint: a ULID of its instant", () => {
    const [one, other] = [asWebhookId("w-1"), asWebhookId("w-2")];
    const event = aTaskEvent();
    const id = deliveryIdFor(one, event);
    expect(id).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    expect(deliveryIdFor(one, { ...event, task: { ...event.task, priority: 1 } })).toBe(id);
    const others = [
      deliveryIdFor(other, event),
      deliveryIdFor(one, { ...event, type: "held" }),
      deliveryIdFor(one, { ...event, task: { ...event.task, version: 7 } }),
      deliveryIdFor(one, aTaskEvent()),
    ];
    expect(new Set([id, ...others]).size).toBe(5);
  });

  it("has an id that sorts by its instant", () => {
    const at = fc.date({ min: new Date("2020-01-01"), max: new Date("2100-01-01"), noInvalidDate: true });
    fc.assert(
      fc.property(at, at, (a, b) => {
        const [one, two] = [a, b].map((when) => deliveryIdFor(asWebhookId("w"), { type: "ping", at: when }));
        if (a < b) expect((one ?? "") < (two ?? "")).toBe(true);
        if (a.getTime() === b.getTime()) expect(one).toBe(two);
      }),
    );
  });
});

describe("secrets and signatures", () => {
  const aSecret = (fill: number) => formatWebhookSecret(new Uint8Array(SECRET_BYTES).fill(fill));
  const message = () => ({
    id: "01MSG",
    sentAt: new Date(),
    body: JSON.stringify({ type: "ping", 中: "文" }),
  });

  it("makes a secret of exactly as many bytes as it should have", () => {
    expect(aSecret(7)).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(() => formatWebhookSecret(new Uint8Array(8))).toThrow(RangeError);
  });

  it("signs what the public library verifies, with the old secret as with the new one", () => {
    const [next, old, foreign] = [aSecret(1), aSecret(2), aSecret(3)];
    const sent = message();
    const headers = signWebhook(sent, [next, old]);
    for (const secret of [next, old])
      expect(new Verifier(secret).verify(sent.body, headers)).toEqual(JSON.parse(sent.body));
    expect(() => new Verifier(foreign).verify(sent.body, headers)).toThrow(/No matching signature/);
    expect(() => new Verifier(next).verify(`${sent.body} `, headers)).toThrow(/No matching signature/);
    expect(() => new Verifier(next).verify(sent.body, { ...headers, "webhook-id": "other" })).toThrow();
  });

  it("signs with both while they overlap, and not a moment longer", () => {
    const rotated = rotateSecret(newSecrets("whsec_b25l"), "whsec_dHdv", NOW, HOUR);
    expect(rotated.version).toBe(2);
    expect(secretsInForce(rotated, later(HOUR - 1))).toEqual(["whsec_dHdv", "whsec_b25l"]);
    expect(secretsInForce(rotated, later(HOUR))).toEqual(["whsec_dHdv"]);
    expect(secretsInForce(rotateSecret(rotated, "whsec_dHJp", NOW, HOUR), NOW)).toEqual([
      "whsec_dHJp",
      "whsec_dHdv",
    ]);
    expect(secretsInForce(rotateSecret(rotated, "whsec_dHJp", NOW, 0), NOW)).toEqual(["whsec_dHJp"]);
  });
});

describe("the webhooks of an owner", () => {
  const filled = (count: number): WebhookRegister =>
    Array.from({ length: count }, () => aWebhook()).reduce(
      (register, webhook) => {
        const entered = enterWebhook(register, webhook);
        if (!entered.ok) throw new Error(entered.error.reason);
        return entered.value;
      },
      emptyWebhookRegister(asOwnerId("o")),
    );

  it("are so many and no more", () => {
    const full = filled(MAX_WEBHOOKS);
    expect(full).toMatchObject({ version: MAX_WEBHOOKS });
    expect(enterWebhook(full, aWebhook())).toEqual({ ok: false, error: { reason: "too-many", limit: 20 } });
  });

  it("change one at a time", () => {
    const register = filled(3);
    const [first, second, third] = register.webhooks;
    if (!first || !second || !third) throw new Error("there are three");
    const paused = pauseWebhook(second, endpointFailing({ failedInRow: 20, failingSince: NOW }), later(1));
    expect(paused).toMatchObject({ status: "paused", version: 2, updatedAt: later(1) });
    expect(replaceWebhook(register, second.id, paused)).toMatchObject({
      webhooks: [first, paused, third],
      version: 4,
    });
    expect(replaceWebhook(register, second.id, undefined).webhooks).toEqual([first, third]);
    const wish = { url: "https://a.example.com/", events: ["held"] } as const;
    expect(changeWebhook(paused, wish, later(2))).toMatchObject({ ...wish, status: "paused", version: 3 });
    expect(changeWebhook(aWebhook({ description: "old" }), wish, NOW)).not.toHaveProperty("description");
    const resumed = resumeWebhook(paused, later(3));
    expect(resumed).toMatchObject({ status: "active", version: 3 });
    expect(resumed).not.toHaveProperty("reason");
  });

  it.each([
    [PAUSE_AFTER.failedInRow, PAUSE_AFTER.failingForMs, true],
    [PAUSE_AFTER.failedInRow - 1, PAUSE_AFTER.failingForMs, false],
    [PAUSE_AFTER.failedInRow, PAUSE_AFTER.failingForMs - 1, false],
    [1_000, HOUR, false],
  ])("keep failing after %i attempts in a row over %i ms: %s", (failedInRow, ms, paused) => {
    expect(keepsFailing({ failedInRow, failingSince: NOW }, later(ms))).toBe(paused);
  });

  it("are told apart from those that never failed", () => {
    expect(keepsFailing({ failedInRow: 0 }, NOW)).toBe(false);
  });
});

describe("retries", () => {
  it("last about a day", () => {
    const total = RETRY_DELAYS_MS.reduce<number>((sum, ms) => sum + ms, 0);
    expect(total).toBeGreaterThan(23 * HOUR);
    expect(total).toBeLessThan(24 * HOUR);
    expect([...RETRY_DELAYS_MS]).toEqual(RETRY_DELAYS_MS.toSorted((a, b) => a - b));
  });

  it("keeps to a fifth of its delay, and never hurries an endpoint that asks for time", () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const asked = fc.integer({ min: 0, max: 100 * HOUR });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: RETRY_DELAYS_MS.length }), random, asked, (tries, chance, ms) => {
        const plain = RETRY_DELAYS_MS[tries - 1] ?? 0;
        const alone = retryDelay(tries, chance) ?? 0;
        expect(Math.abs(alone - plain)).toBeLessThanOrEqual(plain / 5);
        const delay = retryDelay(tries, chance, ms) ?? 0;
        expect(delay).toBeGreaterThanOrEqual(Math.min(ms, MAX_RETRY_AFTER_MS));
        expect(delay).toBeLessThanOrEqual(Math.max(alone, MAX_RETRY_AFTER_MS));
      }),
    );
    expect(retryDelay(RETRY_DELAYS_MS.length + 1, 0.5, HOUR)).toBeUndefined();
  });
});

describe("a delivery", () => {
  const webhookId = asWebhookId("w");
  const event = aTaskEvent();
  const fresh = newDelivery(deliveryIdFor(webhookId, event), webhookId, event);
  const refused = (over: Partial<DeliveryAttempt> = {}): DeliveryAttempt => ({
    at: NOW,
    durationMs: 100,
    status: 500,
    code: "status-refused",
    ...over,
  });
  const taken = { at: NOW, durationMs: 80, status: 204 } as const;
  const middle = { random: 0.5 };

  it("is delivered by the first attempt that is taken", () => {
    const delivered = settleDelivery(settleDelivery(fresh, refused(), middle), taken, middle);
    expect(delivered).toMatchObject({ status: "delivered", attemptCount: 2, tries: 2 });
    expect(delivered).not.toHaveProperty("nextAt");
    expect(delivered.attempts).toEqual([refused(), taken]);
  });

  it("waits longer each time, and then has failed", () => {
    let delivery = fresh;
    const waits: number[] = [];
    while (delivery.status === "pending") {
      delivery = settleDelivery(delivery, refused(), middle);
      if (delivery.nextAt) waits.push(delivery.nextAt.getTime() - NOW.getTime() - 100);
    }
    expect(waits).toEqual([...RETRY_DELAYS_MS]);
    expect(delivery).toMatchObject({ status: "failed", attemptCount: 8, tries: 8 });
    expect(delivery).not.toHaveProperty("nextAt");
  });

  it("has failed at once when the endpoint wants nothing more", () => {
    const failed = settleDelivery(fresh, refused({ status: 410 }), { random: 0, stops: true });
    expect(failed).toMatchObject({ status: "failed", attemptCount: 1 });
  });

  it("is neither spoilt nor hurried by a replay that fails", () => {
    const pending = settleDelivery(fresh, refused(), middle);
    const replayed = settleDelivery(pending, refused({ manual: true }), middle);
    expect(replayed).toMatchObject({ status: "pending", tries: 1, attemptCount: 2, nextAt: pending.nextAt });
    const delivered = settleDelivery(fresh, taken, middle);
    expect(settleDelivery(delivered, refused({ manual: true }), middle)).toMatchObject({
      status: "delivered",
    });
    const failed = settleDelivery(fresh, refused(), { ...middle, stops: true });
    expect(settleDelivery(failed, refused({ manual: true }), middle)).toMatchObject({ status: "failed" });
    expect(settleDelivery(failed, { ...taken, manual: true }, middle)).toMatchObject({ status: "delivered" });
  });

  it("of a ping is tried once", () => {
    const ping = newDelivery(fresh.id, webhookId, { type: "ping", at: NOW });
    const failed = settleDelivery(ping, refused({ manual: true }), middle);
    expect(failed).toMatchObject({ status: "failed", tries: 0 });
    expect(failed).not.toHaveProperty("nextAt");
  });

  it("remembers its last attempts, and how many there were", () => {
    let delivery = settleDelivery(fresh, taken, middle);
    for (let more = 0; more < 30; more++)
      delivery = settleDelivery(delivery, { ...taken, manual: true, durationMs: more }, middle);
    expect(delivery.attempts).toHaveLength(MAX_ATTEMPTS_KEPT);
    expect(delivery.attempts.at(-1)?.durationMs).toBe(29);
    expect(delivery.attemptCount).toBe(31);
  });
});
