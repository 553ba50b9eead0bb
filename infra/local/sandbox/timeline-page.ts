import { readFileSync } from "node:fs";
import twitterText from "twitter-text";
import type { SandboxMedia } from "./media-store.ts";
import type { Answer } from "./problems.ts";
import type { SandboxPost } from "./public-view.ts";

/** Enough for a person; the rest is at `/sandbox/posts`. */
const SHOWN_POSTS = 200;
const AVATAR_COLOURS = 6;

/** Only this server's own files, nothing inline: text that slipped through escaping could still do nothing. */
const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
} as const;

const assetOf = (name: string, type: string): Answer => ({
  status: 200,
  headers: { "content-type": type, "cache-control": "no-cache" },
  body: readFileSync(new URL(`./page/${name}`, import.meta.url), "utf8"),
});

/** The timeline as a person sees it. Works without script; with it, the page follows by itself. */
export function createTimelinePage(deps: {
  readonly posts: () => readonly SandboxPost[];
  readonly hasBytes: (mediaId: string) => boolean;
  readonly dropFolder: string;
}): { handle(method: string, path: string): Answer | undefined } {
  const assets = new Map([
    ["/sandbox/timeline.css", assetOf("timeline.css", "text/css; charset=utf-8")],
    ["/sandbox/timeline.js", assetOf("timeline.js", "text/javascript; charset=utf-8")],
    ["/favicon.ico", assetOf("icon.svg", "image/svg+xml")],
  ]);
  return {
    handle(method, path) {
      if (method !== "GET") return undefined;
      if (path === "/") return { status: 200, headers: PAGE_HEADERS, body: renderPage(deps.posts(), deps) };
      return assets.get(path);
    },
  };
}

interface PageDeps {
  readonly hasBytes: (mediaId: string) => boolean;
  readonly dropFolder: string;
}

