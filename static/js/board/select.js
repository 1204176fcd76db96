// Ticked jobs: how many, and all between two with Shift; and the dialog that renames one.
const form = document.querySelector("#many");
const boxes = () =>
  [...document.querySelectorAll("#rows input[name=job]")].filter((box) => box.checkVisibility());
let last = null;

const tell = () => {
  const ticked = document.querySelectorAll("#rows input[name=job]:checked").length;
  const words = form.querySelector("[data-ticked]");
  const { one, many } = words.dataset;
  words.textContent = ticked === 1 ? one : many.replace("{n}", ticked);
};

/** Tick `box` or take its tick away; `range` does the same to all from the last one on. */
export const tick = (box, checked, range) => {
  const all = boxes();
  const [from, to] = [all.indexOf(last), all.indexOf(box)];
  const some = range && from >= 0 ? all.slice(Math.min(from, to), Math.max(from, to) + 1) : [box];
  for (const one of some) one.checked = checked;
  last = box;
  tell();
};

document.addEventListener("click", (event) => {
  const { target, shiftKey } = event;
  if (target.matches?.("#rows input[name=job]")) tick(target, target.checked, shiftKey);
  const rename = target.closest?.("a.rename");
  const dialog = document.querySelector("dialog#rename");
  if (!rename || !dialog || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const title = rename.closest("[data-job]").querySelector("h3 > a").textContent;
  dialog.querySelector("form").action = `${rename.pathname}rename/`;
  dialog.querySelector("[name=title]").value = title;
  dialog.showModal();
  dialog.querySelector("[name=title]").select();
});
form?.addEventListener("reset", () => setTimeout(tell));
if (form) tell(); // the browser may have kept some ticks
