// One job's page: the whole fragment #job[data-live-url] is replaced until the job has ended.
import { get, parse, say } from "./page.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const looking = { now: false, again: false };

// Who watched a film being made has waited for it to play. A browser that wants a click first
// leaves it at its poster.
const play = (job) => {
  const film = job.querySelector("[data-film] video");
  if (film && document.visibilityState === "visible" && !calm.matches) film.play().catch(() => {});
};

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

/** Fetch the job again; once more when it is asked for meanwhile. */
export const renewJob = async () => {
  const job = document.querySelector("#job[data-live-url]");
  if (!job) return;
  if (looking.now) {
    looking.again = true;
    return;
  }
  looking.now = true;
  try {
    const found = parse(await get(job.dataset.liveUrl)).querySelector("#job");
    if (found) replace(job, found);
  } catch {
    // the next event or look brings it
  }
  looking.now = false;
  if (looking.again) {
    looking.again = false;
    renewJob();
  }
};

// Whoever came here from the notice of a click, or asked for the film again, watches too, also when
// the film was faster.
if (location.hash === "#watch") {
  history.replaceState(history.state, "", location.pathname + location.search);
  const job = document.querySelector("#job");
  if (job) play(job);
}
