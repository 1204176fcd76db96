// Keeps the board and a job's page up to date: follows the team's event stream, fetches what changed, lets times run.
//
// On the board a changed row is replaced where it stands and a new job is only announced, so nothing moves under the pointer.
// One job that moves changes the places and times of all behind it, so the board looks again shortly after, and pages with open
// jobs look now and then while they are seen.
// On a job's page (#job[data-live-url]) the whole fragment is replaced until the job has ended. When the stream is away, or the
// site says that it hears nothing itself, the page says so and looks by itself every ten seconds.
const live = document.querySelector("#live");
const LOOK = 10_000;
const GRACE = 5_000; // a stream that is back by then was not missed
const AFTER = 8_000; // from an event to the look at all places
const NOW_AND_THEN = 30_000;
const fresh = new Set();

// ── times that pass ──
const span = (seconds) => {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s}\u00a0s`;
  if (s < 3600) return `${Math.floor(s / 60)}\u00a0m ${s % 60}\u00a0s`.replace(" ", "\u00a0");
  return `${Math.floor(s / 3600)}\u00a0h\u00a0${Math.floor((s % 3600) / 60)}\u00a0m`;
};
const since = (node) => (Date.now() - Date.parse(node.dataset.since)) / 1000;
const tick = () => {
  for (const node of document.querySelectorAll("[data-since]:not([data-gauge])")) node.textContent = span(since(node));
  for (const node of document.querySelectorAll("[data-gauge]")) {
    const elapsed = Math.max(0, since(node));
    const [low, high] = [Number(node.dataset.low), Number(node.dataset.high)];
    const whole = Math.max(high / 0.84, elapsed / 0.92) || 1;
    const share = (part) => Math.round(Math.min(1, part / whole) * 1000) / 10;
    const set = (part, values) => {
      const shape = node.querySelector(part);
      if (shape) for (const [name, value] of Object.entries(values)) shape.setAttribute(name, value);
    };
    set(".usual", { x: share(low), width: Math.round((share(high) - share(low)) * 10) / 10 });
    set(".now", { width: share(Math.min(elapsed, high)) });
    set(".late", { x: share(high), width: Math.max(0, share(elapsed) - share(high)) });
    set(".pin", { x1: share(elapsed), x2: share(elapsed) });
  }
};
setInterval(tick, 1000);

// ── one line that says what happened, and the tab's title ──
const say = (words) => {
  const line = document.querySelector("#said");
  if (line && words) line.textContent = words;
};
const title = () => {
  if (!live?.dataset.counts) return;
  const rows = [...document.querySelectorAll("[data-job][data-active]")];
  const wait = rows.filter((row) => row.dataset.state === "queued" || row.dataset.state === "held").length;
  const on = rows.length - wait;
  const counts = rows.length ? `${live.dataset.counts.replace("{on}", on).replace("{wait}", wait)} ` : "";
  document.title = counts + live.dataset.name;
};

// ── the board ──
const parse = (html) => new DOMParser().parseFromString(html, "text/html");
const get = async (url) => {
  const answer = await fetch(url, { headers: { "HX-Request": "true" }, credentials: "same-origin", redirect: "error" });
  if (!answer.ok) throw new Error(answer.status);
  return answer.text();
};
const put = (row) => {
  const old = document.getElementById(row.id);
  if (!old) return false;
  const before = old.dataset.state;
  const adopted = document.importNode(row, true);
  if (old.isEqualNode(adopted)) return true;
  const held = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(adopted);
  for (const name of held ? ["href", "formaction"] : []) {
    if (held.hasAttribute(name)) adopted.querySelector(`[${name}="${CSS.escape(held.getAttribute(name))}"]`)?.focus();
  }
  if (before !== adopted.dataset.state) say(adopted.dataset.say);
  title();
  return true;
};
const announce = (id) => {
  const place = live?.querySelector("[data-fresh]");
  if (!place || fresh.has(id)) return;
  fresh.add(id);
  const words = fresh.size === 1 ? live.dataset.one : live.dataset.many.replace("{n}", fresh.size);
  place.querySelector("a").textContent = words;
  place.hidden = false;
  say(words);
};
const busy = new Map(); // job → whether it changed again while its row was on the way
const row = async (id) => {
  if (busy.has(id)) return busy.set(id, true);
  busy.set(id, false);
  try {
    const found = parse(`<ul>${await get(`${live.dataset.rows}${id}/row/`)}</ul>`).querySelector("li.job");
    if (found) put(found);
  } catch {
    // the next event or look brings it
  }
  const again = busy.get(id);
  busy.delete(id);
  if (again) row(id);
};
const lookAtBoard = async () => {
  try {
    const page = parse(await get(location.href));
    for (const found of page.querySelectorAll("#rows [data-job]")) if (!put(found)) announce(found.dataset.job);
    for (const part of ["#lanes", "[data-endangered]"]) {
      const [old, found] = [document.querySelector(part), page.querySelector(part)];
      if (!old || !found || old.contains(document.activeElement) || old.isEqualNode(found)) continue;
      const slid = old.querySelector(".slide")?.scrollLeft ?? 0;
      const adopted = document.importNode(found, true);
      old.replaceWith(adopted);
      if (slid) adopted.querySelector(".slide")?.scrollTo({ left: slid, behavior: "instant" });
    }
    // a row that left the page has ended or moved on to another part of the list
    for (const old of document.querySelectorAll("#rows [data-job][data-active]")) if (!page.getElementById(old.id)) row(old.dataset.job);
  } catch {
    // still away
  }
};

// ── a job's page ──
const calm = matchMedia("(prefers-reduced-motion: reduce)");
// Who watched a film being made has waited for it to play. A browser that wants a click first leaves it at its poster.
const arrived = (job) => {
  const film = job.querySelector("[data-film] video");
  if (film && document.visibilityState === "visible" && !calm.matches) film.play().catch(() => {});
};
// Whoever came here from the notice of a click watches too, also when the film was faster.
if (location.hash === "#watch") {
  history.replaceState(history.state, "", location.pathname + location.search);
  const job = document.querySelector("#job");
  if (job) arrived(job);
}
let looking = false;
let lookAgain = false;
const lookAtJob = async () => {
  const job = document.querySelector("#job[data-live-url]");
  if (!job) return;
  if (looking) {
    lookAgain = true;
    return;
  }
  looking = true;
  try {
    const found = parse(await get(job.dataset.liveUrl)).querySelector("#job");
    const open = [...job.querySelectorAll("details[open][id]")].map((node) => node.id);
    if (found) {
      const before = job.dataset.state;
      const adopted = document.importNode(found, true);
      job.replaceWith(adopted);
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      window.htmx?.process(adopted);
      adopted.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true, detail: { elt: adopted } }));
      if (before !== adopted.dataset.state) {
        say(adopted.dataset.say);
        if (adopted.dataset.title) document.title = adopted.dataset.title;
        arrived(adopted);
      }
    }
  } catch {
    // the next event or look brings it
  }
  looking = false;
  if (lookAgain) {
    lookAgain = false;
    lookAtJob();
  }
};

// ── the stream ──
const look = () => (document.querySelector("#rows") ? lookAtBoard() : lookAtJob());
const unfinished = () => document.querySelector("[data-active], #job[data-live-url]");
// Looking by itself must not take a button away from under somebody's fingers, nor stop what plays.
const inUse = () => {
  const job = document.querySelector("#job");
  return job?.contains(document.activeElement) || [...(job?.querySelectorAll("audio, video") ?? [])].some((media) => !media.paused);
};
const lookByItself = () => {
  if (document.visibilityState === "visible" && unfinished() && !inUse()) look();
};
let soon = 0;
const lookSoon = () => {
  soon ||= setTimeout(() => {
    soon = 0;
    lookByItself();
  }, AFTER);
};
let timer = 0;
const paused = (yes) => {
  const line = document.querySelector("[data-paused]");
  if (line) line.hidden = !yes;
  if (yes === Boolean(timer)) return;
  clearInterval(timer);
  timer = yes ? setInterval(look, LOOK) : 0;
};
let lost = 0;
const lose = () => {
  lost ||= setTimeout(() => {
    paused(true);
    look();
  }, GRACE);
};
const regain = () => {
  clearTimeout(lost);
  lost = 0;
};
const seen = new Set();
const follow = () => {
  const source = new EventSource(live.dataset.live);
  let away = true; // the first look catches what happened between the page and the stream
  source.addEventListener("job", (event) => {
    if (seen.has(event.lastEventId)) return; // what is read again after a break may come twice
    seen.add(event.lastEventId);
    const { job, group } = JSON.parse(event.data);
    if (document.querySelector("#rows")) {
      lookSoon();
      if (document.getElementById(`job-${job}`)) row(job);
      else if (group <= 2 && !location.search.includes("before=")) announce(job);
    } else if (document.querySelector("#job")?.dataset.job === job) lookAtJob();
  });
  source.addEventListener("paused", () => {
    away = true;
    regain();
    paused(true);
  });
  source.addEventListener("resumed", () => {
    away = false;
    regain();
    paused(false);
    look();
  });
  source.onopen = () => {
    if (away && unfinished()) look();
    away = false;
    regain();
    paused(false); // if the site hears nothing, it says so at once
  };
  source.onerror = () => {
    away = true;
    lose();
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, LOOK); // the browser gave up; we do not
  };
};

if (live) {
  follow();
  tick();
  setInterval(() => {
    if (!timer) lookByItself();
  }, NOW_AND_THEN);
}
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-go]")) event.target.form.submit();
});
