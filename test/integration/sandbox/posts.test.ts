import { describe, expect, it } from "vitest";
import { SANDBOX_OAUTH2, SANDBOX_USER_ID, SANDBOX_USERS } from "#infra/local/sandbox/credentials.ts";
import { rewriteText } from "#infra/local/sandbox/post-text.ts";
import {
  aSandbox,
  asOwner,
  type Caller,
  fileOf,
  idOf,
  initialize,
  OTHER_USER,
  post,
  TWO_USERS,
  upload,
} from "./support.ts";

const invalid = (message: string | RegExp) => ({
  status: 400,
  json: {
    errors: [{ message: typeof message === "string" ? message : expect.stringMatching(message) }],
    title: "Invalid Request",
    detail: "One or more parameters to your request was invalid.",
    type: "https://api.twitter.com/2/problems/invalid-request",
  },
});
const INVALID_MEDIA = invalid("Your media IDs are invalid.");

describe("POST /2/tweets", () => {
  it.each([
    {
      what: "an unknown field",
      body: { text: "a", colour: "red" },
      message: /^\$\.colour: is not defined in the schema/,
    },
    { what: "a text of the wrong type", body: { text: 1 }, message: /^\$\.text: / },
    { what: "no text and no media", body: {}, message: /^\$\.text: is required/ },
    { what: "blank text", body: { text: " \n" }, message: /^\$\.text: is required/ },
    {
      what: "media ids that are no list",
      body: { text: "a", media: { media_ids: "1" } },
      message: /^\$\.media\.media_ids: /,
    },
    {
      what: "five media",
      body: { text: "a", media: { media_ids: ["1", "2", "3", "4", "5"] } },
      message: /^\$\.media\.media_ids: there must be a maximum of 4 items/,
    },
    {
      what: "a poll with media",
      body: { poll: { options: ["a", "b"], duration_minutes: 5 }, media: { media_ids: ["1"] } },
      message: /^\$\.poll: /,
    },
    {
      what: "a character that X does not take",
      body: { text: "a\ufffe" },
      message: /^\$\.text: contains invalid/,
    },
    { what: "281 characters", body: { text: "x".repeat(281) }, message: /^Your Tweet text is too long\./ },
    {
      what: "141 Chinese characters",
      body: { text: "汉".repeat(141) },
      message: /^Your Tweet text is too long\./,
    },
  ])("refuses $what", async ({ body, message }) => {
    const sandbox = await aSandbox();

    expect(await post(await asOwner(sandbox), body)).toMatchObject(invalid(message));
    expect(sandbox.posts()).toEqual([]);
  });

  it.each([
    { what: "broken JSON", body: '{"text":', message: "Request body is not valid JSON." },
    {
      what: "half a surrogate pair",
      body: '{"text":"\\ud800"}',
      message: "$.text: contains invalid characters",
    },
    {
      what: "broken UTF-8",
      body: Buffer.from('{"text":"\xff"}', "latin1"),
      message: "Request body is not valid JSON.",
    },
    { what: "a list", body: "[]", message: "Request body must be a JSON object." },
    { what: "nothing", body: "", message: "Request body must be a JSON object." },
  ])("refuses $what", async ({ body, message }) => {
    const owner = await asOwner(await aSandbox());

    const answer = await owner({ path: "/2/tweets", body, headers: { "content-type": "application/json" } });

    expect(answer).toMatchObject(invalid(message));
  });

  it("refuses a form", async () => {
    const owner = await asOwner(await aSandbox());

    const answer = await owner({
      path: "/2/tweets",
      body: "text=hello",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });

    expect(answer).toMatchObject(invalid("Requests with bodies must have content-type of application/json."));
  });

  it.each([
    { what: "exactly 280", text: "x".repeat(280) },
    {
      what: "a link that counts 23, however long",
      text: `${"x".repeat(256)} https://example.com/${"y".repeat(300)}`,
    },
    { what: "a decomposed text that is short when composed", text: "e\u0301".repeat(280) },
  ])("takes $what", async ({ text }) => {
    expect((await post(await asOwner(await aSandbox()), { text })).status).toBe(201);
  });

  it("takes 25,000 from a premium account and not one more, and shows the start of it", async () => {
    const sandbox = await aSandbox({ users: SANDBOX_USERS.map((user) => ({ ...user, premium: true })) });
    const owner = await asOwner(sandbox);
    const text = "word ".repeat(5_000).trim();

    const tooLong = await post(owner, { text: `${text}${"x".repeat(25_001 - text.length)}` });
    const taken = await post(owner, { text });
    const timeline = await owner({ path: `/2/users/${SANDBOX_USER_ID}/tweets?tweet.fields=note_tweet` });

    expect(tooLong.status).toBe(400);
    expect(taken.status).toBe(201);
    const [shown] = (timeline.json as { data: { text: string; note_tweet: { text: string } }[] }).data;
    expect(shown?.text.length).toBeLessThan(280);
    expect(text.startsWith(shown?.text ?? "?")).toBe(true);
    expect(shown?.note_tweet.text).toBe(text);
  });

  it("answers 403 to the same text again, for a day, and only to the same account", async () => {
    let now = Date.now();
    const { clientId, refreshToken } = SANDBOX_OAUTH2;
    const oauth2 = ["later", refreshToken].map((token) => ({ clientId, refreshToken: token }));
    const users = TWO_USERS.map((user) => (user.id === SANDBOX_USER_ID ? { ...user, oauth2 } : user));
    const sandbox = await aSandbox({ users, clock: () => now });
    const [owner, other] = [await asOwner(sandbox), await asOwner(sandbox, "other-refresh-token")];
    await post(owner, { text: "the same" });

    const again = await post(owner, { text: " the same\n" });

    expect(again.status).toBe(403);
    expect(again.json).toEqual({
      title: "Forbidden",
      detail: "You are not allowed to create a Tweet with duplicate content.",
      type: "about:blank",
      status: 403,
    });
    expect((await post(other, { text: "the same" })).status).toBe(201);
    now += 3_600_000;
    expect((await post(owner, { text: "the same" })).status).toBe(403);
    expect(sandbox.posts()).toHaveLength(2);
    now += 23 * 3_600_000;
    expect((await post(await asOwner(sandbox, "later"), { text: "the same" })).status).toBe(201);
  });

  it("counts media without text as a duplicate only when they are the same media", async () => {
    const owner = await asOwner(await aSandbox());
    const [a, b] = [
      await upload(owner, "image/png", fileOf("image/png", 99)),
      await upload(owner, "image/png", fileOf("image/png", 99)),
    ];

    const statuses = [];
    for (const id of [a, b, a]) statuses.push((await post(owner, { media: { media_ids: [id] } })).status);

    expect(statuses).toEqual([201, 201, 403]);
  });

  it("lets equal posts at the same instant through once", async () => {
    const sandbox = await aSandbox();
    const owner = await asOwner(sandbox);

    const answers = await Promise.all(Array.from({ length: 5 }, () => post(owner, { text: "race" })));

    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(sandbox.posts()).toHaveLength(1);
  });

  it("gives ids that grow, even within a millisecond and when the clock goes back", async () => {
    let now = Date.now();
    const sandbox = await aSandbox({ clock: () => now });
    const owner = await asOwner(sandbox);
    for (const text of ["a", "b"]) await post(owner, { text });
    now -= 5_000;
    await post(owner, { text: "c" });

    const ids = sandbox.posts().map(({ id }) => BigInt(id));

    expect(ids).toEqual([...ids].sort((a, b) => (a < b ? -1 : 1)));
    expect(new Set(ids).size).toBe(3);
    expect(ids[0]).toBeGreaterThan(1_900_000_000_000_000_000n);
  });

  it.each([
    { what: "a quote", body: { text: "a", quote_tweet_id: "1" }, reason: "enterprise-only" },
    { what: "a community", body: { text: "a", community_id: "1" }, reason: "not-permitted" },
    {
      what: "an edit",
      body: { text: "a", edit_options: { previous_post_id: "1" } },
      reason: "not-permitted",
    },
    { what: "two cashtags", body: { text: "$AAPL $GOOG" }, reason: "too-many-cashtags" },
    {
      what: "a reply to nothing",
      body: { text: "a", reply: { in_reply_to_tweet_id: "1" } },
      reason: "foreign-parent",
    },
  ])("does not permit $what", async ({ body, reason }) => {
    const answer = await post(await asOwner(await aSandbox()), body);

    expect([answer.status, answer.headers["x-sandbox-reason"]]).toEqual([403, reason]);
  });

  it("does not permit a reply to another account", async () => {
    const sandbox = await aSandbox({ users: TWO_USERS });
    const theirs = idOf(await post(await asOwner(sandbox, "other-refresh-token"), { text: "theirs" }));

    const answer = await post(await asOwner(sandbox), {
      text: "me too",
      reply: { in_reply_to_tweet_id: theirs },
    });

    expect(answer.status).toBe(403);
  });
});

