// Keeps the board and a job's page up to date: follows the team's event stream and fetches what
// changed.
//
// One job that moves changes the places and times of all behind it, so the board looks again
// shortly after, and pages with open jobs look now and then while they are seen. When the stream is
// away, or the site says that it hears nothing itself, the page says so and looks by itself every
// ten seconds.
import { announce, renewBoard, renewRow } from "./live/board.js";
import { renewJob } from "./live/job.js";
import { tick } from "./live/times.js";

const LOOK = 10_000; // ms between two looks while the stream is away
const GRACE = 5_000; // a stream that is back by then was not missed
const AFTER = 8_000; // from an event to the look at all places
const NOW_AND_THEN = 30_000;

const live = document.querySelector("#live");
const timers = { paused: 0, soon: 0, lost: 0, look: 0 };
const seen = new Set(); // ids of events

// ── looking ──
const look = () => (document.querySelector("#rows") ? renewBoard() : renewJob());
const unfinished = () => document.querySelector("[data-active], #job[data-live-url]");
// Looking by itself must not take a button away from under somebody's fingers, nor stop what plays.
const inUse = () => {
  const job = document.querySelector("#job");
  const media = [...(job?.querySelectorAll("audio, video") ?? [])];
  return job?.contains(document.activeElement) || media.some(({ paused }) => !paused);
};
const lookByItself = () => {
  if (document.visibilityState === "visible" && unfinished() && !inUse()) look();
};
const lookSoon = () => {
  timers.soon ||= setTimeout(() => {
    timers.soon = 0;
    lookByItself();
  }, AFTER);
};

// ── the stream, and what is done while it is away ──
const paused = (yes) => {
  const line = document.querySelector("[data-paused]");
  if (line) line.hidden = !yes;
  if (yes === Boolean(timers.paused)) return;
  clearInterval(timers.paused);
  timers.paused = yes ? setInterval(look, LOOK) : 0;
};
const lose = () => {
  timers.lost ||= setTimeout(() => {
    paused(true);
    look();
  }, GRACE);
};
const regain = () => {
  clearTimeout(timers.lost);
  timers.lost = 0;
};
// Whoever is not in the team any more, or was signed out, is told so, and nothing is asked again.
const end = (source) => {
  source.close();
  regain();
  paused(false);
  clearInterval(timers.look);
  for (const line of document.querySelectorAll("[data-ended]")) line.hidden = false;
};
// The stream was refused: because it is full, the site is starting, or there is nothing here for us.
const refused = async (source) => {
  const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" }).catch(
    () => null,
  );
  if (answer && (answer.status === 404 || answer.redirected)) end(source);
  else setTimeout(follow, LOOK);
};
const changed = ({ data, lastEventId }) => {
  if (seen.has(lastEventId)) return; // what is read again after a break may come twice
  seen.add(lastEventId);
  const { job, group } = JSON.parse(data);
  if (document.querySelector("#rows")) {
    lookSoon();
    if (document.getElementById(`job-${job}`)) renewRow(job);
    else if (group <= 2 && !location.search.includes("before=")) announce(job);
  } else if (document.querySelector("#job")?.dataset.job === job) renewJob();
};
const follow = () => {
  const source = new EventSource(live.dataset.live);
  let away = true; // the first look catches what happened between the page and the stream
  source.addEventListener("job", changed);
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
  source.addEventListener("ended", () => end(source));
  source.onopen = () => {
    if (away && unfinished()) look();
    away = false;
    regain();
    paused(false); // if the site hears nothing, it says so at once
  };
  source.onerror = () => {
    away = true;
    lose();
    // The browser gave up; we do not
    if (source.readyState === EventSource.CLOSED) refused(source);
  };
};

if (live) {
  follow();
  tick();
  timers.look = setInterval(() => {
    if (!timers.paused) lookByItself();
  }, NOW_AND_THEN);
}
document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-go]")) target.form.submit();
});
