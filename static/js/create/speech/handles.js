// The two ends of what is kept: dragged, moved with the keys, typed, set by a button, snapped to
// silence.
import { tenths } from "../../format.js";
import { refresh } from "../form.js";
import { keep, panel, partsOf } from "./panel.js";
import { askPrices } from "./prices.js";
import { moved, parse, snapped, startOf, stopOf } from "./selection.js";

const SETTLE = 350; // ms after the last movement until the new form is asked for

// Whether a handle is in the hand; the form that will be asked for
const moving = { held: false, timer: 0 };

const refreshLater = () => {
  clearTimeout(moving.timer);
  moving.timer = setTimeout(() => {
    moving.timer = 0;
    refresh();
  }, SETTLE);
};
const refreshNot = () => {
  clearTimeout(moving.timer);
  moving.timer = 0;
};

const isHandle = (target) => target.matches?.("[data-trim] input");
const isTyped = (target) => target.matches?.("[data-trim-from], [data-trim-to]");
const endOf = (target) => (target.matches("#trim-start, [data-trim-from]") ? "start" : "end");

// ── dragging and typing ──
addEventListener("pointerdown", ({ target }) => {
  moving.held = Boolean(isHandle(target));
});
for (const kind of ["pointerup", "pointercancel"]) {
  addEventListener(kind, () => {
    moving.held = false;
  });
}
document.addEventListener("input", ({ target }) => {
  if (!isHandle(target) && !isTyped(target)) return;
  const here = panel();
  if (!here || target.value === "" || !Number.isFinite(Number(target.value))) return;
  const atEnd = target.type === "range" && target.value === target.max;
  const ms = atEnd ? here.limits.whole : Math.round(Number(target.value) * 1000);
  keep(here, moved(partsOf(here), here.base, endOf(target), ms, here.limits));
  askPrices();
});
document.addEventListener(
  "change",
  (event) => {
    const { target } = event;
    const here = panel();
    if (here && isTyped(target)) {
      const parts = partsOf(here);
      target.value = tenths(endOf(target) === "start" ? startOf(parts) : stopOf(parts));
    }
    if (!isHandle(target)) return;
    event.stopPropagation(); // arrow keys change it many times a second; the form is asked for once
    refreshLater();
  },
  true,
);

// An answer to an older question must not take the handle out of the hand; the next question brings
// all of it.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig } = event.detail;
  if (target?.id !== "make" || requestConfig?.verb !== "get") return;
  if (!moving.held && !moving.timer) return;
  event.detail.shouldSwap = false;
  refreshLater();
});
// The answer to a click shows all of it.
document.addEventListener("click", ({ target }) => target.closest?.("[name=do]") && refreshNot());

// ── buttons ──
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-set], [data-snap]");
  const here = panel();
  if (!button || !here) return;
  event.preventDefault();
  if (button.matches("[data-set]")) {
    here.base = parse(button.value);
    keep(here, here.base);
  } else keep(here, snapped(partsOf(here), here.base, here.quiet, here.limits));
  refresh();
});