describe("media of a post", () => {
  const withMedia = (as: Caller, ...ids: string[]) => post(as, { text: "look", media: { media_ids: ids } });

  it("refuses what nobody uploaded", async () => {
    const answer = await withMedia(await asOwner(await aSandbox()), "123");

    expect(answer).toMatchObject(INVALID_MEDIA);
    expect(answer.json).toMatchObject({ errors: [{ parameters: { "media.media_ids": ["123"] } }] });
  });

  it("refuses what was not finalized", async () => {
    const owner = await asOwner(await aSandbox());

    const answer = await withMedia(owner, await initialize(owner, "image/png", 10));

    expect(answer).toMatchObject(INVALID_MEDIA);
    expect(answer.headers["x-sandbox-reason"]).toBe("media-unfinished");
  });

  it("refuses what expired", async () => {
    let now = Date.now();
    const sandbox = await aSandbox({ clock: () => now, mediaLifetimeMs: 60_000 });
    const owner = await asOwner(sandbox);
    const id = await upload(owner, "image/png", fileOf("image/png", 100));

    now += 60_000;
    const answer = await withMedia(owner, id);

    expect(answer).toMatchObject(INVALID_MEDIA);
    expect(answer.headers["x-sandbox-reason"]).toBe("media-expired");
  });

  it("refuses what is still processed, and takes it afterwards", async () => {
    let now = Date.now();
    const sandbox = await aSandbox({ clock: () => now, processingMs: 1_000 });
    const owner = await asOwner(sandbox);
    const id = await upload(owner, "video/mp4", fileOf("video/mp4", 100));

    const early = await withMedia(owner, id);
    now += 1_000;

    expect(early).toMatchObject(INVALID_MEDIA);
    expect(early.headers["x-sandbox-reason"]).toBe("media-processing");
    expect((await withMedia(owner, id)).status).toBe(201);
  });

  it("refuses another account's", async () => {
    const sandbox = await aSandbox({ users: TWO_USERS });
    const id = await upload(await asOwner(sandbox), "image/png", fileOf("image/png", 100));

    const answer = await withMedia(await asOwner(sandbox, OTHER_USER.oauth2[0].refreshToken), id);

    expect(answer).toMatchObject(INVALID_MEDIA);
    expect(answer.headers["x-sandbox-reason"]).toBe("media-foreign");
  });

  it.each([
    ["image/png", "video/mp4"],
    ["image/gif", "image/png"],
    ["video/mp4", "video/mp4"],
  ])("refuses %s with %s", async (...types) => {
    const owner = await asOwner(await aSandbox({ processingMs: 0 }));
    const ids = [];
    for (const type of types) ids.push(await upload(owner, type, fileOf(type, 100)));

    const answer = await withMedia(owner, ...ids);

    expect(answer).toMatchObject(INVALID_MEDIA);
    expect(answer.headers["x-sandbox-reason"]).toBe("media-mixed");
  });

  it("takes four photos", async () => {
    const sandbox = await aSandbox();
    const owner = await asOwner(sandbox);
    const ids = [];
    for (const type of ["image/png", "image/jpeg", "image/png", "image/png"]) {
      ids.push(await upload(owner, type, fileOf(type, 100)));
    }

    expect((await withMedia(owner, ...ids)).status).toBe(201);
    expect(sandbox.posts()[0]?.media.map(({ id }) => id)).toEqual(ids);
  });
});

