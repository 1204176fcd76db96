// Uploads: drop, paste or choose files or a folder; each goes as one raw PUT with its progress, and
// what the team has already is not sent. Without this script the form sends them.
//
// A zone is <form data-upload="/upload/team/" data-max="bytes" …sentences>; see
// templates/studio/files/upload_zone.html. Every answer is told by an event on the zone that
// bubbles: "uploaded" (detail: the JSON of the asset) or "upload-refused" (detail: {name, error}).
// When none is on its way any more, "library-changed" is sent to the body.
import { dropped, meant } from "./folders.js";
import { watchLine } from "./line.js";
import { manyFiles } from "./many_files.js";
import { sendFile } from "./send_file.js";
import { askKnown, contentOf } from "./transfer.js";

const AT_ONCE = 2;
const FEW = 10; // of more files, only those stay in the list that somebody has to look at
const runs = new Map(); // the files of each zone
let kept = 0;

const zones = () => document.querySelectorAll("form[data-upload]");
const zoneFor = (target) =>
  target?.closest?.("form[data-upload]") ?? (zones().length === 1 ? zones()[0] : null);
const carriesFiles = (transfer) => [...(transfer?.types ?? [])].includes("Files");
const filled = (words, values) => words.replace(/{(\w+)}/g, (_, name) => values[name]);

// ── one file ──
const rowOf = (job) => {
  const { zone, file } = job;
  if (job.row) return job.row;
  job.row = zone.querySelector("[data-upload-row]").content.firstElementChild.cloneNode(true);
  job.row.querySelector("[data-name]").textContent = file.name;
  const list = zone.querySelector("[data-uploads]");
  list.hidden = false;
  list.append(job.row);
  return job.row;
};

const send = async (job) => {
  const { zone, file } = job;
  const { max, large, unread, storing, looking } = zone.dataset;
  const row = rowOf(job);
  delete row.dataset.end;
  const words = row.querySelector("[data-words]");
  const bar = row.querySelector("[data-bar]");
  if (file.size > Number(max)) return { end: "refused", error: large };
  words.textContent = looking;
  job.content ??= await contentOf(file, Number(max));
  return sendFile(file, job.content, {
    url: zone.dataset.upload,
    knownUrl: zone.dataset.known,
    unread,
    token: zone.querySelector("[name=csrfmiddlewaretoken]").value,
    progress: (loaded, total) => {
      bar.value = total ? (loaded / total) * 100 : 0;
      words.textContent = loaded < total ? `${Math.floor((loaded / total) * 100)} %` : storing;
    },
    sent: () =>
      watchLine(zone.dataset.line, file.name, (place) => {
        words.textContent = place || storing;
      }),
  });
};

const ended = ({ zone, file, row }, { end, answer, error }) => {
  const { lost, here, kept: done, takes, unused } = zone.dataset;
  const good = Boolean(answer);
  const asked = !good || !takes || takes.split(" ").includes(answer.kind);
  const words = good ? (asked ? { new: done, here }[end] : unused) : error || lost;
  row.dataset.end = good ? "good" : "bad";
  row.toggleAttribute("data-unused", !asked);
  row.querySelector("[data-words]").textContent = words;
  row.querySelector("[data-bar]").value = 100;
  if (good) {
    const link = document.createElement("a");
    link.href = answer.url;
    link.textContent = answer.name;
    row.querySelector("[data-name]").replaceChildren(link);
    kept += 1;
  }
  const many = runs.get(zone).state.total > FEW;
  if (many && good && asked) row.remove();
  if (!many) zone.querySelector("[data-upload-status]").textContent = `${file.name}: ${words}`;
  const detail = good ? answer : { name: file.name, error: words };
  zone.dispatchEvent(
    new CustomEvent(good ? "uploaded" : "upload-refused", { bubbles: true, detail }),
  );
};

// ── all of a zone ──
const show = (zone, state, jobs) => {
  const part = (name) => zone.querySelector(`[data-run-${name}]`);
  const { count, result, lost } = zone.dataset;
  const over = state.done === state.total;
  const words = filled(over || state.halted ? result : count, state);
  zone.querySelector("[data-run]").hidden = state.total < 2 && !state.halted;
  part("count").textContent = words;
  part("now").textContent = jobs.map(({ file }) => file.name).join(", ");
  part("bar").max = state.total;
  part("bar").value = state.done;
  part("stopped").hidden = !state.halted;
  part("why").textContent = state.why || lost;
  if (over || state.halted) zone.querySelector("[data-upload-status]").textContent = words;
  if (over) part("warning").hidden = true;
};

const runOf = (zone) => {
  if (!runs.has(zone)) {
    const run = manyFiles({
      atOnce: AT_ONCE,
      send,
      ended,
      changed: (state, jobs) => show(zone, state, jobs),
      idle: () => {
        if (!kept) return;
        kept = 0;
        document.body.dispatchEvent(new CustomEvent("library-changed"));
      },
    });
    runs.set(zone, run);
    zone.querySelector("[data-run-on]").addEventListener("click", run.goOn);
  }
  return runs.get(zone);
};

const add = async (zone, files) => {
  const run = runOf(zone);
  const count = run.state.waiting + files.length;
  if (count > 1) {
    const { warning } = await askKnown(zone.dataset.known, { count });
    const place = zone.querySelector("[data-run-warning]");
    place.hidden = !warning;
    place.textContent = warning ?? "";
  }
  run.add(files.map((file) => ({ zone, file })));
};

const addFrom = (zone, input) => {
  add(zone, meant([...input.files]));
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

document.addEventListener("drop", async (event) => {
  if (!carriesFiles(event.dataTransfer) || !zones().length) return;
  event.preventDefault(); // a file dropped beside the zone must not replace the page
  const zone = zoneFor(event.target);
  if (!zone) return;
  const lost = [];
  const files = await dropped(event.dataTransfer, (name) => lost.push(name));
  await add(zone, files);
  for (const name of lost) {
    const job = { zone, file: { name } };
    rowOf(job);
    ended(job, { end: "refused", error: zone.dataset.unread });
  }
});

document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  const zone = files.length && zoneFor(event.target);
  if (!zone) return;
  event.preventDefault();
  add(zone, files);
});

addEventListener("beforeunload", (event) => {
  if ([...runs.values()].some((run) => run.busy())) event.preventDefault();
});

// What a connection that was cut left waiting goes on by itself.
addEventListener("online", () => {
  for (const run of runs.values()) if (run.state.halted && !run.state.why) run.goOn();
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
