// One job's page: the fragment #job[data-live-url] is replaced as its job goes on, and the bar at the
// foot with it.
import { morph } from "./morph.js";
import { get, parse, say } from "./page.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)");

// Who watched a film being made has waited for it to play. A browser that wants a click first
// leaves it at its poster.
const play = (job) => {
  const film = job.querySelector("[data-film] video");
  if (film && document.visibilityState === "visible" && !calm.matches) film.play().catch(() => {});
};

const inUse = (job) =>
  [...job.querySelectorAll("audio, video")].some(({ paused }) => !paused) ||
  job.querySelector("form :focus:is(input:not([type=submit]), textarea, select)");

const replace = (job, found) => {
  const open = [...job.querySelectorAll("details[open][id]")].map((node) => node.id);
  const before = job.dataset.state;
  const adopted = document.importNode(found, true);
  job.replaceWith(adopted);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  window.htmx?.process(adopted);
  const loaded = new CustomEvent("htmx:load", { bubbles: true, detail: { elt: adopted } });
  adopted.dispatchEvent(loaded);
  if (before === adopted.dataset.state) return;
  say(adopted.dataset.say);
  if (adopted.dataset.title) document.title = adopted.dataset.title;
  play(adopted);
};

/** Fetch the job again, with the bar at the foot. What plays or is typed into stays as it is. */
export const renewJob = async () => {
  const job = document.querySelector("#job[data-live-url]");
  if (!job) return;
  try {
    const page = parse(await get(job.dataset.liveUrl));
    const found = page.querySelector("#job");
    const [old, foot] = [document, page].map((one) => one.querySelector("[data-part=foot]"));
    if (old && foot) morph(old, foot);
    const same = found?.dataset.state === job.dataset.state;
    if (!found || (same && (job.hasAttribute("data-over") || inUse(job)))) return;
    replace(job, found);
  } catch {
    // the next event or look brings it
  }
};

// Whoever came here from the notice of a click, or asked for the film again, watches too, also when
// the film was faster.
if (location.hash === "#watch") {
  history.replaceState(history.state, "", location.pathname + location.search);
  const job = document.querySelector("#job");
  if (job) play(job);
}
