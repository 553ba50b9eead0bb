import * as z from "zod";
import type { Caller, SandboxUser, Scope } from "./accounts.ts";
import { MAX_SEGMENT_BYTES } from "./media-rules.ts";
import type { MediaStore } from "./media-store.ts";
import { parseMultipart } from "./multipart.ts";
import type { OAuth1Verifier } from "./oauth1-signature.ts";
import type { OAuth2Tokens } from "./oauth2-tokens.ts";
import { checkPost, PostBody, parseAsX } from "./post-rules.ts";
import type { PostStore } from "./post-store.ts";
import { type Answer, blank, invalidRequest, unauthorized, XProblem } from "./problems.ts";
import type { LimitedEndpoint, RateLimits } from "./rate-limits.ts";
import { type Message, readBody, readForm, readJsonObject } from "./request-body.ts";
import { refuseUnknownParameters, viewTimeline, viewUser } from "./timeline-view.ts";

export interface XRequest {
  readonly method: string;
  /** As it was sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly message: Message;
  /** A timeline shows nothing that was made later, in ms since 1970. @default - all */
  readonly shownUntilMs?: number;
  /** Called once the credentials were verified. */
  readonly onCaller: (userId: string) => void;
}

export interface XApi {
  /** @throws XProblem for every refusal */
  handle(request: XRequest): Promise<Answer>;
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly limit: LimitedEndpoint;
  readonly scopes: readonly Scope[];
  readonly run: (request: XRequest, caller: Caller, parameter: string) => Answer | Promise<Answer>;
}

/** A multipart head and the small fields beside the segment. */
const MULTIPART_OVERHEAD_BYTES = 64 * 1_024;
const MEDIA_ID = "(\\d{1,19})";

const InitializeBody = z.strictObject({
  media_type: z.string(),
  media_category: z.enum(["tweet_image", "tweet_gif", "tweet_video"]),
  total_bytes: z.int().min(1),
  additional_owners: z.array(z.string()).max(100).optional(),
  shared: z.boolean().optional(),
});

const MetadataBody = z.strictObject({
  id: z.string(),
  metadata: z.strictObject({ alt_text: z.strictObject({ text: z.string() }) }),
});

