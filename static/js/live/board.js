// The board: one answer of the server has the rows and every number, and the page becomes that
// answer. A row moves to the section it belongs to; the one in use only when it is let go.
import { inUse, keeping, letGo } from "./anchor.js";
import { morph } from "./morph.js";
import { get, parse, say } from "./page.js";
import { tick } from "./times.js";

const REST = 20_500; // ms after which a row is looked at again: the pointer on it may be at rest
const SAID = 3; // rows that one change tells a reader of the screen about
const waiting = { html: "", row: null };

const states = () =>
  new Map(
    [...document.querySelectorAll("#rows [data-job]")].map(({ id, dataset }) => [
      id,
      dataset.state,
    ]),
  );

const tell = (before) => {
  const changed = [...document.querySelectorAll("#rows [data-job]")].filter(
    ({ id, dataset }) => before.get(id) !== dataset.state,
  );
  const words = changed.slice(0, SAID).map(({ dataset }) => dataset.say);
  if (changed.length <= SAID) say(words.filter(Boolean).join(" "));
  else say(document.querySelector("[data-status]")?.dataset.status);
};

// `page` with the row in use left in the section that it stands in here; whether it was moved.
const leftInPlace = (page, row) => {
  const found = row && page.getElementById(row.id);
  if (!found) return false;
  const [here, there] = [row, found].map((node) => node.closest("[data-section]"));
  if (!here || !there || here.dataset.section === there.dataset.section) return false;
  let section = page.getElementById(here.id);
  if (!section) {
    section = page.importNode(here, true);
    for (const other of section.querySelectorAll("[data-job]")) other.remove();
    page.querySelector("#rows").prepend(section);
  }
  const [list, rows] = [section.querySelector("ul"), [...row.parentElement.children]];
  const next = rows.slice(rows.indexOf(row) + 1).find(({ id }) => page.getElementById(id));
  const at = next && list.querySelector(`#${CSS.escape(next.id)}`);
  if (at) at.before(found);
  else list.append(found);
  for (const part of there.querySelectorAll(".batch")) {
    if (!part.querySelector("[data-job]")) part.remove();
  }
  if (!there.querySelector("[data-job]")) there.remove();
  return true;
};

const show = (html) => {
  const page = parse(html);
  const [rows, found] = [document.querySelector("#rows"), page.querySelector("#rows")];
  if (!rows || !found) return;
  const [row, before] = [inUse(rows), states()];
  const left = leftInPlace(page, row);
  Object.assign(waiting, { html: left ? html : "", row: left ? row : null });
  keeping(rows, row, () => {
    for (const part of document.querySelectorAll("[data-part]")) {
      const now = page.querySelector(`[data-part="${part.dataset.part}"]`);
      if (now) morph(part, now);
    }
    tick();
  });
  if (left) setTimeout(released, REST);
  document.title = page.title;
  tell(before);
};

/** Fetch the board again: rows, numbers, lanes, what is spent. */
export const renewBoard = async () => {
  try {
    show(await get(location.href));
  } catch {
    // still away; the next look brings it
  }
};

// What was held back for the sake of a row in use comes when that row is let go.
function released() {
  const list = document.querySelector("#rows");
  if (!list || inUse(list) === waiting.row) return;
  const { html } = waiting;
  Object.assign(waiting, { html: "", row: null });
  if (html) show(html);
  else if (!inUse(list)) letGo(list);
}
for (const event of ["pointermove", "focusin", "focusout"]) {
  document.addEventListener(event, () => {
    if (waiting.html || document.querySelector("[data-room][style]"))
      requestAnimationFrame(released);
  });
}
