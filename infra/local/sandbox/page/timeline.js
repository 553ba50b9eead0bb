/** Follows the timeline: asks whether it changed, and only then puts new threads in, leaving the others untouched. */
const POLL_MS = 1_000;
const POLL_HIDDEN_MS = 10_000;

const timeline = document.getElementById("timeline");
const live = document.getElementById("live");
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "narrow" });
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
let etag = "";

function showTimes() {
  for (const element of document.querySelectorAll("time")) {
    const at = new Date(element.dateTime);
    const seconds = Math.round((at.getTime() - Date.now()) / 1_000);
    const text =
      seconds > -60
        ? relative.format(Math.min(seconds, 0), "second")
        : seconds > -3_600
          ? relative.format(Math.trunc(seconds / 60), "minute")
          : seconds > -86_400
            ? relative.format(Math.trunc(seconds / 3_600), "hour")
            : absolute.format(at);
    if (element.textContent !== text) element.textContent = text;
    element.title = absolute.format(at);
  }
}

async function refresh() {
  const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
  const current = new Map([...timeline.children].map((element) => [element.id, element]));
  let before = timeline.firstElementChild;
  for (const next of page.getElementById("timeline").children) {
    const shown = current.get(next.id);
    current.delete(next.id);
    if (shown !== undefined && shown.dataset.state === next.dataset.state) {
      if (shown === before) before = shown.nextElementSibling;
      else timeline.insertBefore(shown, before);
      continue;
    }
    const added = document.importNode(next, true);
    added.classList.add("new");
    if (shown === before && shown !== undefined) before = shown.nextElementSibling;
    shown?.remove();
    timeline.insertBefore(added, before);
  }
  for (const gone of current.values()) gone.remove();
  document.getElementById("count").textContent = page.getElementById("count").textContent;
  showTimes();
}

async function poll() {
  try {
    const answer = await fetch("/sandbox/posts?limit=1", {
      headers: etag ? { "if-none-match": etag } : {},
      cache: "no-store",
    });
    if (answer.status === 200) {
      const first = etag === "";
      etag = answer.headers.get("etag") ?? "";
      // The page that was just loaded may be one post behind by now, so the first answer is compared too.
      const { posts } = await answer.json();
      if (!first || (posts[0] && !document.getElementById(`post-${posts[0].id}`))) await refresh();
    }
    live.textContent = "Live";
    live.className = "";
  } catch {
    live.textContent = "Not running";
    live.className = "off";
  }
  setTimeout(poll, document.hidden ? POLL_HIDDEN_MS : POLL_MS);
}

document.addEventListener("visibilitychange", showTimes);
setInterval(showTimes, 1_000);
showTimes();
poll();