/** The endpoints of X that Punctual uses. @see https://docs.x.com/x-api */
export function createXApi(deps: {
  readonly oauth1: OAuth1Verifier;
  readonly oauth2: OAuth2Tokens;
  readonly limits: RateLimits;
  readonly media: MediaStore;
  readonly posts: PostStore;
  readonly users: readonly SandboxUser[];
}): XApi {
  const { media, posts, users } = deps;

  const routes: readonly Route[] = [
    {
      method: "POST",
      path: /^\/2\/tweets$/,
      limit: "createPost",
      scopes: ["tweet.read", "tweet.write", "users.read"],
      run: async ({ message }, { user }) => {
        const body = parseAsX(PostBody, await readJsonObject(message));
        checkPost(body, user);
        const { id, published } = posts.create(
          user,
          body,
          media.attachable(user, body.media?.media_ids ?? []),
        );
        return { status: 201, body: { data: { id, text: published.text, edit_history_tweet_ids: [id] } } };
      },
    },
    {
      method: "POST",
      path: /^\/2\/media\/upload\/initialize$/,
      limit: "initialize",
      scopes: ["media.write"],
      run: async ({ message }, { user }) => {
        const body = parseAsX(InitializeBody, await readJsonObject(message));
        const data = media.initialize(user, {
          mediaType: body.media_type,
          category: body.media_category,
          totalBytes: body.total_bytes,
          ...(body.additional_owners === undefined ? {} : { additionalOwners: body.additional_owners }),
        });
        return { status: 200, body: { data } };
      },
    },
    {
      method: "POST",
      path: new RegExp(`^/2/media/upload/${MEDIA_ID}/append$`),
      limit: "append",
      scopes: ["media.write"],
      run: async ({ message }, { user }, id) => {
        const body = await readBody(
          message,
          MAX_SEGMENT_BYTES + MULTIPART_OVERHEAD_BYTES,
          "segment-too-large",
        );
        const fields = parseMultipart(body, message.headers["content-type"] ?? "");
        const [segment, index] = [fields.get("media"), fields.get("segment_index")?.toString() ?? ""];
        if (segment === undefined)
          throw invalidRequest({ message: "$.media: is missing but it is required" });
        if (fields.size > 2)
          throw invalidRequest({ message: "A segment has the fields segment_index and media only." });
        return {
          status: 200,
          body: { data: await media.append(user, id, /^\d{1,4}$/.test(index) ? Number(index) : -1, segment) },
        };
      },
    },
    {
      method: "POST",
      path: new RegExp(`^/2/media/upload/${MEDIA_ID}/finalize$`),
      limit: "finalize",
      scopes: ["media.write"],
      run: async ({ message }, { user }, id) => {
        parseAsX(z.strictObject({}), await readJsonObject(message));
        return { status: 200, body: { data: await media.finalize(user, id) } };
      },
    },
    {
      method: "GET",
      path: /^\/2\/media\/upload$/,
      limit: "status",
      scopes: ["media.write"],
      run: ({ query }, { user }) => {
        refuseUnknownParameters(query, ["command", "media_id"]);
        if (query.get("command") !== "STATUS") throw invalidRequest({ message: "command must be STATUS" });
        return { status: 200, body: { data: media.status(user, query.get("media_id") ?? "") } };
      },
    },
    {
      method: "POST",
      path: /^\/2\/media\/metadata$/,
      limit: "metadata",
      scopes: ["media.write"],
      run: async ({ message }, { user }) => {
        const { id, metadata } = parseAsX(MetadataBody, await readJsonObject(message));
        return { status: 200, body: { data: media.setAltText(user, id, metadata.alt_text.text) } };
      },
    },
    {
      method: "GET",
      path: /^\/2\/users\/me$/,
      limit: "me",
      scopes: ["tweet.read", "users.read"],
      run: ({ query }, { user }) => {
        refuseUnknownParameters(query, ["user.fields", "tweet.fields", "expansions"]);
        const fields = query.get("user.fields")?.split(",") ?? [];
        const metrics = { public_metrics: { followers_count: user.followers ?? 0 } };
        return {
          status: 200,
          body: { data: { ...viewUser(user), ...(fields.includes("public_metrics") && metrics) } },
        };
      },
    },
    {
      method: "GET",
      path: new RegExp(`^/2/users/${MEDIA_ID}/tweets$`),
      limit: "timeline",
      scopes: ["tweet.read", "users.read"],
      run: ({ query, shownUntilMs = Number.POSITIVE_INFINITY }, _caller, id) => {
        const author = users.find((user) => user.id === id);
        if (author === undefined) return userNotFound(id);
        const own = posts
          .all()
          .filter(({ userId, createdAtMs }) => userId === id && createdAtMs <= shownUntilMs);
        return viewTimeline(query, author, own, media.find);
      },
    },
  ];

  const authenticate = (request: XRequest): Caller => {
    const authorization = request.message.headers.authorization ?? "";
    const bearer = /^bearer (\S+)$/i.exec(authorization)?.[1];
    if (bearer !== undefined) {
      const verified = deps.oauth2.verify(bearer);
      if ("refusal" in verified) throw unauthorized(`oauth2-${verified.refusal}`);
      return verified.caller;
    }
    if (!/^oauth /i.test(authorization)) throw unauthorized("no-credentials");
    const verified = deps.oauth1.verify({ ...request, authorization });
    if ("refusal" in verified) throw unauthorized(`oauth1-${verified.refusal}`);
    return verified.caller;
  };

  return {
    async handle(request) {
      const { method, path } = request;
      if (path === "/2/oauth2/token" && method === "POST") {
        return deps.oauth2.exchange(await readForm(request.message), request.message.headers.authorization);
      }
      const here = routes.filter((route) => route.path.test(path));
      if (here.length === 0) throw blank(404, "Not Found");
      const route = here.find((candidate) => candidate.method === method);
      if (route === undefined) throw blank(405, "Method Not Allowed");

      const caller = authenticate(request);
      request.onCaller(caller.user.id);
      const { allowed, headers } = deps.limits.take(route.limit, {
        userId: caller.user.id,
        appId: caller.app.apiKey,
      });
      const answered = (answer: Answer): Answer => ({
        ...answer,
        headers: { ...headers, ...answer.headers },
      });
      try {
        if (!allowed) throw blank(429, "Too Many Requests", "Too Many Requests", "rate-limited");
        const { scopes } = caller;
        if (scopes !== undefined && !route.scopes.every((scope) => scopes.includes(scope))) {
          throw blank(403, "Forbidden", "Forbidden", "oauth2-missing-scope");
        }
        return answered(await route.run(request, caller, route.path.exec(path)?.[1] ?? ""));
      } catch (error) {
        if (error instanceof XProblem) throw new XProblem(answered(error.answer));
        throw error;
      }
    },
  };
}

/** X answers 200 here, with the failure inside. */
function userNotFound(id: string): Answer {
  return {
    status: 200,
    body: {
      errors: [
        {
          value: id,
          detail: `Could not find user with id: [${id}].`,
          title: "Not Found Error",
          resource_type: "user",
          parameter: "id",
          resource_id: id,
          type: "https://api.twitter.com/2/problems/resource-not-found",
        },
      ],
    },
  };
}
