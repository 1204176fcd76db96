// Keys of the board. None of them acts while somebody types.
import { tick } from "./select.js";

const rows = () =>
  [...document.querySelectorAll("#rows [data-job]")].filter((row) => row.checkVisibility());
const help = document.querySelector("#keys-help");
const current = () => document.activeElement?.closest("#rows [data-job]");

const go = (step) => {
  const all = rows();
  const at = all.indexOf(current());
  const row = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step];
  row?.querySelector("h3 a")?.focus();
};
const keys = {
  "/": () => document.querySelector("#q")?.focus(),
  j: () => go(1),
  k: () => go(-1),
  x: ({ shiftKey }) => {
    const box = current()?.querySelector("input[name=job]");
    if (box) tick(box, shiftKey || !box.checked, shiftKey);
  },
  n: () => document.querySelector("[data-new]")?.click(),
  "?": () => help?.showModal(),
};
const typing = (node) =>
  node.closest?.("dialog[open], textarea, select, [contenteditable]") ||
  node.matches?.("input:not([type=checkbox])");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act(event);
});
document.querySelector("[data-help]")?.addEventListener("click", () => help?.showModal());
