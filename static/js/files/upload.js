// Uploads: drop, paste or choose files; each goes as one raw PUT with its progress. Without this
// script the form sends them.
//
// A zone is <form data-upload="/upload/team/" data-max="bytes" …sentences>; see
// templates/studio/files/upload_zone.html. Every answer is told by an event on the zone that
// bubbles: "uploaded" (detail: the JSON of the asset) or "upload-refused" (detail: {name, error}).
// When none is left on its way, "library-changed" is sent to the body.
import { watchLine } from "./line.js";

const AT_ONCE = 2;
const line = []; // jobs that wait for their turn
let running = 0;
let kept = 0;

const zones = () => document.querySelectorAll("form[data-upload]");
const zoneFor = (target) =>
  target?.closest?.("form[data-upload]") ?? (zones().length === 1 ? zones()[0] : null);
const carriesFiles = (transfer) => [...(transfer?.types ?? [])].includes("Files");

const add = (zone, files) => {
  const list = zone.querySelector("[data-uploads]");
  for (const file of files) {
    const row = zone.querySelector("[data-upload-row]").content.firstElementChild.cloneNode(true);
    row.querySelector("[data-name]").textContent = file.name;
    row.querySelector("[data-words]").textContent = zone.dataset.waiting;
    list.hidden = false;
    list.append(row);
    line.push({ zone, file, row });
  }
  next();
};

const next = () => {
  while (running < AT_ONCE && line.length) {
    running += 1;
    send(line.shift());
  }
  if (!running && kept) {
    kept = 0;
    document.body.dispatchEvent(new CustomEvent("library-changed"));
  }
};

const end = ({ zone, file, row }, good, words, detail) => {
  row.dataset.end = good ? "good" : "bad";
  row.querySelector("[data-words]").textContent = words;
  row.querySelector("[data-bar]").value = 100;
  if (good) {
    const link = document.createElement("a");
    link.href = detail.url;
    link.textContent = detail.name;
    row.querySelector("[data-name]").replaceChildren(link);
    kept += 1;
  }
  zone.querySelector("[data-upload-status]").textContent = `${file.name}: ${words}`;
  zone.dispatchEvent(
    new CustomEvent(good ? "uploaded" : "upload-refused", { bubbles: true, detail }),
  );
};

const send = (job) => {
  const { zone, file, row } = job;
  const { max, large, lost, storing, here, kept: done, takes, unused } = zone.dataset;
  let leave = () => {};
  const over = (good, words, detail) => {
    leave();
    running -= 1;
    end(job, good, words, detail);
    next();
  };
  const refuse = (error) => over(false, error, { name: file.name, error });
  if (file.size > Number(max)) return refuse(large);
  const request = new XMLHttpRequest();
  request.open("PUT", `${zone.dataset.upload}?name=${encodeURIComponent(file.name)}`);
  request.setRequestHeader("X-CSRFToken", zone.querySelector("[name=csrfmiddlewaretoken]").value);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.responseType = "json";
  const words = row.querySelector("[data-words]");
  request.upload.onprogress = ({ loaded, total }) => {
    row.querySelector("[data-bar]").value = total ? (loaded / total) * 100 : 0;
    words.textContent = loaded < total ? `${Math.floor((loaded / total) * 100)} %` : storing;
  };
  request.upload.onload = () => {
    leave = watchLine(zone.dataset.line, file.name, (place) => {
      words.textContent = place || storing;
    });
  };
  request.onload = () => {
    const answer = request.response;
    if (request.status >= 300 || !answer?.asset) refuse(answer?.error ?? lost);
    else if (takes && !takes.split(" ").includes(answer.kind)) over(true, unused, answer);
    else over(true, answer.new ? done : here, answer);
  };
  request.onerror = request.onabort = () => refuse(lost);
  // A folder, or a file that was moved away since, can be chosen and not be read.
  file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => request.send(file),
      () => refuse(lost),
    );
};

const addFrom = (zone, input) => {
  add(zone, [...input.files]);
  input.value = "";
  const words = zone.querySelector("[data-drop-words]");
  if (words?.dataset.empty) words.textContent = words.dataset.empty;
};

document.addEventListener("change", (event) => {
  const zone = event.target.type === "file" && event.target.closest("form[data-upload]");
  if (zone) addFrom(zone, event.target);
});

document.addEventListener("dragover", (event) => {
  if (carriesFiles(event.dataTransfer) && zones().length) event.preventDefault();
});

document.addEventListener("drop", (event) => {
  if (!carriesFiles(event.dataTransfer) || !zones().length) return;
  event.preventDefault(); // a file dropped beside the zone must not replace the page
  const zone = zoneFor(event.target);
  if (zone) add(zone, [...event.dataTransfer.files]);
});

document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  const zone = files.length && zoneFor(event.target);
  if (!zone) return;
  event.preventDefault();
  add(zone, files);
});

addEventListener("beforeunload", (event) => {
  if (running) event.preventDefault();
});

const ready = () => {
  for (const plain of document.querySelectorAll("[data-upload-plain]")) plain.hidden = true;
  // What was chosen before this script was there has no button any more.
  for (const zone of zones())
    for (const input of zone.querySelectorAll("input[type=file]"))
      if (input.files.length) addFrom(zone, input);
};
document.addEventListener("htmx:load", ready);
ready();
