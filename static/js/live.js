// Keeps the board, a set and a job's page up to date: follows the team's events, and after each the
// page becomes what the server says then, rows and numbers in one answer.
//
// One job that moves changes the places, times and money of others, so nothing is renewed alone.
// Many events at once are one look. Pages also look now and then while they are seen.
import { renewBoard } from "./live/board.js";
import { renewJob } from "./live/job.js";
import { follow } from "./live/stream.js";
import { tick } from "./live/times.js";

const SOON = 150; // ms from an event to the look: what comes together is one
const APART = 1_000; // between two looks
const UNSEEN = 5_000; // the same while the page is in the background, for its title
const SHARE = 8; // a look takes at most this part of the time: a slow site is asked less often
const NOW_AND_THEN = 30_000;

const live = document.querySelector("#live");
const looking = { timer: 0, now: false, again: false, next: 0 };

const look = async () => {
  if (looking.now) {
    looking.again = true;
    return;
  }
  Object.assign(looking, { now: true, again: false });
  const began = performance.now();
  await (document.querySelector("#rows") ? renewBoard() : renewJob());
  const ended = performance.now();
  const rest = Math.max(document.hidden ? UNSEEN : APART, (ended - began) * SHARE);
  Object.assign(looking, { now: false, next: ended + rest });
  if (looking.again) lookSoon();
};
const lookSoon = () => {
  if (looking.now) looking.again = true;
  else {
    looking.timer ||= setTimeout(
      () => {
        looking.timer = 0;
        look();
      },
      Math.max(SOON, looking.next - performance.now()),
    );
  }
};

if (live) {
  follow(live.dataset.live, { changed: lookSoon, look });
  tick();
  setInterval(() => {
    if (document.visibilityState === "visible" && live.dataset.open !== "no") lookSoon();
  }, NOW_AND_THEN);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    looking.next = 0;
    lookSoon();
  });
}
document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-go]")) target.form.submit();
});
