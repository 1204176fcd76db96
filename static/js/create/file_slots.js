// Files of a create page: each goes up by itself as one raw PUT with its progress, then the draft
// has it.

import { watchLine } from "../files/line.js";
import { remember, writeAddress } from "./address.js";
import { form, refresh } from "./form.js";

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
 * call `taken`.
 */
export const send = (slot, file, taken = () => {}) => {
  const bar = slot.querySelector("progress");
  const error = slot.querySelector("[data-slot-error]");
  const place = slot.querySelector("[data-slot-place]");
  let leave = () => {};
  const refuse = (words) => {
    leave();
    place.textContent = "";
    bar.hidden = true;
    error.hidden = false;
    error.querySelector("div").textContent = words;
  };
  const broken = () => refuse(form().dataset.broken);
  error.hidden = true;
  bar.hidden = false;
  bar.value = 0;
  const request = new XMLHttpRequest();
  request.open("PUT", `${form().dataset.uploadUrl}?name=${encodeURIComponent(file.name)}`);
  request.setRequestHeader("X-CSRFToken", form().querySelector("[name=csrfmiddlewaretoken]").value);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.responseType = "json";
  request.upload.onprogress = ({ loaded, total }) => {
    bar.value = total ? loaded / total : 0;
    // It is looked at now, and how long that takes nobody knows
    if (loaded === total) bar.removeAttribute("value");
  };
  request.upload.onload = () => {
    leave = watchLine(form().dataset.lineUrl, file.name, (words) => {
      place.textContent = words;
    });
  };
  request.onload = () => {
    leave();
    place.textContent = "";
    const answer = request.response;
    if (request.status >= 300 || !answer?.asset) {
      refuse(answer?.error ?? form().dataset.broken);
      return;
    }
    put(slot.dataset.slot, answer.asset);
    bar.hidden = true;
    taken();
    refresh();
  };
  request.onerror = request.onabort = broken;
  // A folder, or a file that was moved away since, can be chosen and not be read.
  file
    .slice(0, 1)
    .arrayBuffer()
    .then(() => request.send(file), broken);
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
