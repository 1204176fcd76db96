// The team's events as they happen, for as long as the page is open: every gap is noticed, said, and
// made good by looking again.
import { moved } from "./ready.js";

const LOOK = 10_000; // ms between two looks while the stream is away
const GRACE = 5_000; // a stream that is back by then was not missed
const SILENT = 40_000; // the server says every 15 s that it is there
const ASLEEP = 20_000; // a second that took so long was spent asleep

const lines = (name, shown) => {
  for (const line of document.querySelectorAll(`[data-${name}]`)) line.hidden = !shown;
};

/**
 * Follow the events at `url`. `changed` gets each once; `look` is called when some may have been
 * missed, and every ten seconds as long as the stream is away. Returns a function that ends it.
 */
export const follow = (url, { changed, look }) => {
  const seen = new Set(); // ids of events
  const timers = { paused: 0, lost: 0, again: 0 };
  let source = null;
  let missed = true; // the first look catches what happened between the page and the stream
  let heard = Date.now();
  let over = false;

  const paused = (yes) => {
    lines("paused", yes);
    if (yes === Boolean(timers.paused)) return;
    clearInterval(timers.paused);
    timers.paused = yes ? setInterval(look, LOOK) : 0;
  };
  const regain = () => {
    clearTimeout(timers.lost);
    timers.lost = 0;
  };
  const lose = () => {
    missed = true;
    timers.lost ||= setTimeout(() => {
      paused(true);
      look();
    }, GRACE);
  };
  const end = () => {
    over = true;
    source?.close();
    clearTimeout(timers.again);
    clearInterval(timers.watch);
    regain();
    paused(false);
  };
  // Whoever is not in the team any more, or was signed out, is told so, and nothing is asked again.
  const ended = () => {
    end();
    lines("ended", true);
  };
  const later = () => {
    clearTimeout(timers.again);
    timers.again = setTimeout(open, LOOK);
  };
  // The stream was refused: because it is full, the site is starting, or there is nothing here for
  // us.
  const refused = async () => {
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" }).catch(
      () => null,
    );
    if (answer && (answer.status === 404 || answer.redirected)) ended();
    else later();
  };
  const on = (name, act) =>
    source.addEventListener(name, (event) => {
      heard = Date.now();
      act?.(event);
    });
  const open = () => {
    if (over) return;
    source?.close();
    heard = Date.now();
    source = new EventSource(url);
    on("job", ({ data, lastEventId }) => {
      if (seen.has(lastEventId)) return; // what is read again after a break may come twice
      seen.add(lastEventId);
      const event = JSON.parse(data);
      changed(event);
      if (!missed) moved(event, url);
    });
    on("here");
    on("paused", () => {
      missed = true;
      regain();
      paused(true);
    });
    on("resumed", () => {
      missed = false;
      regain();
      paused(false);
      look();
    });
    on("ended", ended);
    on("open", () => {
      regain();
      paused(false); // if the site hears nothing, it says so at once
      if (missed) look();
      missed = false;
    });
    source.onerror = () => {
      lose();
      // The browser gave up; we do not
      if (source.readyState === EventSource.CLOSED) refused();
    };
  };
  // After a sleep, or on a line that is only half there, the browser may believe for long that it
  // is connected.
  let second = Date.now();
  timers.watch = setInterval(() => {
    const now = Date.now();
    const slept = now - second > ASLEEP;
    second = now;
    if (!slept && now - heard < SILENT) return;
    if (slept) look();
    lose();
    open();
  }, 1000);
  addEventListener("online", () => {
    if (over) return;
    missed = true;
    open();
  });
  addEventListener("offline", lose);
  open();
  return end;
};
