// Films side by side: one button and one bar drive all of them, and only the first that is there is
// heard.
//
// The first film leads and the others follow it; one that is shorter rests at its end. A film that
// gets ready while one looks takes its place by itself: live.js changes the rows, and a row that
// changed brings the page's films and sums again. Without this script every film has the browser's
// own controls.
import { position } from "../format.js";

const DRIFT = 0.12; // seconds between two pictures that an eye forgives
const AFTER = 300; // ms for several rows that change at once
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const room = document.querySelector("[data-compare]");
const rows = document.querySelector("#rows");
let heard = true;
let running = 0;

const films = () => [...(room?.querySelectorAll("video") ?? [])];
const whole = (film) => (Number.isFinite(film.duration) ? film.duration : 0);
// The longest leads: a shorter one rests at its end while the others go on.
const leader = () =>
  films().reduce((best, film) => (best && whole(best) >= whole(film) ? best : film), null);
const start = (film) => film.play().catch(() => {});

const draw = () => {
  const lead = leader();
  const bar = room.querySelector("[data-bar]");
  if (!lead || !bar) return;
  const seek = bar.querySelector("[data-all-seek]");
  seek.max = whole(lead) || 1;
  if (!seek.matches(":active")) seek.value = lead.currentTime;
  bar.querySelector("[data-all-time]").textContent =
    `${position(lead.currentTime)} / ${position(whole(lead))}`;
  seek.setAttribute("aria-valuetext", `${position(lead.currentTime)} / ${position(whole(lead))}`);
  const button = bar.querySelector("[data-all-play]");
  const playing = !lead.paused && !lead.ended;
  if ((button.dataset.playing === "yes") !== playing) {
    button.dataset.playing = playing ? "yes" : "no";
    const word = button.querySelector("[data-word]");
    [word.textContent, word.dataset.other] = [word.dataset.other, word.textContent];
    const use = button.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, playing ? "#pause" : "#play"));
  }
};
const follow = () => {
  const lead = leader();
  if (!lead) return;
  for (const film of films()) {
    if (film === lead) continue;
    const at = Math.min(lead.currentTime, whole(film));
    if (Math.abs(film.currentTime - at) > DRIFT && !film.seeking) film.currentTime = at;
    const plays = !lead.paused && !lead.ended && lead.currentTime < whole(film);
    if (plays && film.paused) start(film);
    else if (!plays && !film.paused) film.pause();
  }
};
const run = () => {
  running = 0;
  follow();
  draw();
  const lead = leader();
  if (lead && !lead.paused && !lead.ended && !calm.matches) running = requestAnimationFrame(run);
};
const tell = () => {
  for (const [number, film] of films().entries()) film.muted = number > 0 || !heard;
  const button = room.querySelector("[data-all-sound]");
  if (!button) return;
  button.setAttribute("aria-pressed", String(heard));
  const use = button.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, heard ? "#sound" : "#mute"));
};
const own = () => {
  for (const film of films()) film.controls = false;
  room.querySelector("[data-bar]").hidden = !films().length;
  tell();
  draw();
};
const toggle = () => {
  const lead = leader();
  if (!lead) return;
  if (!lead.paused && !lead.ended) {
    for (const film of films()) film.pause();
    return;
  }
  // Within the click, or some browsers refuse all but the first.
  for (const film of films()) if (lead.ended || lead.currentTime < whole(film)) start(film);
};

// ── what got ready while one looks ──
const renew = async () => {
  let found;
  try {
    const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
    if (!answer.ok) return;
    found = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return; // the next change brings it
  }
  for (const column of found.querySelectorAll("#films > li")) {
    const old = document.getElementById(column.id);
    // What plays, or is being looked at, stays as it is.
    if (old && !old.querySelector("video") && !old.contains(document.activeElement))
      old.replaceWith(document.importNode(column, true));
  }
  if (room) own();
};
if (rows) {
  const states = () => [...rows.querySelectorAll("li.job")].map((row) => row.dataset.state).join();
  let known = states();
  let soon = 0;
  new MutationObserver(() => {
    const now = states();
    if (now === known) return;
    known = now;
    clearTimeout(soon);
    soon = setTimeout(renew, AFTER);
  }).observe(rows, { childList: true, subtree: true, attributeFilter: ["data-state"] });
}

if (room) {
  for (const kind of ["loadedmetadata", "timeupdate", "play", "pause", "ended", "seeked"]) {
    room.addEventListener(kind, () => running || run(), true); // media events do not bubble
  }
  room.addEventListener("input", (event) => {
    if (!event.target.matches("[data-all-seek]")) return;
    for (const film of films())
      film.currentTime = Math.min(Number(event.target.value), whole(film));
  });
  room.addEventListener("click", (event) => {
    if (event.target.closest("[data-all-play]") || event.target.matches("video")) toggle();
    else if (event.target.closest("[data-all-sound]")) {
      heard = !heard;
      tell();
    }
  });
  own();
}
