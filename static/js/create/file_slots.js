// Files of a create page: each goes up by itself as one raw PUT with its progress, unless the team
// has it already; then the draft has it.

import { watchLine } from "../files/line.js";
import { sendFile } from "../files/send_file.js";
import { contentOf } from "../files/transfer.js";
import { remember, writeAddress } from "./address.js";
import { form, refresh } from "./form.js";

const newest = new Map(); // the last file that was chosen for each slot

// The draft has `asset` in `slot`; a pick whose answer never came gives way to it.
const put = (slot, asset) => {
  form().querySelector(`input[type=hidden][name="${slot}"]`).value = asset;
  const emptied = slot === "template_video" ? [`pick_${slot}`, "template"] : [`pick_${slot}`];
  for (const name of emptied) {
    for (const radio of form().querySelectorAll(`[name="${name}"]`)) radio.checked = false;
  }
  remember(slot, asset);
  for (const name of [`keep_${slot}`, ...emptied]) remember(name, "");
  writeAddress();
};

/**
 * Send `file` into `slot`, an element with [data-slot], a progress and a place for an error; then
 * call `taken`. What the team has already is not sent.
 */
export const send = async (slot, file, taken = () => {}) => {
  const bar = slot.querySelector("progress");
  const error = slot.querySelector("[data-slot-error]");
  const place = slot.querySelector("[data-slot-place]");
  const { uploadUrl, knownUrl, lineUrl, most, broken } = form().dataset;
  error.hidden = true;
  bar.hidden = false;
  bar.removeAttribute("value"); // it is read, and how long that takes nobody knows
  const mine = {};
  newest.set(slot.dataset.slot, mine);
  const content = await contentOf(file, Number(most));
  const told = await sendFile(file, content, {
    url: uploadUrl,
    knownUrl,
    unread: broken,
    token: form().querySelector("[name=csrfmiddlewaretoken]").value,
    progress: (loaded, total) => {
      bar.value = total ? loaded / total : 0;
      // It is looked at now
      if (loaded === total) bar.removeAttribute("value");
    },
    sent: () =>
      watchLine(lineUrl, file.name, (words) => {
        place.textContent = words;
      }),
  });
  if (newest.get(slot.dataset.slot) !== mine) return; // another one was chosen meanwhile
  place.textContent = "";
  bar.hidden = true;
  if (!told.answer) {
    error.hidden = false;
    error.querySelector("div").textContent = told.error || broken;
    return;
  }
  put(slot.dataset.slot, told.answer.asset);
  taken();
  refresh();
};

const sendFrom = (input) => {
  const [file] = input.files;
  input.value = "";
  if (file) send(input.closest("[data-slot]"), file);
};
document.addEventListener("change", ({ target }) => {
  if (target.type === "file" && target.closest("[data-slot]")) sendFrom(target);
});
// What was chosen before this script was there, or put back by the browser.
document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt !== document.body) return;
  for (const input of form().querySelectorAll("[data-slot] input[type=file]")) {
    if (input.files.length) sendFrom(input);
  }
});
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (!form() || ![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault(); // a file dropped beside the zone must not replace the page
    const slot = event.target.closest?.("[data-slot]");
    const [file] = event.dataTransfer.files;
    if (kind === "drop" && slot && file) send(slot, file);
  });
}
