import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import type { AddressInfo } from "node:net";
import type { SandboxApp, SandboxUser } from "./accounts.ts";
import { createConsentPage } from "./consent-page.ts";
import { createControl } from "./control.ts";
import { SANDBOX_APPS, SANDBOX_USERS } from "./credentials.ts";
import { createFaults, type FaultRule } from "./faults.ts";
import { createGeminiApi, type WritingAsked } from "./gemini-api.ts";
import type { MediaSizeLimits } from "./media-rules.ts";
import { createMediaStore, type SandboxMedia } from "./media-store.ts";
import { createOAuth1Verifier } from "./oauth1-signature.ts";
import { createOAuth2Tokens } from "./oauth2-tokens.ts";
import { createPostStore } from "./post-store.ts";
import { type SandboxPost, viewPublic } from "./public-view.ts";
import { createRateLimits, type LimitName, type RateLimit } from "./rate-limits.ts";
import { createRequestLog, type LoggedRequest } from "./request-log.ts";
import { createSandboxServer } from "./server.ts";
import { createIdSource } from "./snowflake.ts";
import { createTimelinePage } from "./timeline-page.ts";
import { createXApi } from "./x-api.ts";

export type { SandboxApp, SandboxUser } from "./accounts.ts";
export type { FaultRule } from "./faults.ts";
export type { WritingAsked } from "./gemini-api.ts";
export type { SandboxMedia } from "./media-store.ts";
export type { SandboxPost } from "./public-view.ts";
export type { LoggedRequest } from "./request-log.ts";

const DEFAULT_PROCESSING_MS = 1_500;
const DEFAULT_MEDIA_LIFETIME_MS = 24 * 3_600_000;

export interface SandboxOptions {
  /** @default 0: any free port */
  readonly port?: number;
  /** @default "127.0.0.1" */
  readonly host?: string;
  /**
   * Folder for posts, media and token pairs, so that a restart goes on where this one ended. Rate limits and used
   * nonces are not kept.
   * @default none: everything ends with the sandbox
   */
  readonly stateDir?: string;
  /** @default the one app of `credentials.ts` */
  readonly apps?: readonly SandboxApp[];
  /** @default the one account of `credentials.ts` */
  readonly users?: readonly SandboxUser[];
  /** How long a GIF or a video is processed after finalize. @default 1,500 ms */
  readonly processingMs?: number;
  /** How long media can be attached, from initialize. @default 24 h */
  readonly mediaLifetimeMs?: number;
  /** Added to every answer of the API. @default 0 ms */
  readonly latencyMs?: number;
  /** @default X's, see `rate-limits.ts` */
  readonly limits?: Partial<Record<LimitName, RateLimit>>;
  /** @default X's, see `media-rules.ts` */
  readonly mediaSizeLimits?: Partial<MediaSizeLimits>;
  /** `hash` keeps the SHA-256 of media and not their bytes. @default "bytes" */
  readonly keepMedia?: "bytes" | "hash";
  /** Where the empty page says that files are dropped. @default ".punctual/drop/default/" */
  readonly dropFolder?: string;
  /** The current instant in ms since 1970. Delays run in real time. @default Date.now */
  readonly clock?: () => number;
  /** Told what broke inside the sandbox itself; the request's connection is closed. @default console.error */
  readonly onError?: (error: unknown) => void;
}

export interface Sandbox {
  /** Of the timeline, the consent page, the controls and Gemini. X's API is on the same address, for requests that name `api.x.com`. */
  readonly url: string;
  readonly port: number;
  /** Oldest first. */
  posts(): readonly SandboxPost[];
  /** Finished media. `bytes` is missing when only the hash was kept. */
  media(id: string): (SandboxMedia & { readonly bytes?: () => Promise<Buffer> }) | undefined;
  addFault(rule: FaultRule): void;
  clearFaults(): void;
  setLatency(latencyMs: number): void;
  /** The last 10,000 requests to the API, oldest first. */
  requests(): readonly LoggedRequest[];
  /** What Gemini was asked to write, the last 1,000, oldest first. */
  writings(): readonly WritingAsked[];
  /** Ends open connections and waits; temporary files are gone afterwards. */
  close(): Promise<void>;
}

/**
 * Starts a stand-in for X: the API that Punctual uses, as strict as the real one, and a page with the timeline; and one
 * for Gemini.
 *
 * Signatures are verified for `https://api.x.com`, so a client keeps X's name and only dials this port.
 *
 * @throws the error of `listen` when the port is taken
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { stateDir, apps = SANDBOX_APPS, users = SANDBOX_USERS, clock = Date.now } = options;
  const stored = stateDir === undefined ? {} : { stateDir };
  if (stateDir !== undefined) mkdirSync(stateDir, { recursive: true, mode: 0o700 });

  const ids = createIdSource(clock);
  const media = createMediaStore({
    ids,
    clock,
    processingMs: options.processingMs ?? DEFAULT_PROCESSING_MS,
    lifetimeMs: options.mediaLifetimeMs ?? DEFAULT_MEDIA_LIFETIME_MS,
    keep: options.keepMedia ?? "bytes",
    ...(options.mediaSizeLimits === undefined ? {} : { sizeLimits: options.mediaSizeLimits }),
    ...stored,
  });
  const posts = createPostStore({ ids, clock, ...stored });
  const oauth2 = createOAuth2Tokens({ apps, users, clock, ...stored });
  const faults = createFaults();
  const log = createRequestLog();
  const gemini = createGeminiApi();
  const closing = new AbortController();
  let latencyMs = options.latencyMs ?? 0;

  const allPosts = () => posts.all().map((post) => viewPublic(post, users, media));
  const setLatency = (ms: number) => {
    latencyMs = ms;
  };
  const started = randomUUID();
  const etag = () => `"${started}-${posts.all().length}-${media.version()}"`;
  const server = createSandboxServer({
    api: createXApi({
      oauth1: createOAuth1Verifier({ apps, users, clock }),
      oauth2,
      limits: createRateLimits({
        clock,
        ...(options.limits === undefined ? {} : { limits: options.limits }),
      }),
      media,
      posts,
      users,
    }),
    gemini,
    control: createControl({ posts: allPosts, etag, media, faults, log, gemini, setLatency }),
    page: createTimelinePage({
      posts: allPosts,
      hasBytes: (id) => media.bytes(id) !== undefined,
      dropFolder: options.dropFolder ?? ".punctual/drop/default/",
    }),
    consent: createConsentPage({ apps, users, oauth2 }),
    faults,
    log,
    clock,
    latencyMs: () => latencyMs,
    closing: closing.signal,
    onError: options.onError ?? console.error,
  });

  const closeStores = async () => {
    posts.close();
    await media.close();
  };
  const host = options.host ?? "127.0.0.1";
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(options.port ?? 0, host, () => resolve());
    });
  } catch (error) {
    await closeStores();
    throw error;
  }
  const { port } = server.address() as AddressInfo;

  let closed: Promise<void> | undefined;
  const close = async () => {
    closing.abort();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    await closeStores();
  };

  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    posts: allPosts,
    media(id) {
      const found = media.find(id);
      const bytes = media.bytes(id);
      return found && { ...found, ...(bytes === undefined ? {} : { bytes: () => bytes.all() }) };
    },
    addFault: faults.add,
    clearFaults: faults.clear,
    setLatency,
    requests: log.entries,
    writings: gemini.asked,
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}