describe("GET /2/users/:id/tweets", () => {
  it("shows a thread newest first, after since_id, page by page", async () => {
    const sandbox = await aSandbox();
    const owner = await asOwner(sandbox);
    const ids: string[] = [];
    for (let part = 0; part < 8; part += 1) {
      const parent = ids.at(-1);
      const reply = parent === undefined ? {} : { reply: { in_reply_to_tweet_id: parent } };
      ids.push(idOf(await post(owner, { text: `part ${part}`, ...reply })));
    }
    const read = async (query: string) =>
      (await owner({ path: `/2/users/${SANDBOX_USER_ID}/tweets?${query}` })).json;

    expect(
      await read(`since_id=${ids[5]}&tweet.fields=referenced_tweets,conversation_id,no_such_field`),
    ).toEqual({
      data: [ids[7], ids[6]].map((id, index) => ({
        id,
        text: `part ${7 - index}`,
        edit_history_tweet_ids: [id],
        conversation_id: ids[0],
        referenced_tweets: [{ type: "replied_to", id: ids[6 - index] }],
      })),
      meta: { result_count: 2, newest_id: ids[7], oldest_id: ids[6] },
    });
    expect(await read("max_results=5")).toMatchObject({ meta: { oldest_id: ids[3], next_token: ids[3] } });
    expect(await read(`max_results=5&pagination_token=${ids[3]}`)).toMatchObject({
      meta: { result_count: 3 },
    });
    expect(await read(`since_id=${ids[7]}`)).toEqual({ meta: { result_count: 0 } });
  });

  it("includes media with their alt text", async () => {
    const owner = await asOwner(await aSandbox());
    const id = await upload(owner, "image/jpeg", fileOf("image/jpeg", 100));
    await owner({ path: "/2/media/metadata", body: { id, metadata: { alt_text: { text: "A kite" } } } });
    await post(owner, { text: "hi", media: { media_ids: [id] } });

    const { json } = await owner({
      path: `/2/users/${SANDBOX_USER_ID}/tweets?tweet.fields=attachments,entities&expansions=attachments.media_keys&media.fields=alt_text`,
    });

    expect(json).toMatchObject({
      data: [
        {
          text: expect.stringMatching(/^hi https:\/\/t\.co\/\w{10}$/),
          attachments: { media_keys: [`3_${id}`] },
          entities: {
            urls: [
              {
                start: 3,
                end: 26,
                media_key: `3_${id}`,
                display_url: expect.stringMatching(/^pic\.x\.com\//),
              },
            ],
          },
        },
      ],
      includes: { media: [{ media_key: `3_${id}`, type: "photo", alt_text: "A kite" }] },
    });
  });

  it.each([
    "max_results=4",
    "max_results=101",
    "max_results=ten",
    "since_id=abc",
    "start_time=soon",
    "sinceId=1",
  ])("refuses %s", async (query) => {
    const owner = await asOwner(await aSandbox());

    expect((await owner({ path: `/2/users/${SANDBOX_USER_ID}/tweets?${query}` })).status).toBe(400);
  });

  it("answers 200 with an error inside for an account that is not there", async () => {
    const owner = await asOwner(await aSandbox());

    expect(await owner({ path: "/2/users/99/tweets" })).toMatchObject({
      status: 200,
      json: { errors: [{ title: "Not Found Error", value: "99" }] },
    });
  });
});

describe("rewriteText", () => {
  const post = { id: "1", username: "u", media: [] };

  it("puts every link behind t.co, bare domains too, and counts places in code points", () => {
    const { text, entities } = rewriteText(
      "😀 <b> www.example.com/very/long/path/that/goes/on #tag @you",
      post,
    );

    const [url] = entities.urls;
    expect(url).toMatchObject({
      expanded_url: "http://www.example.com/very/long/path/that/goes/on",
      display_url: "example.com/very/long/path/…",
    });
    const characters = [...text];
    expect(characters.slice(url?.start, url?.end).join("")).toBe(url?.url);
    expect(text).toMatch(/^😀 &lt;b&gt; https:\/\/t\.co\/\w{10} #tag @you$/);
    const [tag] = entities.hashtags;
    const [mention] = entities.mentions;
    expect(characters.slice(tag?.start, tag?.end).join("")).toBe("#tag");
    expect(characters.slice(mention?.start, mention?.end).join("")).toBe("@you");
  });

  it("cuts a long text neither inside a link nor inside an escape", () => {
    const long = `${"&".repeat(100)} ${"x ".repeat(80)} https://example.com ${"y".repeat(200)}`;
    const { text, entities, note } = rewriteText(long, post);

    expect([...text].length).toBeLessThanOrEqual(274);
    expect(text.replaceAll("&amp;", "")).not.toContain("&");
    expect(entities.urls.every(({ end }) => end <= [...text].length)).toBe(true);
    expect(note?.entities.urls).toHaveLength(1);
  });
});
