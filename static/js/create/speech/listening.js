// A speech heard without what is left out, and the line that runs through its drawing.
import { panel, partsOf } from "./panel.js";
import { across, nextStep, startOf } from "./selection.js";

const audio = () => document.querySelector("#speech audio");
const listening = { kept: false }; // whether it plays what is kept only

const showButton = () => {
  const button = document.querySelector("[data-play-kept]");
  const word = button?.querySelector("[data-word]");
  if (!word || Boolean(button.dataset.playing) === listening.kept) return;
  [word.textContent, word.dataset.other] = [word.dataset.other, word.textContent];
  button.dataset.playing = listening.kept ? "yes" : "";
  const use = button.querySelector("use");
  const icon = listening.kept ? "#stop" : "#play";
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, icon));
};

const showLine = () => {
  const [sound, here] = [audio(), panel()];
  const line = here?.node.querySelector(".head");
  if (!sound || !line) return;
  const { whole } = here.limits;
  const x = across(Math.min(sound.currentTime * 1000, whole), whole);
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  line.setAttribute("visibility", sound.paused && !sound.currentTime ? "hidden" : "visible");
};

/** Be silent. */
export const rest = () => {
  listening.kept = false;
  audio()?.pause();
  showButton();
};

const step = () => {
  const [sound, here] = [audio(), panel()];
  if (!sound || !here) listening.kept = false;
  if (listening.kept && !sound.seeking) {
    const next = sound.ended ? "rest" : nextStep(partsOf(here), sound.currentTime * 1000);
    if (next === "rest") rest();
    else if (next !== null) sound.currentTime = next / 1000;
  }
  showLine();
};
const run = () => {
  step();
  if (listening.kept) requestAnimationFrame(run);
};

document.addEventListener("click", ({ target }) => {
  const sound = audio();
  if (!target.closest?.("[data-play-kept]") || !sound) return;
  if (listening.kept) {
    rest();
    return;
  }
  sound.currentTime = startOf(partsOf(panel())) / 1000;
  listening.kept = true;
  sound.play().then(run, rest);
  showButton();
});

// Media events do not bubble. A page in the background draws no frames, so the sound's own events
// move the line too.
const heard = (kind, then) =>
  document.addEventListener(kind, ({ target }) => target === audio() && then(target), true);
heard("timeupdate", step);
heard("seeked", showLine);
for (const kind of ["pause", "ended"]) {
  heard(kind, (sound) => {
    if (!sound.paused) return;
    listening.kept = false;
    showButton();
  });
}

const ready = () => {
  showButton();
  showLine();
};
document.addEventListener("htmx:afterSwap", ready);
ready();
