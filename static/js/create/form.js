// The create pages: every change asks for the new form and its price, and one click makes one job.
// Without this script the same form does all of it with its own buttons and a reload.
import { remember, writeAddress } from "./address.js";

const TWICE = 1000; // ms
const CHOICES = "input[type=radio], input[type=checkbox], select:has([selected]) option";

export const form = () => document.querySelector("#make");

/** Ask for the form again, as the draft is now. */
export const refresh = () => window.htmx.trigger(form(), "refresh");

// ── every change is a new draft ──
document.addEventListener("change", ({ target }) => {
  if (!target.closest("#make") || target.type === "file" || target.name === "preset_name") return;
  if (target.name === "title") {
    // Nothing shown depends on it, and a swap here would take the button away from under the click
    // that ended the typing.
    remember("title", target.value);
    return;
  }
  if (target.matches("[type=radio], [type=checkbox], select")) {
    const off = target.type === "checkbox" && !target.checked;
    remember(target.name, off ? "" : target.value);
    writeAddress();
  }
  refresh();
});

// What was chosen before this script was there, or put back by the browser, is a change too.
const differs = (one) =>
  one.matches("option") ? one.selected !== one.defaultSelected : one.checked !== one.defaultChecked;
document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt === document.body && [...form().querySelectorAll(CHOICES)].some(differs)) {
    refresh();
  }
});

// ── a press is not lost ──
// A button that goes between the two halves of a click takes the click with it. So a form that was
// only asked for waits until nothing is pressed, and is then asked for again.
const press = { now: false, waits: false };
// Wherever, since the bar with the button to order is renewed beside the form. Of a press that opens
// a list or a menu nobody is told the end.
const CLICKED = "a, button, label, summary";
addEventListener("pointerdown", ({ target, isPrimary, button }) => {
  press.now = isPrimary && button === 0 && Boolean(target.closest?.(CLICKED));
});
for (const end of ["pointerup", "pointercancel", "blur"]) {
  addEventListener(end, () => {
    press.now = false;
    // The click comes after this, and what it asks for brings the form too
    setTimeout(() => press.waits && refresh());
  });
}
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (detail.target === form()) press.waits = false;
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!press.now || detail.target !== form() || detail.requestConfig.verb !== "get") return;
  press.waits = true;
  detail.shouldSwap = false;
});

// ── what a new form keeps ──
// What was unfolded stays so, but for the chooser, whose work is done; and a name that is being
// typed stays as well.
const before = { unfolded: new Set(), presetName: "" };
const nameOf = (one) => one.id || one.querySelector("summary")?.textContent.trim();
const presetName = () => form().querySelector("#preset_name");
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target !== form()) return;
  const open = form().querySelectorAll("details[open]:not([data-choose])");
  before.unfolded = new Set([...open].map(nameOf));
  // The preset that was just saved has it
  const saved = detail.requestConfig.path.includes("/presets/");
  before.presetName = saved ? "" : (presetName()?.value ?? "");
});
document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt !== form()) return;
  if (before.presetName && presetName()) presetName().value = before.presetName;
  for (const one of form().querySelectorAll("details:not([open], [data-choose], .library)")) {
    one.open = before.unfolded.has(nameOf(one));
  }
});

// ── one click, one job ──
// The key in the form makes a second one harmless, and the answer brings a key for the next.
// An answer may come between the two halves of a double click, or while a key is held down: then
// the new key would make a second job.
const clicked = { at: -TWICE };
document.addEventListener(
  "click",
  (event) => {
    if (!event.target.closest('[hx-sync="#make:replace"]')) return;
    const twice = event.timeStamp - clicked.at < TWICE;
    clicked.at = event.timeStamp;
    if (!twice) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  true,
);
document.addEventListener("undone", refresh); // money and places are as before
document.addEventListener("click", ({ target }) =>
  target.closest("[data-dismiss]")?.closest(".toast").remove(),
);
addEventListener("pageshow", (event) => {
  // The page came back from the browser's memory: its key is used up
  if (event.persisted) location.reload();
});
