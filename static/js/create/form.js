// The create pages: files go up by themselves, every change asks for the new price, and one click makes one job.
// Without this script the same form does all of it with its own buttons and a reload.
export const form = () => document.querySelector("#make");
export const refresh = () => window.htmx.trigger(form(), "refresh");

// ── the draft is in the address at once: who reloads before the answer is there, or while typing, finds it as it was ──
const SOON = 350; // ms: browsers count how often an address changes, and refuse a hundred in half a minute
const news = new Map();
let writing = 0;
const write = () => {
  writing = 0;
  const address = new URL(location.href);
  for (const [name, value] of news) {
    if (value.trim()) address.searchParams.set(name, value);
    else address.searchParams.delete(name);
  }
  history.replaceState(history.state, "", address);
  news.clear();
};
export const remember = (name, value) => {
  news.set(name, value);
  writing ||= setTimeout(write, SOON);
};
document.addEventListener("input", ({ target }) => target.closest("#make") && target.name === "title" && remember("title", target.value));
document.addEventListener("htmx:replacedInHistory", () => {
  const title = form()?.querySelector("#title"); // it may have been typed on since the question was sent
  if (title) remember("title", title.value);
});

// ── every change is a new draft ──
document.addEventListener("change", (event) => {
  const { target } = event;
  if (!target.closest("#make") || target.type === "file" || target.name === "preset_name") return;
  if (target.name === "title") {
    // Nothing shown depends on it, and a swap here would take the button away from under the click that ended the typing.
    remember("title", target.value);
    return;
  }
  if (target.matches("[type=radio], [type=checkbox], select")) {
    remember(target.name, target.type === "checkbox" && !target.checked ? "" : target.value);
    write();
  }
  refresh();
});

// What was chosen before this script was there, or put back by the browser, is a change too.
const apart = (one) => (one.matches("option") ? one.selected !== one.defaultSelected : one.checked !== one.defaultChecked);
const CHOICES = "input[type=radio], input[type=checkbox], select:has([selected]) option";
document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt !== document.body) return;
  for (const input of form().querySelectorAll("[data-slot] input[type=file]")) if (input.files.length) sendFrom(input);
  if ([...form().querySelectorAll(CHOICES)].some(apart)) refresh();
});

// ── a new form keeps unfolded what was unfolded, but for the chooser, whose work is done; and a name that is being typed ──
const nameOf = (one) => one.id || one.querySelector("summary")?.textContent.trim();
const presetName = () => form().querySelector("#preset_name");
let unfolded = new Set();
let typed = "";
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target !== form()) return;
  unfolded = new Set([...form().querySelectorAll("details[open]:not([data-choose])")].map(nameOf));
  typed = detail.requestConfig.path.includes("/presets/") ? "" : (presetName()?.value ?? ""); // a preset that was just saved has it
});
document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt !== form()) return;
  if (typed && presetName()) presetName().value = typed;
  for (const one of form().querySelectorAll("details:not([open], [data-choose], .library)")) one.open = unfolded.has(nameOf(one));
});

// ── files: one raw PUT with progress, then the draft has it ──
export const send = (slot, file, taken = () => {}) => {
  const bar = slot.querySelector("progress");
  const error = slot.querySelector("[data-slot-error]");
  const refuse = (words) => {
    bar.hidden = true;
    error.hidden = false;
    error.querySelector("div").textContent = words;
  };
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
    if (loaded === total) bar.removeAttribute("value"); // it is looked at now, and how long that takes nobody knows
  };
  request.onload = () => {
    const answer = request.response;
    if (request.status >= 300 || !answer?.asset) return refuse(answer?.error ?? form().dataset.broken);
    const { slot: name } = slot.dataset;
    form().querySelector(`input[type=hidden][name="${name}"]`).value = answer.asset;
    for (const radio of form().querySelectorAll(`[name="pick_${name}"]`)) radio.checked = false; // a pick whose answer never came
    if (name === "template_video") for (const radio of form().querySelectorAll('[name="template"]')) radio.checked = false;
    for (const [one, value] of [[name, answer.asset], [`keep_${name}`, ""], [`pick_${name}`, ""], ...(name === "template_video" ? [["template", ""]] : [])]) remember(one, value);
    write();
    bar.hidden = true;
    taken();
    refresh();
  };
  request.onerror = request.onabort = () => refuse(form().dataset.broken);
  // A folder, or a file that was moved away since, can be chosen and not be read.
  file.slice(0, 1).arrayBuffer().then(() => request.send(file), () => refuse(form().dataset.broken));
};

const sendFrom = (input) => {
  const [file] = input.files;
  input.value = "";
  if (file) send(input.closest("[data-slot]"), file);
};
document.addEventListener("change", ({ target }) => target.type === "file" && target.closest("[data-slot]") && sendFrom(target));
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (!form() || ![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault(); // a file dropped beside the zone must not replace the page
    const slot = event.target.closest?.("[data-slot]");
    const [file] = event.dataTransfer.files;
    if (kind === "drop" && slot && file) send(slot, file);
  });
}

// ── one click, one job: the key in the form makes a second one harmless, and the answer brings a key for the next ──
// An answer may come between the two halves of a double click, or while a key is held down: then the new key would make a second job.
const TWICE = 1000; // ms
let clicked = -TWICE;
document.addEventListener("click", (event) => {
  if (!event.target.closest('[hx-sync="#make:replace"]')) return;
  const twice = event.timeStamp - clicked < TWICE;
  clicked = event.timeStamp;
  if (!twice) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
document.addEventListener("undone", refresh); // money and places are as before
document.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest(".toast").remove());
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload(); // the page came back from the browser's memory: its key is used up
});
