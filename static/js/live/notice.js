// The notice after a click goes on telling how far it is, until what the click made is over.
import { morph } from "./morph.js";
import { get, parse } from "./page.js";
import { draw } from "./ready.js";
import { follow } from "./stream.js";

const SOON = 150; // ms
const place = document.querySelector("#toast");
const followed = { url: "", end: null, timer: 0 };

const look = async () => {
  const url = followed.url;
  if (!url) return;
  try {
    const found = parse(await get(url)).querySelector(".toast");
    const notice = place.querySelector(".toast");
    if (found && notice?.dataset.follow === url) {
      morph(notice, found);
      draw();
    }
  } catch {
    // the next event or look brings it
  }
};
const begin = () => {
  const notice = place.querySelector("[data-follow]");
  const url = notice?.dataset.follow ?? "";
  if (url === followed.url) return;
  followed.url = url;
  if (!url) {
    followed.end?.();
    followed.end = null;
    return;
  }
  const changed = () => {
    clearTimeout(followed.timer);
    followed.timer = setTimeout(look, SOON);
  };
  followed.end ??= follow(notice.dataset.live, { changed, look });
};
if (place) {
  const asked = { childList: true, subtree: true, attributeFilter: ["data-follow"] };
  new MutationObserver(begin).observe(place, asked);
}
