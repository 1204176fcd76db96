// The rows of the board: a changed one is replaced where it stands and a new job is only announced,
// so nothing moves under the pointer.
import { get, parse, say } from "./page.js";

const live = document.querySelector("#live");
const announced = new Set();
const fetching = new Map(); // job → whether it changed again while its row was on the way

const showCounts = () => {
  if (!live?.dataset.counts) return;
  const rows = [...document.querySelectorAll("[data-job][data-active]")];
  const waiting = rows.filter(({ dataset }) => ["queued", "held"].includes(dataset.state)).length;
  const on = rows.length - waiting;
  const counts = live.dataset.counts.replace("{on}", on).replace("{wait}", waiting);
  document.title = (rows.length ? `${counts} ` : "") + live.dataset.name;
};

// Where `row` stands already; false when it does not.
const put = (row) => {
  const old = document.getElementById(row.id);
  if (!old) return false;
  const before = old.dataset.state;
  const adopted = document.importNode(row, true);
  if (old.isEqualNode(adopted)) return true;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(adopted);
  for (const name of focused ? ["href", "formaction"] : []) {
    if (!focused.hasAttribute(name)) continue;
    const value = CSS.escape(focused.getAttribute(name));
    adopted.querySelector(`[${name}="${value}"]`)?.focus();
  }
  if (before !== adopted.dataset.state) say(adopted.dataset.say);
  showCounts();
  return true;
};

/** Say that there is a new job; it is shown when the person asks for it. */
export const announce = (id) => {
  const place = live?.querySelector("[data-fresh]");
  if (!place || announced.has(id)) return;
  announced.add(id);
  const { one, many } = live.dataset;
  const words = announced.size === 1 ? one : many.replace("{n}", announced.size);
  place.querySelector("a").textContent = words;
  place.hidden = false;
  say(words);
};

/** Fetch the row of the job `id` again. */
export const renewRow = async (id) => {
  if (fetching.has(id)) {
    fetching.set(id, true);
    return;
  }
  fetching.set(id, false);
  try {
    const html = await get(`${live.dataset.rows}${id}/row/`);
    const found = parse(`<ul>${html}</ul>`).querySelector("li.job");
    if (found) put(found);
  } catch {
    // the next event or look brings it
  }
  const again = fetching.get(id);
  fetching.delete(id);
  if (again) renewRow(id);
};

const replacePart = (part, page) => {
  const [old, found] = [document.querySelector(part), page.querySelector(part)];
  if (!old || !found || old.contains(document.activeElement) || old.isEqualNode(found)) return;
  const slid = old.querySelector(".slide")?.scrollLeft ?? 0;
  const adopted = document.importNode(found, true);
  old.replaceWith(adopted);
  if (slid) adopted.querySelector(".slide")?.scrollTo({ left: slid, behavior: "instant" });
};

/** Fetch the whole board again: rows, lanes, films in danger. */
export const renewBoard = async () => {
  try {
    const page = parse(await get(location.href));
    for (const found of page.querySelectorAll("#rows [data-job]")) {
      if (!put(found)) announce(found.dataset.job);
    }
    for (const part of ["#lanes", "[data-endangered]"]) replacePart(part, page);
    // a row that left the page has ended or moved on to another part of the list
    for (const old of document.querySelectorAll("#rows [data-job][data-active]")) {
      if (!page.getElementById(old.id)) renewRow(old.dataset.job);
    }
  } catch {
    // still away
  }
};