/** @param posts - oldest first */
function renderPage(posts: readonly SandboxPost[], deps: PageDeps): string {
  const threads = Map.groupBy(posts.slice(-SHOWN_POSTS), ({ conversationId }) => conversationId);
  // A thread stands where its newest part is, and its parts read from top to bottom.
  const newestFirst = [...threads.values()].sort((a, b) => newestOf(b) - newestOf(a));
  const count = posts.length === 1 ? "1 post" : `${posts.length} posts`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sandbox timeline</title>
<link rel="icon" href="/favicon.ico" type="image/svg+xml">
<link rel="stylesheet" href="/sandbox/timeline.css">
<script src="/sandbox/timeline.js" type="module"></script>
</head>
<body>
<header>
<h1>Sandbox timeline</h1>
<p class="about">What X would show. Nothing here has left this machine.</p>
<p class="state"><span id="count">${count}</span><span id="live" role="status">Live</span></p>
</header>
<main id="timeline">
${newestFirst.map((thread) => renderThread(thread, deps)).join("\n") || renderEmpty(deps.dropFolder)}
</main>
</body>
</html>
`;
}

const newestOf = (thread: readonly SandboxPost[]) => thread.at(-1)?.createdAtMs ?? 0;

function renderEmpty(dropFolder: string): string {
  return `<section class="empty" id="empty">
<h2>Nothing posted yet</h2>
<p>Save this as <code>hello.md</code> in <code>${escapeMarkup(dropFolder)}</code> and watch it appear here:</p>
<pre>---
publishAt: now
---
Hello from the drop folder.</pre>
<p>Put <code>hello.jpg</code> or <code>hello.mp4</code> beside it to post it with media.</p>
</section>`;
}

function renderThread(parts: readonly SandboxPost[], deps: PageDeps): string {
  const id = parts[0]?.conversationId ?? "";
  const state = parts.map((post) => post.id + post.media.map(({ altText = "" }) => altText.length)).join();
  const label = parts.length > 1 ? ` aria-label="Thread of ${parts.length} posts"` : "";
  // The script replaces a thread only when this state differs: a playing video goes on playing.
  return `<section class="thread" id="thread-${escapeMarkup(id)}" data-state="${escapeMarkup(state)}"${label}>
${parts.map((post) => renderPost(post, deps)).join("\n")}
</section>`;
}

function renderPost(post: SandboxPost, deps: PageDeps): string {
  const at = new Date(post.createdAtMs).toISOString();
  const initial = [...post.author.name.trim()][0]?.toUpperCase() ?? "?";
  const colour = Number(BigInt(post.userId) % BigInt(AVATAR_COLOURS));
  const notes = [
    post.madeWithAi === true ? "Made with AI" : "",
    post.paidPartnership === true ? "Paid partnership" : "",
    ...new Set(post.media.map(({ type }) => type)),
    post.media.length > 0 ? formatSize(post.media.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)) : "",
  ].filter(Boolean);
  return `<article id="post-${escapeMarkup(post.id)}">
<div class="avatar colour-${colour}" aria-hidden="true">${escapeMarkup(initial)}</div>
<div class="post">
<p class="by"><b>${escapeMarkup(post.author.name)}</b> <span class="quiet">@${escapeMarkup(post.author.username)}</span> <time class="quiet" datetime="${at}" title="${at}">${at.slice(0, 16).replace("T", " ")} UTC</time></p>
${post.text.trim() === "" ? "" : `<p class="text" dir="auto">${renderText(post.text)}</p>`}
${renderPoll(post.pollOptions)}${renderMedia(post.media, deps)}
<p class="quiet details">${[...notes, `id ${post.id}`].map(escapeMarkup).join(" · ")}</p>
</div>
</article>`;
}

function renderPoll(options: readonly string[] = []): string {
  if (options.length === 0) return "";
  return `<ul class="poll">${options.map((option) => `<li dir="auto">${escapeMarkup(option)}</li>`).join("")}</ul>`;
}

function renderMedia(media: readonly SandboxMedia[], deps: PageDeps): string {
  if (media.length === 0) return "";
  const figures = media.map((item) => {
    const alt = escapeMarkup(item.altText ?? "");
    const address = `/sandbox/media/${escapeMarkup(item.id)}`;
    const shown = !deps.hasBytes(item.id)
      ? `<p class="unkept">${escapeMarkup(item.type)}<br>only the hash was kept</p>`
      : item.kind === "video"
        ? `<video controls preload="metadata" playsinline src="${address}" aria-label="${alt || "Video"}"></video>`
        : `<img src="${address}" alt="${alt}">`;
    const facts = `${item.type} · ${formatSize(item.sizeBytes)} · sha256 ${item.sha256.slice(0, 12)}`;
    return `<figure title="${escapeMarkup(facts)}">${shown}${alt && '<span class="alt" aria-hidden="true">ALT</span>'}</figure>`;
  });
  const captions = media
    .filter(({ altText }) => altText !== undefined)
    .map(({ altText = "" }) => `<p class="quiet caption" dir="auto">${escapeMarkup(altText)}</p>`);
  return `<div class="media media-${media.length}">${figures.join("")}</div>${captions.join("")}`;
}

/** What was sent, with links, tags and mentions made visible; every character goes through `escapeMarkup`. */
function renderText(text: string): string {
  let html = "";
  let done = 0;
  for (const entity of twitterText.extractEntitiesWithIndices(text)) {
    const [from, to] = entity.indices;
    html += escapeMarkup(text.slice(done, from));
    const shown = escapeMarkup(text.slice(from, to));
    if ("url" in entity) {
      const address = /^https?:\/\//i.test(entity.url) ? entity.url : `http://${entity.url}`;
      html += `<a href="${escapeMarkup(address)}" target="_blank" rel="noopener noreferrer nofollow">${shown}</a>`;
    } else {
      html += `<span class="tag">${shown}</span>`;
    }
    done = to;
  }
  return html + escapeMarkup(text.slice(done));
}

function formatSize(bytes: number): string {
  const [size, unit] = bytes < 1_024 * 1_024 ? [bytes / 1_024, "KiB"] : [bytes / 1_024 / 1_024, "MiB"];
  return `${size.toFixed(size < 10 ? 1 : 0)} ${unit}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escapeMarkup = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? "");
